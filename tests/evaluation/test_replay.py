"""What callers asked, asked again of the generation that would come."""

import asyncio
import shutil
from pathlib import Path

import pytest

from kbserver.evaluation.asker import Answer
from kbserver.evaluation.dialogues import Asked, of_documents, of_judged, recorded
from kbserver.evaluation.replay import Replayed, kind_of, replay
from kbserver.evaluation.replay_report import as_dict, page
from kbserver.evaluation.require import read_release_requirement
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.record.qrels import JudgedQuestion
from kbserver.record.releases.asked import AskedCall, AskedTurn
from kbserver.settings import Settings, read_settings
from tests.conftest import DOCUMENTS, write_documents

RESET, LIGHTS = "router/reset.md", "router/lights.md"
DATES, CANCEL = "billing/dates.md", "billing/cancel.txt"
MOVED = "moved/cancelling.txt"


@pytest.fixture(scope="module")
def settings(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A store whose corpus `support` has a second generation, on hold.

    The page about lights is gone, that about cancelling has another name, and one about moving
    house is new.
    """
    folder = tmp_path_factory.mktemp("release")
    copied = folder / "store"
    shutil.copytree(store / "support", copied / "support")
    (copied / ".models").symlink_to(store / ".models")
    documents = dict(DOCUMENTS["support"])
    del documents[LIGHTS]
    documents[MOVED] = documents.pop(CANCEL)
    documents["moving.md"] = (
        "---\nquestions: [can i take my contract to another house]\n---\n"
        "# Moving house\n\nTell us the new address a week before you move.\n"
    )
    written = write_documents(folder / "documents", documents)
    report = ingest(
        [written], store=Store(copied), corpus="support", gate=lambda name: False
    )
    assert report.held and not report.published
    return read_settings(store=copied)


def call(*queries, label="call-1", route="*"):
    turns = tuple(AskedTurn(query, f"turn-{query}") for query in queries)
    return AskedCall(route, label, turns)


@pytest.fixture(scope="module")
def ask(settings):
    def invoke(*calls, **more):
        store = Store(settings.store)
        before, after = store.generations("support")
        with (
            store.open("support", before) as older,
            store.open("support", after) as newer,
        ):
            return replay(settings, "support", older, newer, calls=calls, **more)

    return invoke


@pytest.fixture(scope="module")
def replayed(ask):
    """One replay that most tests look at."""
    calls = [
        call("how do i reset the router", label="a"),
        call("how do i reset the router", label="b"),
        call("what does the red light mean"),
        call("how do i cancel my contract"),
        call("tell me the address a week before moving house"),
        call("how do i reset the router", "and how long do i hold it"),
    ]
    judged = [
        JudgedQuestion("j1", "how do i reset the router", (), {RESET: 1}),
        JudgedQuestion("j2", "what does the red light mean", (), {LIGHTS: 1}),
        JudgedQuestion("j3", "who painted the starry night", (), silent=True),
    ]
    return ask(*calls, judged=judged, left_out=7)


def found(replayed, question):
    return [one for one in replayed.replayed if one.asked.query == question]


def test_every_question_says_what_became_of_it(replayed):
    kinds = {one.asked.query: one.kind for one in replayed.replayed}
    assert kinds == {
        "how do i reset the router": "same",
        "what does the red light mean": "gone",
        "how do i cancel my contract": "same",
        "tell me the address a week before moving house": kinds[
            "tell me the address a week before moving house"
        ],
        "and how long do i hold it": "same",
    }
    (moving,) = found(replayed, "tell me the address a week before moving house")
    assert moving.after.first == "moving.md" and moving.kind in ("answered", "changed")


def test_a_call_that_came_twice_is_asked_once_and_counts_twice(replayed):
    first, second = found(replayed, "how do i reset the router")
    assert (first.weight, first.behind) == (2, ())
    assert (second.weight, second.behind) == (1, ())
    assert replayed.turns == 7


def test_a_follow_up_leans_on_the_turn_before_it(replayed, ask):
    (behind,) = found(replayed, "and how long do i hold it")
    assert behind.behind == ("how do i reset the router",)
    assert behind.before.first == behind.after.first == RESET


def test_documents_that_are_gone_are_named_and_those_that_moved_are_not(replayed):
    assert [(one.document, one.questions) for one in replayed.lost] == [(LIGHTS, 1)]
    assert replayed.moved == {CANCEL: MOVED}


def test_judged_questions_are_measured_on_both(replayed):
    judged = replayed.judged
    assert judged.questions == 3
    assert (judged.before["recall@3"], judged.after["recall@3"]) == (1.0, 0.5)
    assert replayed.measures()["recall@3"] == 0.5
    assert {row.measure for row in judged.compared} == {
        "ndcg@10",
        "recall@3",
        "mrr@10",
    }


def test_what_is_required_and_does_not_hold_is_said(replayed):
    wanted = ["gone<=0", "silent<=0.5", "recall@3>=0.9", "false_smalltalk<=0"]
    requirements = [read_release_requirement(text) for text in wanted]
    checked = replayed.checked(requirements)
    assert checked.failures == (
        "gone<=0: found 1",
        "recall@3>=0.9: found 0.5",
        "false_smalltalk<=0: was not measured; no question asks for it",
    )


def test_the_report_holds_it_all_and_the_page_shows_it_as_text(replayed):
    requirements = [read_release_requirement("gone<=0")]
    values = as_dict(replayed.checked(requirements), requirements)
    assert values["held"] and values["failed"] == ["gone<=0: found 1"]
    assert values["asked"] == {
        "source": "recorded",
        "turns": 7,
        "distinct": 6,
        "left_out": 7,
    }
    assert values["kinds"]["gone"] == 1 and sum(values["kinds"].values()) == 7
    assert values["questions"][0]["question"] == "what does the red light mean"
    assert values["documents"]["added"] == ["moved/cancelling.txt", "moving.md"]
    values["questions"][0]["question"] = "<script>alert(1)</script>"
    values["documents"]["gone"][0]["document"] = "a&b<i>.md"
    shown = page(values)
    assert "&lt;script&gt;" in shown and "<script" not in shown
    assert "a&amp;b&lt;i&gt;.md" in shown
    assert "http" not in shown  # needs nothing else


def test_without_words_judged_questions_and_those_of_documents_are_asked(ask):
    judged = [JudgedQuestion("j1", "and how long", ("how do i reset it",), {RESET: 1})]
    asked = ask(judged=judged)
    assert asked.source == "judged"
    assert [(one.asked.query, one.asked.origin) for one in asked.replayed] == [
        ("and how long", "judged"),
        ("can i take my contract to another house", "document"),
    ]
    assert asked.replayed[0].behind == ("how do i reset it",)
    assert asked.replayed[1].after.first == "moving.md"


def test_judged_documents_that_are_all_gone_measure_nothing(ask):
    asked = ask(judged=[JudgedQuestion("j1", "the red light", (), {LIGHTS: 1})])
    assert "recall@3" not in asked.judged.after
    assert "recall@3" not in asked.measures()


def test_the_live_generation_is_asked_by_its_name_not_because_it_is_live(settings):
    """A server of the other generation serves it though it waits."""
    from kbserver.evaluation.ask import asking

    _, after = Store(settings.store).generations("support")

    async def served() -> str:
        pinned = {"support": after}
        async with asking(settings, settings.store, generations=pinned) as server:
            return server.corpora.served("support").generation

    assert asyncio.run(served()) == after


A, B, NONE = Answer(("a.md",), 0.5), Answer(("b.md", "a.md"), 0.4), Answer()


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (A, A, "same"),
        (A, B, "changed"),
        (A, NONE, "silent"),
        (NONE, A, "answered"),
        (NONE, NONE, "same"),
        (B, A, "gone"),
        (B, NONE, "gone"),
        (Answer(("old.md",), 0.5), Answer(("new.md",), 0.5), "same"),
    ],
)
def test_what_became_of_a_question_is_told_by_the_first_documents(before, after, kind):
    assert kind_of(before, after, {"b.md"}, {"old.md": "new.md"}) == kind


def test_a_question_whose_document_is_gone_counts_as_changed_or_silent(replayed):
    from dataclasses import replace

    asked = Asked("q", "k", "recorded")
    rows = [
        Replayed(asked, A, A, "same", 5),
        Replayed(asked, B, A, "gone", 2),
        Replayed(asked, B, NONE, "gone", 1),
        Replayed(asked, A, B, "changed", 1),
        Replayed(asked, NONE, A, "answered", 1),
    ]
    measures = replace(replayed, replayed=rows, judged=None).measures()
    assert measures == {"gone": 1, "changed": 0.3, "silent": 0.1, "newly_answered": 0.1}
    assert replace(replayed, replayed=[], judged=None).measures() == {"gone": 1}


def test_routes_decide_what_a_recorded_call_is_asked_with(tmp_path):
    config = tmp_path / "kbserver.toml"
    config.write_text(
        '[[routes]]\nlabel = "hotel-{id}"\ncorpora = ["support", "other"]\n'
        'scope = { folder = "hotels/{id}" }\ntop_k = 1\n'
        '[[routes]]\nlabel = "shared"\ncorpora = ["support"]\nshared_label = true\n'
    )
    settings = read_settings(config)
    calls = [
        call("a", "b", label="hotel-7"),
        call("a", "b", label="hotel-‹digits›", route="hotel-{id}"),
        call("a", "b", label="shared"),
        call("a", "b", label=None, route="gone"),
    ]
    dialogues = recorded(calls, "support", settings)
    said = [
        ([one.query for one in each.turns], dict(each.route.scope), each.weight)
        for each in dialogues
    ]
    assert said == [
        (["a", "b"], {"folder": "hotels/7"}, 1),
        (["a", "b"], {"folder": "hotels/‹digits›"}, 1),
        (["a"], {}, 1),
        (["b"], {}, 1),
        (["a"], {}, 1),
        (["b"], {}, 1),
    ]
    assert {each.route.settings.top_k for each in dialogues[:2]} == {1}
    assert {each.route.corpora for each in dialogues} == {("support",)}
    assert {each.route.settings.deadline_ms for each in dialogues} == {10_000}


def test_only_the_judged_turn_counts_and_not_what_was_said_before(settings):
    judged = JudgedQuestion("j1", "c", ("a", "b"))
    (dialogue,) = of_judged([judged], "support", settings)
    assert [turn.query for turn in dialogue.turns] == ["a", "b", "c"]
    assert dialogue.counted == 2
    assert list(of_documents([], "support", settings)) == []
