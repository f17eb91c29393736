"""What callers asked in vain, and what is done about it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from kbserver.console.resources import Asked, Json, NotThere
from kbserver.evaluation.closing import ask_again
from kbserver.record.database import changing
from kbserver.record.gaps.grouping import (
    STATES,
    Gap,
    State,
    nearest_documents,
)
from kbserver.record.gaps.grouping import (
    gaps as grouped_gaps,
)
from kbserver.record.gaps.states import keep_state, with_states
from kbserver.record.gaps.stub import stub
from kbserver.record.turns import last_number

BY = "console"
MOST_ASKED = 100
_AGAIN = 10.0  # of the time that grouping took: so long it is not done anew


@dataclass(frozen=True, slots=True)
class _Grouped:
    number: int
    """Of the newest turn when this was grouped."""
    written: int
    """How often the file was written anew till then: so is it when a call is forgotten."""
    at_s: float
    took_s: float
    gaps: list[Gap]


_kept: dict[tuple[str, str], _Grouped] = {}
_keeping = threading.Lock()


def gaps(asked: Asked) -> Json:
    """Return the gaps, what most calls asked first; those that are done last.

    Where no words are recorded: silent turns by the document that came nearest.

    Raises:
        Forbidden: the visitor's token is bound to labels.
        ExtraMissing: SciPy is not installed.
    """
    found = _found(asked)
    limit = asked.limit()
    corpus = asked.text("corpus")
    chosen = [gap for gap in found if corpus in (None, gap.searched)]
    with asked.source.record() as record:
        nearest = []
        if not found:
            nearest = nearest_documents(record, since=asked.since())[:limit]
        words = bool(record.execute("SELECT 1 FROM words LIMIT 1").fetchone())
    return {
        "words": words,
        "count": len(chosen),
        "gaps": [gap.as_dict() for gap in chosen[:limit]],
        "nearest_documents": [one.as_dict() for one in nearest],
    }


def gap(asked: Asked) -> Json:
    """Return one gap, with the document that it asks for, begun.

    Raises:
        NotThere: there is none of that id in that time.
    """
    found = _one(asked)
    return {"gap": found.as_dict() | {"stub": stub(found)}}


def keep(asked: Asked) -> Json:
    """Keep what is done about a gap.

    Raises:
        NotThere: there is none of that id in that time.
        InvalidRequest: the state is none.
    """
    wanted = asked.wanted("state")
    states: dict[str, State] = {name: name for name in STATES}
    if wanted not in states:
        raise asked.wrong("state", f"is none of {', '.join(STATES)}")
    found = _one(asked)
    with changing(asked.source.settings.record_folder) as record:
        keep_state(record, found, states[wanted], by=BY, at=asked.source.clock())
    return {"id": found.id, "state": wanted}


def ask(asked: Asked) -> Json:
    """Ask the open gaps again of what was published since.

    Raises:
        StoreError, ModelError: a generation cannot be served, or the record not be written.
    """
    found = _found(asked)[:MOST_ASKED]
    with changing(asked.source.settings.record_folder) as record:
        settings = asked.source.settings
        closed = ask_again(settings, record, found, at=asked.source.clock())
    return {"closed": closed}


def _one(asked: Asked) -> Gap:
    id = asked.wanted("id")
    for one in _found(asked):
        if one.id == id:
            return one
    raise NotThere(f"gap {id}")


def _found(asked: Asked) -> list[Gap]:
    """Return the gaps with their states; they are grouped anew as often as that costs little."""
    asked.check_sees_all()
    since = asked.since()
    key = (str(asked.source.settings.record_folder), asked.text("since") or "")
    with asked.source.record() as record:
        number = last_number(record)
        (written,) = record.execute("PRAGMA schema_version").fetchone()
        with _keeping:
            kept = _kept.get(key)
        if kept is None or kept.written != written or _is_old(kept, number):
            began_s = time.monotonic()
            found = grouped_gaps(record, since=since)
            now_s = time.monotonic()
            kept = _Grouped(number, written, now_s, now_s - began_s, found)
            with _keeping:
                _kept.clear()
                _kept[key] = kept
        return with_states(record, kept.gaps)


def _is_old(kept: _Grouped, number: int) -> bool:
    if kept.number == number:
        return False
    return time.monotonic() - kept.at_s > _AGAIN * kept.took_s
