"""Turns taken by each token that has a limit, in this process alone."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from kbserver.errors import Unauthorized

MAX_COUNTED_TOKENS = 100_000  # about 20 MB


class TurnCounts:
    """How many turns each token has taken.

    A token is forgotten once it has expired. When there are too many, the one that expires soonest
    is forgotten first: it may then take its turns once more, in what is left of its time.
    """

    def __init__(self, most_tokens: int = MAX_COUNTED_TOKENS) -> None:
        self._most_tokens = most_tokens
        self._taken: dict[str, int] = {}
        self._by_expiry: list[tuple[float, str]] = []

    def __len__(self) -> int:
        """How many tokens are remembered."""
        return len(self._taken)

    def taken(self, jti: str) -> int:
        """Return how many turns a token has taken; 0 for one that is not remembered."""
        return self._taken.get(jti, 0)

    def take(self, jti: str, *, limit: int, expires_at: float, now: float) -> bool:
        """Count one turn of a token; False, and nothing is counted, if it has had all of them."""
        taken = self.taken(jti)
        if taken >= limit:
            return False
        if jti not in self._taken:
            self._make_room(now)
            heapq.heappush(self._by_expiry, (expires_at, jti))
        self._taken[jti] = taken + 1
        return True

    def give_back(self, jti: str) -> None:
        """Count one turn less; nothing for a token that is not remembered."""
        if self.taken(jti):
            self._taken[jti] -= 1

    def _make_room(self, now: float) -> None:
        while self._by_expiry:
            expires_at, jti = self._by_expiry[0]
            if expires_at > now and len(self._taken) < self._most_tokens:
                return
            heapq.heappop(self._by_expiry)
            self._taken.pop(jti, None)


@dataclass(frozen=True, slots=True)
class TokenTurns:
    """The turns of one token that has a limit."""

    jti: str
    limit: int
    expires_at: float
    """Seconds since 1970."""
    counts: TurnCounts = field(repr=False)
    clock: Callable[[], float] = field(repr=False)

    def check(self) -> None:
        """Count nothing.

        Raises:
            Unauthorized: all turns are taken.
        """
        if self.counts.taken(self.jti) >= self.limit:
            raise _exhausted()

    def take(self) -> None:
        """Count one turn, before it is grounded: so many at once never get more.

        Raises:
            Unauthorized: all turns are taken.
        """
        taken = self.counts.take(
            self.jti, limit=self.limit, expires_at=self.expires_at, now=self.clock()
        )
        if not taken:
            raise _exhausted()

    def give_back(self) -> None:
        """Count one turn less: what was taken has not been grounded."""
        self.counts.give_back(self.jti)


def _exhausted() -> Unauthorized:
    return Unauthorized(
        "this token has had all its turns; ask for a new one", code="exhausted_token"
    )
