"""What stands between a new generation and callers: what is asked of it, and what must hold."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kbserver.durations import duration_s
from kbserver.errors import StoreMissing
from kbserver.evaluation.replay import OnProgress, Replay, replay
from kbserver.evaluation.replay_report import as_dict
from kbserver.evaluation.require import Requirement
from kbserver.index.store import Store
from kbserver.record.database import FILE, changing, reading
from kbserver.record.judgements import judgements
from kbserver.record.qrels import JudgedQuestion, judged_questions
from kbserver.record.releases.asked import AskedCall, asked_calls, count_asked
from kbserver.record.releases.replays import add
from kbserver.settings import Settings

MOST_TURNS = 5_000


def _no_progress(done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a release is asked, and what must come of it."""

    settings: Settings
    corpus: str
    requirements: Sequence[Requirement]
    since: str
    """How far back recorded turns are asked: 7d."""
    most: int = MOST_TURNS

    def replayed(
        self, before: str, after: str, on_progress: OnProgress = _no_progress
    ) -> Replay:
        """Ask both generations.

        Raises:
            StoreError, ModelError: one of them cannot be served.
        """
        store = Store(self.settings.store)
        calls, left_out, judged = self._questions()
        with (
            store.open(self.corpus, before) as older,
            store.open(self.corpus, after) as newer,
        ):
            found = replay(
                self.settings,
                self.corpus,
                older,
                newer,
                calls=calls,
                judged=judged,
                left_out=left_out,
                on_progress=on_progress,
            )
        return found.checked(self.requirements)

    def report(self, found: Replay) -> dict[str, Any]:
        """Return the report of a replay, and keep it in the record if there is one.

        Raises:
            StoreError: the record cannot be written.
        """
        values = as_dict(found, self.requirements)
        folder = self.settings.record_folder
        if (folder / FILE).is_file():
            with changing(folder) as connection:
                add(connection, values, at=time.time())
        return values

    def _questions(self) -> tuple[list[AskedCall], int, list[JudgedQuestion]]:
        """Return recorded calls, how many of their turns are too many, and judged questions."""
        since = time.time() - duration_s(self.since)
        corpus = self.corpus
        try:
            with reading(self.settings.record_folder) as connection:
                calls = asked_calls(connection, corpus, since=since, most=self.most)
                there = count_asked(connection, corpus, since=since)
                judged = judged_questions(judgements(connection, corpus=corpus))
        except StoreMissing:
            return [], 0, []
        return calls, max(0, there - self.most), judged
