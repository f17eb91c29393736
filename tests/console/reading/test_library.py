"""Documents, passages and generations: what the store holds, beside what the record counted."""

import pytest

from kbserver.console.reading import library as module
from kbserver.console.reading.library import (
    document,
    documents,
    generations,
    passage,
)
from kbserver.console.resources import NotThere
from kbserver.errors import Forbidden, InvalidRequest
from kbserver.record.database import changing
from kbserver.record.judgements import judge_turn
from tests.record.conftest import DAY_S, candidate

from ..conftest import EVERYTHING, HOTELS, NOW
from ..conftest import turn as note


def found(*names, **more):
    hits = tuple(candidate(f"p{n}", document=name) for n, name in enumerate(names))
    return note(candidates=hits, **{"at": NOW - 60} | more)


def test_documents_stand_beside_what_they_did(ask, library, fill):
    fill(
        found("billing/dates.md", number=1, query="when is my bill"),
        found("billing/dates.md", "router/reset.md", number=2, at=NOW - 40 * DAY_S),
    )
    answer = ask(documents, corpus="support")
    rows = {
        row["document"]: (row["turns"], row["first_places"], row["last_answered"])
        for row in answer["documents"]
    }
    assert rows == {
        "billing/dates.md": (1, 1, NOW - 60),
        "billing/cancel.txt": (0, 0, None),
        "router/lights.md": (0, 0, None),
        "router/reset.md": (0, 0, None),
    }
    assert answer["documents"][0]["document"] == "billing/dates.md"
    assert (answer["count"], answer["next"]) == (4, None)
    longer = ask(documents, corpus="support", since="60d")["documents"]
    assert [row["turns"] for row in longer] == [2, 1, 0, 0]


def names(answer):
    return [row["document"] for row in answer["documents"]]


def test_documents_are_chosen_and_come_page_by_page(ask, library, fill):
    fill(found("router/reset.md", number=1))
    assert names(ask(documents, corpus="support", search="RESET")) == [
        "router/reset.md"
    ]
    unused = names(ask(documents, corpus="support", unused="1h"))
    assert "router/reset.md" not in unused and len(unused) == 3
    first = ask(documents, corpus="support", limit=3)
    rest = ask(documents, corpus="support", limit=3, cursor=first["next"])
    assert len(names(first)) == 3 and len(names(rest)) == 1
    assert names(ask(documents))[0].startswith("hotels/")  # the first corpus
    for wrong in ({"sort": "x"}, {"unused": "x"}):
        with pytest.raises(InvalidRequest):
            ask(documents, **wrong)


def test_without_a_store_there_is_no_corpus(ask):
    answer = ask(documents)
    assert (answer["corpus"], answer["documents"]) == (None, [])
    with pytest.raises(NotThere):
        ask(documents, corpus="support")


def test_one_document_is_shown_as_spoken_with_what_finds_it(ask, library, fill):
    fill(found("router/reset.md", number=1, query="reset it"))
    one = ask(document, corpus="support", document="router/reset.md")["document"]
    assert one["passages_of"][0]["spoken"].startswith("Reset the router")
    assert [(row["query"], row["answered"]) for row in one["found_by"]] == [
        ("reset it", True)
    ]
    assert one["unchanged_since"] == one["generation"]
    assert one["metadata"]["folder"] == "router"
    with pytest.raises(NotThere):
        ask(document, corpus="support", document="router/none.md")


def test_a_turn_that_found_two_passages_of_a_document_is_one_question(
    ask, library, fill, monkeypatch
):
    name = "router/reset.md"
    hits = (
        candidate("p1", document=name, score=0.7, answered=False),
        candidate("p2", document=name, score=0.5),
    )
    fill(*(note(n, at=NOW - 60 + n, candidates=hits) for n in range(1, 4)))
    monkeypatch.setattr(module, "MOST_LOOKED_AT", 2)
    one = ask(document, corpus="support", document=name)["document"]
    rows = [
        (int(row["id"], 16), row["score"], row["answered"]) for row in one["found_by"]
    ]
    assert rows == [(3, 0.7, True), (2, 0.7, True)]


def test_a_passage_is_found_by_its_id_recorded_or_not(ask, library, fill):
    one = ask(document, corpus="support", document="router/reset.md")["document"]
    id = one["passages_of"][0]["passage"]
    shown = ask(passage, id=id)["passage"]
    assert (shown["document"], shown["live"]) == ("router/reset.md", True)
    fill(note(1, at=NOW - 60, candidates=(candidate(id),)))
    assert ask(passage, id=id)["passage"] == shown
    for values in ({"id": "none"}, {"id": id, "corpus": "hotels"}):
        with pytest.raises(NotThere):
            ask(passage, **values)


def test_a_token_that_is_bound_to_labels_sees_what_its_routes_found(ask, library, fill):
    seven = candidate("p1", document="hotels/7/pets.md")._replace(corpus="hotels")
    fill(
        note(1, at=NOW - 60, route="hotel-{id}", candidates=(seven,)),
        note(2, at=NOW - 60),
    )
    answer = ask(documents, HOTELS)
    assert (answer["corpora"], names(answer)) == (["hotels"], ["hotels/7/pets.md"])
    ask(document, HOTELS, corpus="hotels", document="hotels/7/pets.md")
    theirs = ask(document, corpus="hotels", document="hotels/8/pets.md")["document"]
    id = theirs["passages_of"][0]["passage"]
    for function, values in (
        (document, {"corpus": "hotels", "document": "hotels/8/pets.md"}),
        (document, {"corpus": "support", "document": "router/reset.md"}),
        (documents, {"corpus": "support"}),
        (passage, {"id": id}),
    ):
        with pytest.raises(NotThere):
            ask(function, HOTELS, **values)
    with pytest.raises(Forbidden):
        ask(generations, HOTELS)


def test_judgements_of_other_routes_are_not_for_a_token_that_is_bound_to_labels(
    ask, library, fill, folder
):
    name = "hotels/7/pets.md"
    hits = (candidate("p1", document=name)._replace(corpus="hotels"),)
    fill(
        note(1, at=NOW - 60, route="hotel-{id}", candidates=hits),
        note(2, at=NOW - 60, candidates=hits),
    )
    with changing(folder / ".record") as record:
        for number in (1, 2):
            judge_turn(record, f"{number:020x}", "wrong", by="ann", at=NOW)
    for visitor, wrong in ((HOTELS, 1), (EVERYTHING, 2)):
        (row,) = ask(documents, visitor, corpus="hotels", search="7/p")["documents"]
        one = ask(document, visitor, corpus="hotels", document=name)["document"]
        assert (row["wrong"], one["wrong"], len(one["judged"])) == (wrong,) * 3


def test_generations_are_listed_newest_first(ask, library):
    (one,) = ask(generations, corpus="hotels")["generations"]
    assert (one["corpus"], one["live"]) == ("hotels", True)
    assert len(ask(generations)["generations"]) == 2
