"""Gaps and what is done about them, as the API and the pages give them."""

import pytest

from kbserver.console.reading import gaps as reading
from kbserver.console.reading.gaps import ask as ask_again
from kbserver.console.reading.gaps import gap, gaps, keep
from kbserver.console.resources import NotThere
from kbserver.errors import Forbidden, InvalidRequest
from kbserver.record.forgetting import forget
from tests.console.conftest import HOTELS, NOW, silent


def asked(number, query, place, **more):
    embedding = bytearray(8)
    embedding[place] = 127
    at = NOW - 60 + number
    return silent(number, at=at, query=query, embedding=bytes(embedding), **more)


@pytest.fixture
def two(fill):
    fill(
        asked(1, "do you ship", 0),
        asked(2, "do you <b>ship</b>", 0, label="call-2"),
        asked(3, "a unicorn", 1, label="call-3"),
    )


def test_gaps_come_with_their_state_and_what_most_calls_asked_first(ask, two):
    found = ask(gaps)
    assert found["words"] and found["count"] == 2
    first, second = found["gaps"]
    assert (first["turns"], first["open"], first["state"]) == (2, True, "new")
    kept = ask(keep, id=first["id"], state="not_ours")
    assert kept == {"id": first["id"], "state": "not_ours"}
    found = ask(gaps)["gaps"]
    assert [one["id"] for one in found] == [second["id"], first["id"]]
    assert (found[1]["state"], found[1]["by"]) == ("not_ours", "console")
    assert ask(gaps, corpus="hotels")["gaps"] == []


def test_a_gap_has_the_document_it_asks_for(ask, two):
    id = ask(gaps)["gaps"][0]["id"]
    found = ask(gap, id=id)["gap"]
    assert found["stub"].startswith("---\ntitle: ")
    assert len(found["wordings"]) == 2


def test_a_turn_that_comes_is_seen(ask, two, fill, monkeypatch):
    monkeypatch.setattr(reading, "_AGAIN", 0.0)
    ask(gaps)
    fill(asked(4, "do you ship", 0, label="call-4"))
    assert ask(gaps)["gaps"][0]["turns"] == 3


def test_without_words_silent_turns_are_counted_by_document(ask, fill):
    fill(silent(1, at=NOW - 60))
    found = ask(gaps)
    assert not found["words"] and found["gaps"] == []
    assert found["nearest_documents"][0]["document"] == "billing.md"


def test_what_cannot_be_is_refused(ask, two):
    with pytest.raises(NotThere):
        ask(gap, id="ffff")
    id = ask(gaps)["gaps"][0]["id"]
    with pytest.raises(InvalidRequest, match="not_ours"):
        ask(keep, id=id, state="later")
    for function in (gaps, gap, keep, ask_again):
        with pytest.raises(Forbidden):
            ask(function, HOTELS, id=id, state="done")


def test_gaps_of_a_store_that_is_not_there_stay_open(ask, two):
    assert ask(ask_again) == {"closed": 0}


def test_a_call_that_is_forgotten_is_not_seen_any_more(ask, two, folder):
    unicorn = ask(gaps)["gaps"][1]
    assert forget(folder / ".record", "call-3") == 1
    (ship,) = ask(gaps)["gaps"]
    assert ship["turns"] == 2
    with pytest.raises(NotThere):
        ask(keep, id=unicorn["id"], state="done")
