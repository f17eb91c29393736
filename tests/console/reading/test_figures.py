"""Figures of a time: totals, bars, and which event changed what."""

import pytest

from kbserver.console.reading.figures import bar_width_s, summary
from kbserver.notes import EventNote
from tests.record.conftest import event

from ..conftest import HOTELS, NOW, silent
from ..conftest import turn as note


def test_totals_bars_reasons_and_routes_add_up(ask, fill):
    fill(
        note(1, at=NOW - 7200, label="a"),
        note(2, at=NOW - 7100, label="a", outcome="gated", reason="greeting"),
        note(3, at=NOW - 100, label="b", outcome="degraded", in_budget=False),
        silent(4, at=NOW - 90, label="b", route=""),
        note(5, at=NOW - 80, probe="doctor"),
        events=[event("refused", at=NOW - 50, invalid_token=3, missing_token=1)],
    )
    found = ask(summary)
    assert found["totals"] == {
        "turns": 4,
        "calls": 2,
        "answered": 2,
        "silent": 1,
        "small_talk": 1,
        "late": 1,
        "refused": 4,
    }
    assert found["totals"].keys() == found["meanings"].keys()
    assert len(found["bars"]) == 25 and found["bar_s"] == 3600
    assert [bar["turns"] for bar in found["bars"][-4:]] == [0, 2, 2, 0]
    assert [one["at"] for one in found["bars"][:2]] == [NOW - 86400, NOW - 82800]
    assert [(one["route"], one["turns"]) for one in found["routes"]] == [
        ("*", 3),
        ("", 1),
    ]
    assert {one["reason"] for one in found["reasons"]} == {
        None,
        "greeting",
        "below_min_score",
    }
    assert found["refused"] == {"invalid_token": 3, "missing_token": 1}
    assert ask(summary, route="*")["totals"]["turns"] == 3


def test_a_cause_that_grew_threefold_after_an_event_is_told(ask, fill):
    moved = EventNote(NOW - 1800, "calibration", "support", "0.15 → 0.47", {})
    fill(
        *(note(n, at=NOW - 3000 + n) for n in range(20)),
        silent(30, at=NOW - 2500),
        *(silent(100 + n, at=NOW - 1700 + n) for n in range(10)),
        *(note(200 + n, at=NOW - 1600 + n) for n in range(10)),
        *(note(300 + n, at=NOW - 1500 + n, route="web-*") for n in range(10)),
        events=[moved],
    )
    (told,) = ask(summary)["findings"]
    assert (told["route"], told["reason"], told["turns"]) == (
        "*",
        "below_min_score",
        10,
    )
    assert told["share"] == 0.5 and told["share_before"] == pytest.approx(1 / 21)
    assert told["event"]["text"] == "0.15 → 0.47"


def test_nothing_is_told_where_little_came_or_grew(ask, fill):
    moved = EventNote(NOW - 1800, "calibration", "support", "0.15 → 0.20", {})
    fill(
        *(silent(n, at=NOW - 3000 + n) for n in range(10)),
        *(note(50 + n, at=NOW - 2900 + n) for n in range(10)),
        *(silent(100 + n, at=NOW - 1700 + n) for n in range(12)),
        *(silent(200 + n, at=NOW - 1600 + n, route="web-*") for n in range(4)),
        events=[moved],
    )
    assert ask(summary)["findings"] == []


def test_a_token_that_is_bound_to_labels_sees_its_routes_and_no_events(ask, fill):
    fill(
        note(1, at=NOW - 60),
        note(2, at=NOW - 60, route="hotel-{id}"),
        events=[event(at=NOW - 50), event("refused", at=NOW - 40, x=1)],
    )
    found = ask(summary, HOTELS)
    assert (found["totals"]["turns"], found["totals"]["refused"]) == (1, 0)
    assert (found["events"], found["findings"]) == ([], [])


@pytest.mark.parametrize(
    ("hours", "width_h"), [(1, 1), (24, 1), (168, 1), (199, 1), (720, 4)]
)
def test_bars_are_whole_hours_and_not_too_many(hours, width_h):
    assert bar_width_s(0, hours * 3600) == width_h * 3600


def test_many_refusals_hide_no_event_and_all_are_counted(ask, fill):
    refusals = [event("refused", at=NOW - 900 + n, invalid_token=2) for n in range(150)]
    fill(events=[event("start", at=NOW - 1000), *refusals])
    found = ask(summary)
    assert found["totals"]["refused"] == 300
    assert [one["kind"] for one in found["events"]] == ["start"]
