"""Turns as they come: those after the last that a browser has, and none twice."""

import pytest

from kbserver.console.live import _pieces, _since
from kbserver.console.rendering import Templates
from kbserver.console.resources import Asked
from kbserver.record.database import FILE

from .conftest import EVERYTHING, NOW, turn

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def asked(source):
    return Asked(source, EVERYTHING, {"since": "30d"})


def test_what_comes_after_a_number_is_written_as_rows(asked, fill):
    templates = Templates()
    assert _since(asked, templates, None) == (0, "")
    fill(turn(1, at=NOW - 9), turn(2, at=NOW - 8, query="<b>reset</b>"))
    last, html = _since(asked, templates, 1)
    assert last == 2 and html.count("<tr>") == 1
    assert "&lt;b&gt;reset" in html
    assert _since(asked, templates, 2) == (2, "")
    assert _since(asked, templates, None) == (2, "")
    assert _since(asked, templates, 900) == (2, "")  # the record was begun anew


async def test_a_browser_that_comes_back_gets_what_it_missed(asked, fill):
    fill(turn(1, at=NOW - 9), turn(2, at=NOW - 8))
    pieces = _pieces(asked, Templates(), *_since(asked, Templates(), 1))
    piece = await anext(pieces)
    assert piece.startswith("id: 2\ndata: ") and piece.endswith("\n\n")
    assert piece.count("<tr>") == 1
    await pieces.aclose()


async def test_a_quiet_stream_says_that_it_lives(asked):
    pieces = _pieces(asked, Templates(), 0, "")
    assert await anext(pieces) == "id: 0\n: still here\n\n"
    await pieces.aclose()


async def test_a_stream_ends_where_the_record_cannot_be_read(asked, fill, folder):
    fill(turn(1, at=NOW - 9))
    pieces = _pieces(asked, Templates(), 1, "")
    await anext(pieces)
    (folder / ".record" / FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


async def test_a_stream_ends_with_its_session(asked):
    answers = [True, False]
    pieces = _pieces(asked, Templates(), 0, "", lambda: answers.pop(0))
    await anext(pieces)
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


@pytest.mark.parametrize(
    ("query", "status"), [("since=yesterday", 400), ("search=router", 409)]
)
def test_what_cannot_be_answered_is_said_before_the_stream_begins(
    web, fill, query, status
):
    fill(turn(1, at=NOW - 9))
    headers = {"last-event-id": "0"}
    assert web("GET", f"/live/turns?{query}", headers=headers).status_code == status
    assert web("GET", "/live/turns?since=yesterday").status_code == 400
