"""Query vectors, kept for the next time the same query is asked."""

from __future__ import annotations

from collections import OrderedDict

from kbserver.types import FloatVector

LONGEST_TEXT = 512
"""Characters; longer queries are not cached, so that a few of them cannot fill the memory."""


class VectorCache:
    """An exact, bounded cache; the least recently used vector goes first. For one thread."""

    def __init__(self, size: int) -> None:
        """Keep `size` vectors at most; 0 keeps none."""
        self._size = size
        self._vectors: OrderedDict[tuple[str, str], FloatVector] = OrderedDict()

    def __len__(self) -> int:
        return len(self._vectors)

    def get(self, model: str, text: str) -> FloatVector | None:
        """Return the vector of a text under a model's fingerprint, or None."""
        key = (model, text)
        vector = self._vectors.get(key)
        if vector is not None:
            self._vectors.move_to_end(key)
        return vector

    def put(self, model: str, text: str, vector: FloatVector) -> None:
        """Keep a vector, unless its text is longer than `LONGEST_TEXT`."""
        if len(text) > LONGEST_TEXT or self._size == 0:
            return
        key = (model, text)
        self._vectors[key] = vector
        self._vectors.move_to_end(key)
        if len(self._vectors) > self._size:
            self._vectors.popitem(last=False)
