"""Query vectors, kept for the next time the same query is asked."""

from __future__ import annotations

from typing import TypeAlias

from kbserver.lru import LruCache, bytes_of
from kbserver.types import FloatVector

_Place: TypeAlias = tuple[str, str]
"""A model's fingerprint, and a text."""


class VectorCache:
    """An exact, bounded cache; the least recently used vector goes first. For one thread."""

    def __init__(self, most_bytes: int) -> None:
        """Keep texts and vectors of so many bytes at most; 0 keeps none."""
        self._vectors: LruCache[_Place, FloatVector] = LruCache(most_bytes, _size)

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, model: str, text: str) -> FloatVector | None:
        """Return the vector of a text under a model's fingerprint, or None."""
        return self._vectors.get((model, text))

    def put(self, model: str, text: str, vector: FloatVector) -> None:
        """Keep a vector."""
        self._vectors.put((model, text), vector)


def _size(place: _Place, vector: FloatVector) -> int:
    _, text = place
    return bytes_of(place, text) + vector.nbytes
