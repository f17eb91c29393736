"""Whole answers kept for the next time somebody asks the same of the same passages."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from kbserver.lru import LruCache
from kbserver.retrieval.context import Context
from kbserver.types import FloatVector, Hit

KEPT_ANSWERS = 1024
"""About 10 MB: three passages each, and the context made from them."""

LONGEST_QUERY = 512
"""Characters; who talks for longer does not say the same twice."""


@dataclass(frozen=True, slots=True)
class CachedGrounding:
    """What a turn answered in full, and what it rests on."""

    hits: Sequence[Hit]
    context: Context
    embedding: FloatVector | None
    version: tuple[object, ...]
    """The generations and the sets of valid rows that were searched: good only while these very objects are served."""
    nothing: str = ""
    """Why there is no passage good enough to be said; empty if there is one."""


class GroundingCache:
    """Exact, bounded, the least recently asked goes first. For the event loop's thread."""

    def __init__(self, size: int = KEPT_ANSWERS) -> None:
        """Keep `size` answers at most; 0 keeps none."""
        self._answers: LruCache[tuple[str, Hashable], CachedGrounding] = LruCache(size)

    def __len__(self) -> int:
        return len(self._answers)

    def get(
        self, query: str, asked: Hashable, version: Sequence[object]
    ) -> CachedGrounding | None:
        """Return the answer to a query, or None if there is none or what it rests on is served no longer.

        Args:
            query: as the caller said it.
            asked: everything else that decides the answer: corpora, scope, settings.
            version: what would be searched now.
        """
        answer = self._answers.get((query, asked))
        if answer is None:
            return None
        if len(answer.version) != len(version) or any(
            one is not other for one, other in zip(answer.version, version, strict=True)
        ):
            self._answers.pop((query, asked))
            return None
        return answer

    def put(self, query: str, asked: Hashable, answer: CachedGrounding) -> None:
        """Keep an answer."""
        if len(query) <= LONGEST_QUERY:
            self._answers.put((query, asked), answer)

    def clear(self) -> None:
        """Let everything go, and with it the generations it rests on."""
        self._answers.clear()
