"""What is in force, without any secret."""

import json
from dataclasses import replace

import pytest

from kbserver.console.reading.server import server
from kbserver.console.resources import Asked
from kbserver.errors import Forbidden
from kbserver.settings import read_settings
from tests.record.conftest import event

from ..conftest import EVERYTHING, HOTELS, NOW
from ..conftest import turn as note


@pytest.fixture
def shown(source, library, monkeypatch):
    def read(**values):
        monkeypatch.setenv("KB_TOKEN", "the-endpoint's-secret")
        settings = read_settings(store=library, **values)
        return server(Asked(replace(source, settings=settings), EVERYTHING))

    return read


def test_routes_are_listed_with_their_turns_and_what_hides_them(shown, fill):
    fill(
        note(1, at=NOW - 60, route="hotel-{id}"),
        note(2, at=NOW - 60, route=""),
        note(3, at=NOW - 60, route="old-*"),
    )
    found = shown(
        routes=[
            {"label": "hotel-{id}", "corpora": ["hotels"], "min_score": 0.3},
            {"label": "hotel-7", "handler": "no.such:module"},
            {"label": "*", "corpora": ["support"]},
        ]
    )
    rows = [(row["route"], row["turns"], row["never"]) for row in found["routes"]]
    assert rows == [
        ("hotel-{id}", 1, None),
        ("hotel-7", 0, "hotel-{id}"),
        ("*", 0, None),
    ]
    assert found["routes"][1]["handler"] == "no.such:module"
    others = {row["route"]: row["turns"] for row in found["other_routes"]}
    assert others == {"": 1, "old-*": 1}


def test_a_route_that_cannot_be_served_is_said(shown):
    found = shown(routes=[{"label": "*", "corpora": ["nothing"]}])
    assert found["routes"] == [] and "'nothing'" in found["problem"]


def test_what_was_refused_and_unknown_adds_up(shown, fill):
    fill(
        events=[
            event("refused", at=NOW - 90, invalid_token=2),
            event("refused", at=NOW - 60, invalid_token=1, missing_token=1),
            event("unknown_labels", at=NOW - 60, **{"web-#": 4}),
            event("start", at=NOW - 50),
        ]
    )
    found = shown()
    assert found["refused"] == {"invalid_token": 3, "missing_token": 1}
    assert found["unknown_labels"] == {"web-#": 4}
    assert found["started"]["at"] == NOW - 50
    assert found["recorded"]["bytes"] > 1000 and found["recorded"]["turns"] == 0


def test_it_says_what_the_server_said_of_itself(shown, source):
    found = shown()["server"]
    assert (found["state"], found["dropped"]) == ("not looked at yet", None)


def test_no_secret_is_shown(shown):
    found = shown(
        tokens=[{"value": "a-static-secret"}],
        console={"tokens": [{"value": "a-console-secret"}]},
    )
    text = json.dumps(found)
    assert "secret)" in text and "-secret" not in text
    assert "endpoint's" not in text


def test_it_is_not_for_a_token_that_is_bound_to_labels(ask):
    with pytest.raises(Forbidden):
        ask(server, HOTELS)
