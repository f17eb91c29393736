"""What turns add up to: the names and meanings that dashboards are built on."""

from collections import Counter as Tally

import pytest

from kbserver.endpoint.metrics import Metrics, Recent
from kbserver.endpoint.trace import Trace
from kbserver.notes import Counts


@pytest.fixture
def metrics():
    return Metrics()


def samples(metrics):
    page, media_type = metrics.page()
    assert media_type.startswith("text/plain")
    lines = page.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_every_outcome_is_on_the_page_from_the_start(metrics):
    found = samples(metrics)
    for outcome in ("full", "degraded", "empty", "gated"):
        assert found[f'kbserver_turns_total{{outcome="{outcome}"}}'] == 0.0
    assert found["kbserver_turns_in_budget_ratio"] == 1.0


def test_turns_are_counted_by_outcome_and_reason(metrics):
    metrics.record(Trace("full", None))
    metrics.record(Trace("degraded", "busy"))
    metrics.record(Trace("empty", "no_match"))
    metrics.record(Trace("gated", "thanks"))
    found = samples(metrics)
    for outcome in ("full", "degraded", "empty", "gated"):
        assert found[f'kbserver_turns_total{{outcome="{outcome}"}}'] == 1.0
    assert found['kbserver_turns_degraded_total{reason="busy"}'] == 1.0
    assert found['kbserver_turns_empty_total{reason="no_match"}'] == 1.0
    assert not any("thanks" in name for name in found)


def test_the_share_in_budget_is_of_all_turns(metrics):
    for in_budget in (True, True, True, False):
        metrics.record(Trace("full", None, in_budget=in_budget))
    found = samples(metrics)
    assert found["kbserver_turns_in_budget_total"] == 3.0
    assert found["kbserver_turns_in_budget_ratio"] == 0.75


def test_times_are_histograms_in_seconds(metrics):
    metrics.record(Trace("full", None, total_ms=12.0, stages_ms={"lexical": 3.0}))
    found = samples(metrics)
    assert found["kbserver_turn_seconds_sum"] == pytest.approx(0.012)
    assert found['kbserver_turn_seconds_bucket{le="0.01"}'] == 0.0
    assert found['kbserver_turn_seconds_bucket{le="0.015"}'] == 1.0
    assert found['kbserver_stage_seconds_count{stage="lexical"}'] == 1.0


def test_refusals_and_failed_reloads_are_counted(metrics):
    metrics.refuse("overloaded")
    metrics.reload_failures.labels("support").inc()
    metrics.generation.labels("support", "0001").set(7)
    found = samples(metrics)
    assert found['kbserver_requests_refused_total{code="overloaded"}'] == 1.0
    assert found['kbserver_reload_failures_total{corpus="support"}'] == 1.0
    assert found['kbserver_corpus_passages{corpus="support",generation="0001"}'] == 7.0


def test_a_summary_covers_the_turns_since_the_last_one(metrics):
    assert metrics.summary() == ""
    for total_ms in (1.0, 2.0, 3.0):
        metrics.record(Trace("full", None, total_ms=total_ms))
    metrics.record(Trace("degraded", "busy", total_ms=9.0, in_budget=False))
    metrics.refuse("overloaded")
    assert metrics.summary() == (
        "4 turns, 75.0 % in budget: 3 full, 1 degraded busy; 1 refused (1 overloaded); "
        "median 2.0 ms, p99 3.0 ms"
    )
    assert metrics.summary() == ""


def test_a_summary_says_why_turns_were_empty(metrics):
    for reason in ("below_min_score", "unknown_label", "below_min_score"):
        metrics.record(Trace("empty", reason, total_ms=1.0))
    said = "2 empty below_min_score, 1 empty unknown_label; 0 refused"
    assert said in metrics.summary()


def test_refusals_alone_are_worth_a_line_with_their_codes():
    refused = Tally({"invalid_token": 2, "overloaded": 3})
    said = "no turns, 5 refused (3 overloaded, 2 invalid_token)"
    assert str(Recent(refused=refused)) == said


def test_what_was_recorded_is_on_the_page_with_every_cause(metrics):
    counts = Counts(True, 70, {"queue": 1, "down": 2}, 4096, 1.5)
    metrics.add_recorder(lambda: counts)
    found = samples(metrics)
    assert found["kbserver_recording"] == 1.0
    assert found["kbserver_record_turns_total"] == 70.0
    assert found["kbserver_record_bytes"] == 4096.0
    assert found["kbserver_record_lag_seconds"] == 1.5
    dropped = {
        cause: found[f'kbserver_record_dropped_total{{reason="{cause}"}}']
        for cause in ("queue", "pipe", "disk", "down")
    }
    assert dropped == {"queue": 1.0, "pipe": 0.0, "disk": 0.0, "down": 2.0}
