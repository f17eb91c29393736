"""A question is asked here, of generations side by side; a threshold's effect is told."""

from dataclasses import replace

import pytest

from kbserver.console.reading.trying import threshold_effect, try_question
from kbserver.console.resources import Asked, NotThere
from kbserver.errors import Forbidden
from kbserver.record.database import changing
from kbserver.record.judgements import judge_turn
from kbserver.settings import read_settings
from tests.record.conftest import candidate

from ..conftest import HOTELS, NOW
from ..conftest import turn as note


@pytest.fixture
def tried(ask, library, source):
    yield lambda *visitor, **values: ask(try_question, *visitor, **values)
    source.generations.close()


def test_every_candidate_is_there_and_the_threshold_says_what_is_said(tried, source):
    found = tried(question="how do i reset the router", corpus="support")
    (answer,) = found["answers"]
    assert answer["candidates"][0]["document"] == "router/reset.md"
    assert answer["candidates"][0]["answered"] and "ten seconds" in answer["context"]
    assert len(answer["candidates"]) > answer["top_k"] > 0
    assert answer["min_score_from"] == "default"
    live = source.store.live("support")
    silent = tried(
        question="how do i reset the router", corpus="support", min_score="1", a=live
    )["answers"][0]
    assert (silent["outcome"], silent["reason"]) == ("empty", "below_min_score")
    assert silent["context"] == "" and silent["candidates"] != []
    for values in ({"a": "none"}, {"corpus": "none"}):
        with pytest.raises(NotThere):
            tried(question="x", **values)


def test_a_label_brings_its_route(tried):
    assert tried(question="are dogs welcome", label="hotels")["corpus"] == "hotels"
    with pytest.raises(NotThere, match="a route for the label 'nowhere'"):
        tried(question="x", label="nowhere")
    for label in ("hotels", None):
        with pytest.raises(NotThere):
            tried(HOTELS, question="x", **({"label": label} if label else {}))


def test_a_token_that_is_bound_to_labels_asks_beside_the_routes_of_others(
    library, fill, source
):
    seven = candidate("p1", document="hotels/7/pets.md")._replace(corpus="hotels")
    fill(note(1, at=NOW - 60, route="hotel-{id}", candidates=(seven,)))
    routes = [
        {"label": "hotel-{id}", "corpora": ["hotels"]},
        {"label": "*", "corpora": ["support"]},
    ]
    source = replace(source, settings=read_settings(store=library, routes=routes))
    values = {"question": "are dogs welcome", "label": "hotel-7"}
    found = try_question(Asked(source, HOTELS, values))
    source.generations.close()
    assert (found["corpus"], found["route"]) == ("hotels", "hotel-{id}")
    with pytest.raises(NotThere):
        try_question(Asked(source, HOTELS, values | {"label": "other"}))


def test_the_effect_of_a_threshold_on_what_was_recorded(ask, fill, folder):
    for number, score in enumerate((0.1, 0.3, 0.5, 0.7)):
        fill(note(number, at=NOW - 60, candidates=(candidate(score=score),)))
    with changing(folder / ".record") as record:
        judge_turn(record, f"{1:020x}", "right", by="ann", at=NOW)
        judge_turn(record, f"{0:020x}", "wrong", by="ann", at=NOW)
    found = ask(threshold_effect, corpus="support")
    assert found["turns"] == 4
    at = {point["min_score"]: point for point in found["curve"]}
    assert [at[x]["answered"] for x in (0.0, 0.2, 0.4, 0.8)] == [4, 3, 2, 0]
    assert [at[x]["right_lost"] for x in (0.2, 0.4)] == [0, 1]
    assert [at[x]["wrong_spared"] for x in (0.0, 0.2)] == [0, 1]
    with pytest.raises(Forbidden):
        ask(threshold_effect, HOTELS, corpus="support")
