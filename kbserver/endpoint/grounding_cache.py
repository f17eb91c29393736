"""Findings kept for the next time that the same is asked of the same passages."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from sys import getsizeof
from typing import NamedTuple, TypeAlias

from kbserver.endpoint.findings import Findings
from kbserver.lru import LruCache
from kbserver.types import Reason

CACHE_BYTES = 16_000_000
"""Some 1,000 findings of three passages each, and the context made from them."""

LONGEST_QUERY = 512
"""Characters; longer queries are not kept, since they hardly ever come twice."""

_TURN_BYTES = 2_000  # of scope, limits, hits and titles

LOOKED_EVERYWHERE: tuple[Reason, ...] = ("below_min_score", "no_match")
"""Reasons of an empty turn that would be the same with more time."""


class CacheKey(NamedTuple):
    """What decides the findings of a turn that leans on no other turn and on no handler."""

    query: str
    """As the caller said it."""
    choices: Hashable
    """Corpora, scope, settings and what fits into the answer."""
    version: Sequence[object]
    """What would be searched: the findings of other objects are not served, even of equal ones."""


class GroundingCache:
    """Exact and bounded; the least recently used goes first. For the event loop's thread."""

    def __init__(self, most_bytes: int = CACHE_BYTES) -> None:
        """Keep findings of so many bytes at most; 0 keeps none."""
        self._kept: LruCache[_Place, _Kept] = LruCache(most_bytes, _size)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: CacheKey | None) -> Findings | None:
        """Return the findings of a key; None if there are none.

        Args:
            key: None for a turn whose findings depend on more than a key holds.
        """
        if key is None:
            return None
        place = (key.query, key.choices)
        kept = self._kept.get(place)
        if kept is None:
            return None
        version, findings = kept
        if not _same_objects(version, key.version):
            self._kept.pop(place)
            return None
        return findings

    def put(self, key: CacheKey | None, findings: Findings) -> None:
        """Keep findings that a turn with more time would not better; ignore others."""
        if key is None or len(key.query) > LONGEST_QUERY or not _whole(findings):
            return
        self._kept.put((key.query, key.choices), (key.version, findings))

    def clear(self) -> None:
        """Let everything go, and with it the generations it was found in."""
        self._kept.clear()


_Place: TypeAlias = tuple[str, Hashable]
_Kept: TypeAlias = tuple[Sequence[object], Findings]


def _size(place: _Place, kept: _Kept) -> int:
    """Return the bytes of the texts that are kept; other things of a turn are smaller."""
    query, _ = place
    _, findings = kept
    texts = [query, findings.context.text]
    texts += [passage.content for passage in findings.context.passages]
    texts += [search.heard for search in findings.searches]
    near = [hit for search in findings.searches for hit in search.near]
    for hit in (*findings.hits, *near):
        texts.append(hit.passage.text)
        if hit.spoken_form is not None:
            texts += [hit.spoken_form.content, hit.spoken_form.line]
    size = _TURN_BYTES + sum(map(getsizeof, texts))
    if findings.embedding is not None:
        size += findings.embedding.nbytes
    return size


def _whole(findings: Findings) -> bool:
    if findings.outcome == "empty":
        return findings.reason in LOOKED_EVERYWHERE
    return findings.outcome == "full"


def _same_objects(some: Sequence[object], others: Sequence[object]) -> bool:
    if len(some) != len(others):
        return False
    return all(one is other for one, other in zip(some, others, strict=True))
