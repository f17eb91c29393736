"""Query vectors, kept for the next time the same query is asked."""

from __future__ import annotations

from kbserver.lru import LruCache
from kbserver.types import FloatVector

LONGEST_TEXT = 512
"""Characters; longer queries are not cached, so that a few of them cannot fill the memory."""


class VectorCache:
    """An exact, bounded cache; the least recently used vector goes first. For one thread."""

    def __init__(self, size: int) -> None:
        """Keep `size` vectors at most; 0 keeps none."""
        self._vectors: LruCache[tuple[str, str], FloatVector] = LruCache(size)

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, model: str, text: str) -> FloatVector | None:
        """Return the vector of a text under a model's fingerprint, or None."""
        return self._vectors.get((model, text))

    def put(self, model: str, text: str, vector: FloatVector) -> None:
        """Keep a vector, unless its text is too long to be said twice."""
        if len(text) <= LONGEST_TEXT:
            self._vectors.put((model, text), vector)
