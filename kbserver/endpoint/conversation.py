"""The earlier turns of a session: what a turn leans on, and what it leaves behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kbserver.endpoint.asking.ask import MOST_PAST, Ask
from kbserver.endpoint.findings import Findings
from kbserver.endpoint.turn import end_of
from kbserver.languages import spoken
from kbserver.languages.profile import Profile
from kbserver.retrieval.transcript.cleaning import Heard, understand
from kbserver.retrieval.transcript.followup import Exchange, Memory, dependence
from kbserver.settings import TurnSettings


@dataclass(frozen=True, slots=True)
class Conversation:
    """One session's part of the follow-up memory, as one turn sees it."""

    leans_on: tuple[Exchange, ...] = ()
    """Earlier turns, newest first; () if the query means the same without them.

    Only a turn without any finds the same as any other session's would: it may be shared."""
    _key: str = ""
    _heard: Heard = Heard("")
    """The query, cleaned if the route cleans."""
    _said: str = ""
    _memory: Memory | None = None
    """None: this session's turns are not remembered."""
    _clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(
        cls,
        ask: Ask,
        query: str,
        profiles: Sequence[Profile],
        settings: TurnSettings,
        memory: Memory,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> Conversation:
        """Recall what a query leans on; nothing without a session and for a shared label.

        A history that the client sent counts in place of what is remembered.

        Args:
            ask: says which session it is, and what was said before.
            query: its words that are searched for.
            profiles: of the languages of the corpora that the turn may search.
            clock: monotonic seconds.
        """
        if not settings.follow_up:
            return cls()
        key = ask.memory_key
        if settings.shared_label and not ask.is_spoken_alone:
            key = None
        if not key and not ask.past:
            return cls()
        # The words that the ranker looks at: other words may lean on other turns.
        profile = spoken(query, profiles)
        heard = understand(query, profile, fillers=settings.fillers)
        now = Exchange(heard.text, clock(), profile=heard.profile, said=query)
        past: tuple[Exchange, ...] = ()
        if key:
            past = memory.recall(key, now_s=now.at_s, before=now)
        if ask.past:
            past = _sent(ask, now, profiles, settings, past)
        if past and dependence(heard.text, profile) == 0.0:
            past = ()
        if not key:
            return cls(past)
        return cls(past, key, heard, query, memory, clock)

    def remember(self, findings: Findings) -> None:
        """Keep this turn for the next one."""
        if self._memory is None:
            return
        titles = tuple(hit.passage.title for hit in findings.hits)
        heard = self._heard
        exchange = Exchange(
            heard.text,
            self._clock(),
            titles,
            findings.embedding,
            heard.profile,
            self._said,
        )
        self._memory.remember(self._key, exchange)


def _sent(
    ask: Ask,
    now: Exchange,
    profiles: Sequence[Profile],
    settings: TurnSettings,
    remembered: Sequence[Exchange],
) -> tuple[Exchange, ...]:
    """Return the history that a client sent, newest first.

    What is remembered of the same words lends its embedding, which no history holds.
    """
    known = {exchange.query: exchange for exchange in remembered}
    past = []
    for said in ask.past[:MOST_PAST]:
        end = end_of(said)
        profile = spoken(end, profiles)  # callers switch language
        heard = understand(end, profile, fillers=settings.fillers)
        earlier = replace(now, query=heard.text, said=said, profile=profile)
        if heard.text:
            past.append(known.get(heard.text) or earlier)
    return tuple(past)
