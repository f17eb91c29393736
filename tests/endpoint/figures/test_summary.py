"""The line in the log that says how the turns of a minute went."""

from collections import Counter as Tally

from kbserver.endpoint.figures.summary import Recent
from kbserver.endpoint.trace import Trace


def recent(*traces, **more):
    found = Recent(**more)
    for trace in traces:
        found.add(trace)
    return found


def test_turns_are_said_by_route_with_their_reasons():
    found = recent(
        *(Trace("full", None, route="a-*", total_ms=ms) for ms in (1.0, 2.0, 3.0)),
        Trace("degraded", "busy", route="a-*", total_ms=9.0, in_budget=False),
        Trace("empty", "unknown_label", total_ms=1.0),
        refused=Tally(overloaded=1),
    )
    assert str(found) == (
        "5 turns, 80.0 % in budget: a-*: 3 full, 1 degraded busy | "
        "no route: 1 empty unknown_label; 1 refused (1 overloaded); "
        "median 2.0 ms, p99 3.0 ms"
    )


def test_refusals_alone_are_said_with_their_codes():
    found = recent(refused=Tally({"invalid_token": 2, "overloaded": 3}))
    assert str(found) == "no turns, 5 refused (3 overloaded, 2 invalid_token)"
    assert not found.is_quiet


def test_silence_is_said_too():
    assert str(recent()) == "no turns, 0 refused"
    assert recent().is_quiet


def test_of_many_routes_the_small_ones_are_counted_together():
    traces = [Trace("full", None, route="big")] * 2
    traces += [Trace("full", None, route=f"route-{number}") for number in range(10)]
    said = str(recent(*traces))
    assert "big: 2 full" in said and "other routes: 3 full" in said


def test_the_facts_are_json_values():
    found = recent(Trace("empty", "no_match", route="a", total_ms=2.0))
    assert found.as_dict() == {
        "turns": 1,
        "in_budget": 1,
        "routes": {"a": {"empty no_match": 1}},
        "refused": {},
        "median_ms": 2.0,
        "p99_ms": 2.0,
    }
