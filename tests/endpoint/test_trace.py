"""Notes on a turn, by a clock of the test's own, and the trace that is left of them."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from kbserver.deadline import Deadline
from kbserver.endpoint.trace import Recorder
from kbserver.retrieval.retriever import Retrieval, Search, Threshold
from kbserver.types import Hit, Outcome, Passage, Reason

CONTRACT = Path(__file__).parents[2] / "docs" / "contract.md"
HIT = Hit(Passage("1", "text"), 0.5)


class Clock:
    def __init__(self):
        self.now = 5.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(clock):
    return Recorder(clock=clock)


def test_a_trace_holds_the_time_of_each_stage_and_of_all(recorder, clock):
    for seconds in (0.002, 0.003):
        with recorder.stage("compose"):
            clock.now += seconds
    clock.now += 0.010
    trace = recorder.finish("full", None, hits=2)
    assert trace.stages_ms == {"compose": pytest.approx(5.0)}
    assert trace.total_ms == pytest.approx(15.0)
    assert (trace.outcome, trace.reason, trace.hits) == ("full", None, 2)


def test_a_stage_that_fails_is_timed_as_well(recorder, clock):
    with pytest.raises(ValueError), recorder.stage("handler"):
        clock.now += 1.0
        raise ValueError
    assert recorder.stages_ms == {"handler": pytest.approx(1000.0)}


def test_a_turn_without_a_deadline_is_in_its_budget(recorder):
    assert recorder.finish("empty", "unknown_label", hits=0).in_budget


@pytest.mark.parametrize(("left_ms", "in_budget"), [(60_000.0, True), (-1.0, False)])
def test_a_turn_is_in_its_budget_until_its_deadline(recorder, left_ms, in_budget):
    recorder.deadline = Deadline.after_ms(left_ms)
    assert recorder.finish("full", None, hits=1).in_budget is in_budget


def test_of_corpora_searched_side_by_side_the_slowest_counts(recorder):
    recorder.add(Retrieval([HIT], stages_ms={"lexical": 2.0, "embed": 1.0}))
    recorder.add(Retrieval([HIT], stages_ms={"lexical": 1.0, "dense": 3.0}))
    assert recorder.stages_ms == {"lexical": 2.0, "embed": 1.0, "dense": 3.0}


def test_the_first_embedding_is_kept(recorder):
    first, second = np.ones(3, np.float32), np.zeros(3, np.float32)
    recorder.add(Retrieval([HIT]))
    for embedding in (first, second):
        recorder.add(Retrieval([HIT], embedding=embedding))
    assert recorder.embedding is first


def test_what_was_left_out_and_why_nothing_was_found_is_noted(recorder):
    recorder.add(Retrieval([HIT]))
    assert (recorder.degraded, recorder.nothing) == (None, None)
    recorder.add(Retrieval([HIT], degraded="late"))
    recorder.add(Retrieval([], nothing="no_match"))
    assert (recorder.degraded, recorder.nothing) == ("late", "no_match")
    recorder.corpus_failed()
    assert recorder.degraded == "corpus_failed"


def test_the_json_of_a_trace_has_rounded_times_and_no_null(recorder, clock):
    recorder.route = "hotel-{id}"
    with recorder.stage("recall"):
        clock.now += 0.0012345678
    values = recorder.finish("full", None, hits=1).as_dict()
    assert values == {
        "route": "hotel-{id}",
        "door": "",
        "outcome": "full",
        "reason": "",
        "hits": 1,
        "in_budget": True,
        "total_ms": 1.235,
        "stages_ms": {"recall": 1.235},
    }


def test_what_was_searched_for_is_told_with_what_came_near(recorder):
    near = Hit(Passage("9", "text", source="a.md"), 0.12345, arms={"lexical": 1.5})
    threshold = Threshold(0.4, "calibrated")
    search = Search(
        "docs", "000001-a", "my router", True, threshold, [near], ["action"]
    )
    recorder.add(Retrieval([], nothing="below_min_score", search=search))
    trace = recorder.finish("empty", "below_min_score", hits=0)
    assert trace.why() == [
        {
            "corpus": "docs",
            "generation": "000001-a",
            "heard": "my router",
            "leaned": True,
            "requests": ["action"],
            "min_score": 0.4,
            "min_score_from": "calibrated",
            "near": [
                {"id": "9", "score": 0.1235, "source": "a.md", "arms": {"lexical": 1.5}}
            ],
        }
    ]
    assert not trace.cached


def test_findings_that_were_kept_bring_their_searches_along(recorder):
    search = Search("docs", "000001-a", "my router", False, Threshold(0.4, "route"))
    trace = recorder.finish("full", None, hits=1, known=[search])
    assert trace.cached and trace.searches == [search]


def test_the_table_of_the_contract_holds_every_outcome_and_every_reason():
    row = re.compile(r"^\| `(\w+)` \| (?:`(\w+)`)? ?\| .+ \|.*\|$", re.MULTILINE)
    text = CONTRACT.read_text(encoding="utf-8")
    _, _, section = text.partition("## How a turn ends")
    section, _, _ = section.partition("\n## ")
    rows = row.findall(section)
    assert {outcome for outcome, _ in rows} == set(get_args(Outcome))
    assert {reason for _, reason in rows if reason} == set(get_args(Reason))
    assert [outcome for outcome, reason in rows if not reason] == ["full"]
    assert len(set(rows)) == len(rows)
