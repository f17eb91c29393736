"""How a turn ends, decided once from its answer and what its searches came to."""

import pytest

from kbserver.endpoint.asking.manner import Limits
from kbserver.endpoint.findings import Findings, decide, fallback_context
from kbserver.endpoint.trace import Recorder
from kbserver.retrieval.context import Context, ContextPassage
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Passage

SETTINGS = TurnSettings()
LIMITS = Limits(passages_bytes=5000, text_bytes=2400)
HITS = [
    Hit(Passage("1", "The light is red.", title="Lights"), 0.9),
    Hit(Passage("2", "Hold the button for ten seconds."), 0.5),
]


@pytest.fixture
def recorder():
    return Recorder()


@pytest.mark.parametrize("answer", [HITS, tuple(HITS)])
def test_hits_make_a_full_turn(recorder, answer):
    findings = decide(answer, recorder, SETTINGS, LIMITS)
    assert (findings.outcome, findings.reason) == ("full", None)
    assert [hit.passage.id for hit in findings.hits] == ["1", "2"]
    assert (
        "ten seconds" in findings.context.text or "10 seconds" in findings.context.text
    )
    assert findings.answered == 2


def test_a_text_is_an_answer_without_hits(recorder):
    findings = decide("We open at **nine**.", recorder, SETTINGS, LIMITS)
    assert findings.outcome == "full"
    assert findings.hits == ()
    assert findings.context.text == "We open at nine."
    same = decide("We open at **nine**.", recorder, SETTINGS, LIMITS)
    assert same.context.passages[0].id == findings.context.passages[0].id


@pytest.mark.parametrize("answer", [None, [], "", "   "])
def test_nothing_makes_an_empty_turn(recorder, answer):
    findings = decide(answer, recorder, SETTINGS, LIMITS)
    assert (findings.outcome, findings.reason) == ("empty", "no_match")
    assert findings.context.text == ""
    assert findings.answered == 0


def test_an_arm_that_was_left_out_makes_a_degraded_turn(recorder):
    recorder.degraded = "busy"
    findings = decide(HITS, recorder, SETTINGS, LIMITS)
    assert (findings.outcome, findings.reason) == ("degraded", "busy")


@pytest.mark.parametrize(
    ("degraded", "nothing", "reason"),
    [
        (None, None, "no_match"),
        (None, "below_min_score", "below_min_score"),
        ("late", None, "late"),
        ("busy", "no_match", "busy"),
    ],
)
def test_an_empty_turn_says_why_and_what_was_left_out_comes_first(
    recorder, degraded, nothing, reason
):
    recorder.degraded = degraded
    recorder.nothing = nothing
    findings = decide(None, recorder, SETTINGS, LIMITS)
    assert (findings.outcome, findings.reason) == ("empty", reason)


def test_a_corpus_without_a_passage_does_not_count_where_another_has_one(recorder):
    recorder.nothing = "below_min_score"
    findings = decide(HITS, recorder, SETTINGS, LIMITS)
    assert (findings.outcome, findings.reason) == ("full", None)


def test_the_fallback_stands_in_for_an_empty_answer(recorder):
    settings = TurnSettings(fallback="Please hold.")
    findings = decide([], recorder, settings, LIMITS)
    assert findings.context == fallback_context(settings, LIMITS)
    assert findings.context.text == "Please hold."
    assert (findings.outcome, findings.answered) == ("empty", 0)


def test_a_text_is_cut_at_a_sentence_to_what_fits_through_the_door(recorder):
    limits = Limits(passages_bytes=5000, text_bytes=30)
    findings = decide("We open at nine. We close at five.", recorder, SETTINGS, limits)
    assert findings.context.text == "We open at nine."


def test_the_context_keeps_to_the_door_and_to_the_route(recorder):
    long = [
        Hit(Passage(str(n), f"Passage {n}. " + f"word{n} " * 60), 0.5) for n in range(9)
    ]
    tight = Limits(passages_bytes=1500, text_bytes=100)
    by_door = decide(long, recorder, SETTINGS, tight)
    route = TurnSettings(max_context_bytes=500)
    by_route = decide(long, recorder, route, LIMITS)
    assert 0 < by_door.answered < 9
    assert len(by_door.context.text.encode()) < 1500
    assert 0 < len(by_route.context.text.encode()) <= 500


def test_answered_counts_the_passages_of_a_turn_that_is_not_empty():
    context = Context("a", (ContextPassage("1", "a", 0.5),))
    assert Findings("degraded", "late", context=context).answered == 1
    assert Findings("empty", "error", context=context).answered == 0
    assert Findings("gated", "thanks").answered == 0
