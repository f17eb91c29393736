"""What every front door keeps to, whatever its wire."""

import json

import pytest

from kbserver.endpoint.doors import DOORS
from kbserver.errors import Overloaded, Unauthorized
from kbserver.retrieval.context import EMPTY
from kbserver.settings import Settings


@pytest.fixture(params=DOORS)
def door(request):
    return request.param


def test_no_two_doors_have_one_path():
    paths = [door.path(Settings()) for door in DOORS]
    assert len(set(paths)) == len(paths)
    assert all(path.startswith("/") for path in paths)


def test_a_text_may_stand_in_an_answer_twice(door):
    assert 0 < 2 * door.limits.text_bytes <= door.limits.passages_bytes


def test_a_request_without_a_token_is_unauthorized(door):
    with pytest.raises(Unauthorized) as caught:
        door.token_of({})
    assert caught.value.code == "missing_token"


def test_a_refusal_is_json_that_holds_its_code(door):
    refusal = door.render_error(Overloaded("too many"))
    assert isinstance(json.loads(refusal), dict)
    assert b"overloaded" in refusal


def test_an_empty_answer_is_json(door):
    class Question:
        query = session_label = label = "x"

    assert isinstance(json.loads(door.render(Question(), EMPTY, None)), dict)
