"""What is seen can be acted on, by those who may; and only what they see."""

import pytest

from kbserver.console.actions import (
    forget,
    judge,
    judged,
    publish,
    set_threshold,
    take_back,
)
from kbserver.console.resources import NotThere
from kbserver.errors import Forbidden, InvalidRequest, StoreMissing
from kbserver.index.store import Store
from kbserver.retrieval.calibration import read_min_score

from .conftest import HOTELS, JUDGE, NOW, ORIGIN, VIEW, form_token, silent, turn

FIRST, SECOND = (f"{n:020x}" for n in (1, 2))


@pytest.fixture
def filled(fill):
    fill(
        turn(1, at=NOW - 60, query="reset the router"),
        silent(2, at=NOW - 50, label="h", route="hotel-{id}", query="any pets"),
    )


def test_a_turn_is_judged_and_the_judgement_taken_back(ask, filled):
    given = ask(judge, turn=FIRST, verdict="wrong")["judgement"]
    assert (given["document"], given["question"], given["by"]) == (
        "router/reset.md",
        "reset the router",
        "console",
    )
    assert [one["n"] for one in ask(judged)["judgements"]] == [given["n"]]
    assert ask(judged, corpus="hotels")["judgements"] == []
    ask(take_back, n=given["n"])
    assert ask(judged)["judgements"] == []
    with pytest.raises(NotThere):
        ask(take_back, n=given["n"])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"verdict": "good", "turn": FIRST},
        {"verdict": "should_have_answered", "turn": FIRST},
        {"verdict": "right", "question": "x", "corpus": "support"},
        {"verdict": "silent", "question": "x", "corpus": "support", "document": "d"},
        {"verdict": "right", "corpus": "support", "document": "d"},
    ],
)
def test_what_is_no_judgement_is_refused(ask, library, filled, values):
    with pytest.raises(InvalidRequest):
        ask(judge, **values)
    assert ask(judged)["judgements"] == []


def test_a_typed_question_is_judged(ask, library):
    values = {"corpus": "support", "question": "reset", "document": "router/reset.md"}
    given = ask(judge, verdict="right", **values)["judgement"]
    assert (given["turn"], given["question"]) == (None, "reset")
    with pytest.raises(StoreMissing):
        ask(judge, verdict="right", **values | {"corpus": "none"})


def test_a_token_that_is_bound_to_labels_judges_what_it_sees(ask, filled):
    given = ask(judge, HOTELS, turn=SECOND, verdict="silent")["judgement"]
    other = ask(judge, turn=FIRST, verdict="right")["judgement"]
    with pytest.raises(NotThere):
        ask(judge, HOTELS, turn=FIRST, verdict="wrong")
    with pytest.raises(NotThere):
        ask(take_back, HOTELS, n=other["n"])
    ask(take_back, HOTELS, n=given["n"])
    for function, values in (
        (judged, {}),
        (publish, {"corpus": "support"}),
        (set_threshold, {"corpus": "support", "min_score": 0.1}),
        (judge, {"verdict": "silent", "question": "x", "corpus": "support"}),
    ):
        with pytest.raises(Forbidden):
            ask(function, HOTELS, **values)


def test_a_call_is_forgotten(ask, filled, web, folder):
    key = web("GET", "/api/v1/turns?search=pets").json()["turns"][0]["call"]
    with pytest.raises(NotThere):
        ask(forget, HOTELS, key=key)
    assert ask(forget, key=key) == {"forgotten": 1}
    files = (folder / ".record").iterdir()
    assert b"any pets" not in b"".join(file.read_bytes() for file in files)
    with pytest.raises(NotThere):
        ask(forget, key=key)


def test_a_generation_is_published_and_the_one_before_comes_back(ask, library):
    store = Store(library)
    live = store.live("hotels")
    later = library / "hotels" / f"000099{live[6:]}"
    (library / "hotels" / live).rename(later)
    assert ask(publish, corpus="hotels", generation=later.name)["generation"] == (
        later.name
    )
    assert store.live("hotels") == later.name
    for values in ({"corpus": "hotels"}, {"corpus": "none"}):
        with pytest.raises(StoreMissing):
            ask(publish, **values)


def test_a_threshold_is_stored_as_calibrate_stores_it(ask, library):
    assert ask(set_threshold, corpus="support", min_score="0.31")["min_score"] == 0.31
    store = Store(library)
    fingerprint = store.manifest("support").model.fingerprint
    assert read_min_score(library / "support", fingerprint) == 0.31
    for wrong in ("", "1.5", "x"):
        with pytest.raises(InvalidRequest):
            ask(set_threshold, corpus="support", min_score=wrong)


def test_each_action_asks_for_its_role(web, library, filled):
    for token, path, fields, status in (
        (VIEW, "judgements", {"turn": FIRST, "verdict": "right"}, 403),
        (JUDGE, "judgements", {"turn": FIRST, "verdict": "right"}, 200),
        (JUDGE, "corpora/support/threshold", {"min_score": 0.2}, 403),
        (JUDGE, "corpora/support/live", {}, 403),
    ):
        answer = web("POST", f"/api/v1/{path}", token=token, json=fields)
        assert answer.status_code == status, answer.text


def test_a_form_judges_and_shows_what_was_judged(browser, filled):
    send = browser(JUDGE)
    path = f"/turns/{FIRST}"
    fields = {
        "form_token": form_token(send("GET", path)),
        "turn": FIRST,
        "verdict": "wrong",
        "back": path,
    }
    answer = send("POST", "/api/v1/judgements", headers={"origin": ORIGIN}, data=fields)
    assert answer.headers["location"].startswith(path)
    page = send("GET", answer.headers["location"]).text
    assert "wrong: router/reset.md" in page and "Judged." in page
