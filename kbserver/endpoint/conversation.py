"""The earlier turns of a session label: what a turn may lean on, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kbserver.endpoint.findings import Findings
from kbserver.retrieval.transcript.cleaning import hear
from kbserver.retrieval.transcript.followup import Exchange, Memory, dependence
from kbserver.settings import TurnSettings


@dataclass(frozen=True, slots=True)
class Conversation:
    """One label's part of the follow-up memory, as one turn sees it."""

    past: tuple[Exchange, ...] = ()
    """Earlier turns, newest first; () where none are kept."""
    _label: str = ""
    _query: str = ""
    """Cleaned."""
    _memory: Memory | None = None
    """None: this label's turns are not remembered."""
    _clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(
        cls,
        label: str | None,
        query: str,
        settings: TurnSettings,
        memory: Memory,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> Conversation:
        """Recall a label's turns; none for a call without a label and for a shared one.

        Args:
            clock: monotonic seconds.
        """
        if not label or settings.shared_label or not settings.follow_up:
            return cls()
        past = memory.recall(label, now_s=clock())
        return cls(past, label, hear(query).text, memory, clock)

    @property
    def stands_alone(self) -> bool:
        """Whether the query means the same without the earlier turns."""
        return not self.past or dependence(self._query) == 0.0

    def remember(self, findings: Findings) -> None:
        """Keep this turn for the next one."""
        if self._memory is None:
            return
        titles = tuple(hit.passage.title for hit in findings.hits)
        exchange = Exchange(self._query, self._clock(), titles, findings.embedding)
        self._memory.remember(self._label, exchange)
