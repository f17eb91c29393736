"""Everything that can be read and done: the API has no more, and pages use nothing else."""

from __future__ import annotations

from kbserver.console.reading.events import events
from kbserver.console.reading.figures import summary
from kbserver.console.reading.turns import call, calls, turn, turns
from kbserver.console.resources import (
    CHOICE,
    CORPUS,
    CURSOR,
    MOST,
    OUTCOME,
    ROUTE,
    SEARCH,
    SINCE,
    Action,
    Parameter,
    Resource,
)
from kbserver.record.export import flattened

PROBES = Parameter("probes", "any value: with turns that a probe asked")
CALL = Parameter("call", "only turns of this call, by its key")
KIND = Parameter("kind", "only events of this kind")

RESOURCES: tuple[Resource, ...] = (
    Resource("summary", summary, "What turns add up to", parameters=(SINCE, ROUTE)),
    Resource(
        "turns",
        turns,
        "Turns, newest first",
        rows="turns",
        parameters=(*CHOICE, CALL, PROBES),
        flat=flattened,
    ),
    Resource("turns/{id}", turn, "One turn"),
    Resource(
        "calls",
        calls,
        "Calls, newest first",
        rows="calls",
        parameters=(SINCE, ROUTE, OUTCOME, CORPUS, SEARCH, CURSOR, MOST),
    ),
    Resource("calls/{key}", call, "One call with its turns"),
    Resource(
        "events",
        events,
        "What changed between turns, newest first",
        rows="events",
        parameters=(SINCE, KIND, CORPUS, CURSOR, MOST),
    ),
)

ACTIONS: tuple[Action, ...] = ()
