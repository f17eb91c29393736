"""The earlier turns of a session label: what a turn leans on, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kbserver.endpoint.findings import Findings
from kbserver.languages import neutral
from kbserver.languages.profile import Profile
from kbserver.retrieval.transcript.cleaning import Heard, understand
from kbserver.retrieval.transcript.followup import Exchange, Memory, dependence
from kbserver.settings import TurnSettings


@dataclass(frozen=True, slots=True)
class Conversation:
    """One label's part of the follow-up memory, as one turn sees it."""

    leans_on: tuple[Exchange, ...] = ()
    """Earlier turns, newest first; () if the query means the same without them.

    Only a turn without any finds the same as any other label's would: it may be shared."""
    _label: str = ""
    _heard: Heard = Heard("")
    """The query, cleaned if the route cleans."""
    _memory: Memory | None = None
    """None: this label's turns are not remembered."""
    _clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(
        cls,
        label: str | None,
        query: str,
        profiles: Sequence[Profile],
        settings: TurnSettings,
        memory: Memory,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> Conversation:
        """Recall what a query leans on; nothing without a label and for a shared one.

        Args:
            profiles: of the languages of the corpora that the turn may search.
            clock: monotonic seconds.
        """
        if not label or settings.shared_label or not settings.follow_up:
            return cls()
        # The words that the ranker looks at: other words may lean on other turns.
        profile = next(iter(profiles), neutral.PROFILE)
        heard = understand(query, profile, fillers=settings.fillers)
        past = memory.recall(label, now_s=clock())
        if past and dependence(heard.text, profile) == 0.0:
            past = ()
        return cls(past, label, heard, memory, clock)

    def remember(self, findings: Findings) -> None:
        """Keep this turn for the next one."""
        if self._memory is None:
            return
        titles = tuple(hit.passage.title for hit in findings.hits)
        heard = self._heard
        exchange = Exchange(
            heard.text, self._clock(), titles, findings.embedding, heard.profile
        )
        self._memory.remember(self._label, exchange)
