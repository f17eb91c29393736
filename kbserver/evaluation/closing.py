"""Asks gaps again of the generation that is live: does it answer them now?"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from kbserver.errors import StoreError
from kbserver.evaluation.asker import Answer, Asker, nothing, run_aside
from kbserver.evaluation.dialogues import recorded
from kbserver.index.store import Store
from kbserver.record.database import checked_key, transaction
from kbserver.record.gaps.grouping import BARELY, Gap
from kbserver.record.gaps.states import asked_before, close, note_asked
from kbserver.record.releases.asked import AskedCall, AskedTurn
from kbserver.settings import Settings


def ask_again(
    settings: Settings,
    connection: sqlite3.Connection,
    gaps: Iterable[Gap],
    *,
    at: float,
) -> int:
    """Ask each open gap of the live generation, if it was not asked of it; keep what is closed.

    A model is opened only if there is something to ask.

    Args:
        connection: of the record, for writing.
        gaps: with their states.
        at: now, seconds since the epoch.

    Returns:
        How many gaps were closed.

    Raises:
        StoreError, ModelError: a generation cannot be served, or the record not be written.
    """
    key = checked_key(settings.record_folder)
    open_gaps = [gap for gap in gaps if gap.is_open]
    closed = 0
    for corpus in sorted({gap.searched for gap in open_gaps if gap.searched}):
        try:
            live = Store(settings.store).live(corpus)
        except StoreError:  # taken out since
            continue
        waiting = [
            gap
            for gap in open_gaps
            if gap.searched == corpus and gap.generation != live
        ]
        asked = asked_before(connection, waiting, live, key)
        waiting = [gap for gap in waiting if gap.id not in asked]
        answers = _answers(settings, corpus, live, waiting)
        with transaction(connection):
            for gap, answer in zip(waiting, answers, strict=True):
                note_asked(connection, gap, live, answer.first, key)
                if closes(answer, gap):
                    document = answer.first
                    close(connection, gap, generation=live, document=document, at=at)
                    closed += 1
    return closed


def closes(answer: Answer, gap: Gap) -> bool:
    """Whether an answer is one: by another document than came near, or well above the threshold."""
    if answer.first is None or answer.score is None:
        return False
    if answer.first != gap.document:
        return True
    return answer.score >= (answer.min_score or 0.0) + BARELY


def _answers(
    settings: Settings, corpus: str, generation: str, gaps: Sequence[Gap]
) -> list[Answer]:
    """Ask the first example of each gap."""
    if not gaps:
        return []
    calls = [
        AskedCall(gap.route, None, (AskedTurn(gap.examples[0], gap.id),))
        for gap in gaps
    ]
    dialogues = recorded(calls, corpus, settings)
    asker = Asker(settings, corpus, generation)
    answers, _ = run_aside(asker.ask(dialogues, nothing))
    by_question = {
        dialogue.turns[0].key: found[0]
        for dialogue, found in zip(dialogues, answers, strict=True)
    }
    return [by_question[gap.id] for gap in gaps]
