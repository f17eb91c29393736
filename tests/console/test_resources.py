"""Parameters are read, or refused with their name; roles and labels are checked."""

import pytest

from kbserver.console.resources import Asked
from kbserver.errors import Forbidden, InvalidRequest

from .conftest import EVERYTHING, HOTELS, NOW


@pytest.fixture
def asked(source):
    return lambda visitor=EVERYTHING, **values: Asked(source, visitor, values)


def test_parameters_have_defaults_and_limits(asked):
    assert asked().limit() == 50
    assert asked(limit="7").limit() == 7
    assert asked().since("1h") == NOW - 3600
    assert asked(since="2d").since() == NOW - 2 * 86400
    assert asked(since="999999999d").since() == 0.0
    assert (asked(n="7").whole("n"), asked().whole("n")) == (7, 0)
    assert asked(route="").text("route") is None


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("limit", "0", Asked.limit),
        ("limit", "1e9", Asked.limit),
        ("limit", "nan", Asked.limit),
        ("limit", "many", Asked.limit),
        ("since", "yesterday", Asked.since),
        ("n", "1.5", lambda asked: asked.whole("n")),
        ("n", "9" * 16, lambda asked: asked.whole("n")),
        ("since", "x" * 5000, Asked.since),
        ("id", "", lambda asked: asked.wanted("id")),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(asked, name, value, read):
    with pytest.raises(InvalidRequest, match=f"^{name} ") as caught:
        read(asked(**{name: value}))
    assert (caught.value.param, caught.value.code) == (name, "parameter")


def test_other_parameters_can_be_given(asked):
    changed = asked(route="a", since="1h").given(limit=3, since=None)
    assert changed.values == {"route": "a", "limit": "3"}


def test_roles_and_labels_are_checked(asked):
    asked().check("publish")
    asked().check_sees_all()
    with pytest.raises(Forbidden, match="role publish; this token has judge"):
        asked(HOTELS).check("publish")
    with pytest.raises(Forbidden, match="bound to some labels"):
        asked(HOTELS).check_sees_all()
