import pytest

from kbserver.console.reading.events import events
from kbserver.errors import Forbidden, InvalidRequest
from tests.record.conftest import event

from ..conftest import HOTELS, NOW


def test_events_come_newest_first_page_by_page(ask, fill):
    fill(events=[event(at=NOW - 90 + n, place=n) for n in range(3)])
    fill(events=[event("calibration", at=NOW - 10, now=0.4)])
    first = ask(events, limit=3)
    assert [one["details"] for one in first["events"]] == [
        {"now": 0.4},
        {"place": 2},
        {"place": 1},
    ]
    rest = ask(events, limit=3, cursor=first["next"])
    assert [one["details"] for one in rest["events"]] == [{"place": 0}]
    assert rest["next"] is None
    (only,) = ask(events, kind="calibration")["events"]
    assert only["kind"] == "calibration"
    assert ask(events, corpus="hotels")["events"] == []
    with pytest.raises(InvalidRequest, match="cursor"):
        ask(events, cursor="the one before")


def test_events_are_not_for_a_token_that_is_bound_to_labels(ask):
    with pytest.raises(Forbidden):
        ask(events, HOTELS)
