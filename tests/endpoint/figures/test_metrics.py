"""What turns add up to: the names and meanings that dashboards are built on."""

import re
from typing import get_args

import pytest

from kbserver.endpoint.figures.metrics import CODES, DEGRADED, EMPTY, Metrics
from kbserver.endpoint.routing import Route
from kbserver.endpoint.trace import Trace
from kbserver.labels import LabelPattern
from kbserver.notes import Counts
from kbserver.settings import TurnSettings
from kbserver.types import Outcome, Reason


def route(pattern, *corpora):
    return Route(LabelPattern(pattern), corpora, TurnSettings())


@pytest.fixture
def metrics():
    metrics = Metrics()
    metrics.routes([route("support-*", "docs"), route("vip", "docs", "extra")])
    return metrics


def samples(metrics):
    page, media_type = metrics.page()
    assert media_type.startswith("text/plain")
    lines = page.decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def of_support(name, label, value):
    labels = sorted(['corpus="docs"', f'{label}="{value}"', 'route="support-*"'])
    return f"{name}{{{','.join(labels)}}}"


def test_every_series_of_a_route_is_on_the_page_from_the_start(metrics):
    found = samples(metrics)
    for outcome in get_args(Outcome):
        assert found[of_support("kbserver_turns_total", "outcome", outcome)] == 0.0
        vip = f'{{corpus="docs,extra",outcome="{outcome}",route="vip"}}'
        assert found[f"kbserver_turns_total{vip}"] == 0.0
    for reason in DEGRADED:
        name = of_support("kbserver_turns_degraded_total", "reason", reason)
        assert found[name] == 0.0
    for reason in EMPTY:
        name = of_support("kbserver_turns_empty_total", "reason", reason)
        assert found[name] == 0.0
    for code in CODES:
        assert found[f'kbserver_requests_refused_total{{code="{code}"}}'] == 0.0
    unknown = '{corpus="",reason="unknown_label",route=""}'
    assert found[f"kbserver_turns_empty_total{unknown}"] == 0.0
    assert found['kbserver_stage_seconds_count{stage="embed"}'] == 0.0


def test_every_reason_is_counted_somewhere():
    gated = get_args(Reason)[get_args(Reason).index("empty") :]
    assert {*EMPTY, "unknown_label", *gated} == set(get_args(Reason))


def test_the_page_holds_no_moments_of_making(metrics):
    metrics.record(Trace("full", None, route="vip"))
    assert not any("_created" in name for name in samples(metrics))


def test_turns_are_counted_by_route_outcome_and_reason(metrics):
    metrics.record(Trace("full", None, route="support-*"))
    metrics.record(Trace("degraded", "busy", route="support-*"))
    metrics.record(Trace("empty", "no_match", route="support-*"))
    metrics.record(Trace("gated", "thanks", route="support-*"))
    metrics.record(Trace("empty", "unknown_label"))
    found = samples(metrics)
    for outcome in ("full", "degraded", "empty", "gated"):
        assert found[of_support("kbserver_turns_total", "outcome", outcome)] == 1.0
    assert found[of_support("kbserver_turns_degraded_total", "reason", "busy")] == 1.0
    assert found[of_support("kbserver_turns_empty_total", "reason", "no_match")] == 1.0
    unknown = '{corpus="",reason="unknown_label",route=""}'
    assert found[f"kbserver_turns_empty_total{unknown}"] == 1.0
    assert not any("thanks" in name for name in found)


def test_further_routes_are_counted_together(monkeypatch):
    monkeypatch.setattr("kbserver.endpoint.figures.metrics.MOST_ROUTES", 1)
    metrics = Metrics()
    metrics.routes([route("a", "docs"), route("b", "docs")])
    metrics.record(Trace("full", None, route="b"))
    others = '{corpus="(others)",outcome="full",route="(others)"}'
    assert samples(metrics)[f"kbserver_turns_total{others}"] == 1.0


def test_a_route_whose_corpora_changed_is_counted_with_those_of_now(metrics):
    metrics.routes([route("vip", "other"), route("vip", "never", "reached")])
    metrics.record(Trace("full", None, route="vip"))
    found = samples(metrics)
    vip = '{corpus="other",outcome="full",route="vip"}'
    assert found[f"kbserver_turns_total{vip}"] == 1.0
    assert not any("never" in name for name in found)


def test_turns_in_budget_are_a_counter_beside_all_turns(metrics):
    for in_budget in (True, True, True, False):
        metrics.record(Trace("full", None, route="vip", in_budget=in_budget))
    found = samples(metrics)
    vip = '{corpus="docs,extra",route="vip"}'
    assert found[f"kbserver_turns_in_budget_total{vip}"] == 3.0


def test_times_are_histograms_in_seconds(metrics):
    metrics.record(Trace("full", None, total_ms=12.0, stages_ms={"lexical": 0.3}))
    found = samples(metrics)
    assert found["kbserver_turn_seconds_sum"] == pytest.approx(0.012)
    assert found['kbserver_turn_seconds_bucket{le="0.01"}'] == 0.0
    assert found['kbserver_turn_seconds_bucket{le="0.02"}'] == 1.0
    stage = 'kbserver_stage_seconds_bucket{{le="{}",stage="lexical"}}'
    assert found[stage.format("0.00025")] == 0.0
    assert found[stage.format("0.0005")] == 1.0


def test_refusals_and_failed_reloads_are_counted(metrics):
    metrics.refuse("overloaded")
    metrics.corpus("support")
    metrics.generation.labels("support", "0001").set(7)
    found = samples(metrics)
    assert found['kbserver_requests_refused_total{code="overloaded"}'] == 1.0
    assert found['kbserver_reload_failures_total{corpus="support"}'] == 0.0
    assert found['kbserver_corpus_passages{corpus="support",generation="0001"}'] == 7.0


def test_the_build_and_the_process_are_on_the_page(metrics):
    found = samples(metrics)
    [build] = [name for name in found if name.startswith("kbserver_build_info")]
    assert re.search(r'version="\d+\.\d+', build) and found[build] == 1.0
    assert found["process_resident_memory_bytes"] > 1e6
    assert found["process_start_time_seconds"] > 1e9


def test_a_summary_covers_the_turns_since_the_last_one(metrics):
    metrics.record(Trace("full", None, route="vip"))
    metrics.refuse("overloaded")
    first, second = metrics.summary(), metrics.summary()
    assert (first.turns, first.refused.total()) == (1, 1)
    assert second.is_quiet


def test_two_processes_tell_their_sum(metrics, shelves):
    other = Metrics()
    other.routes([route("support-*", "docs")])
    metrics.share(shelves())
    other.share(shelves())
    for of, turns in ((metrics, 2), (other, 3)):
        for _ in range(turns):
            of.record(Trace("full", None, route="support-*", total_ms=12.0))
        of.in_flight.set(turns)
        of.ready.set(of is other)
    other.tell()
    found = samples(metrics)
    full = of_support("kbserver_turns_total", "outcome", "full")
    assert found[full] == 5.0
    assert found["kbserver_turn_seconds_count"] == 5.0
    assert found['kbserver_turn_seconds_bucket{le="0.01"}'] == 0.0
    assert found["kbserver_turns_in_flight"] == 5.0
    assert found["kbserver_ready"] == 0.0
    assert [name for name in found if name.startswith("kbserver_build_info")]


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
