"""Near-duplicates: passages of two documents that say the same in almost the same words.

Shingles of five words, compared by the share that two passages have in common (Jaccard).
Source: A. Broder, "On the resemblance and containment of documents", 1997.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from zlib import crc32

from kbserver.ingest.lint.findings import Finding, shortened
from kbserver.types import Passage

_WORD = re.compile(r"\w+")
_SHINGLE = 5
"""Words."""
_LEAST_WORDS = 12
"""Shorter passages repeat each other for good reasons."""
_SAME = 0.7
_COMMON = 50
"""A shingle in more passages than this is a template's boilerplate, not a copy."""
_COMPARED = 5
"""Passages that each new one is compared with: those that share most shingles."""


def near_duplicates(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Yield a finding for the first near-duplicate pair of passages of two documents."""
    known: list[tuple[Passage, frozenset[int]]] = []
    by_shingle: defaultdict[int, list[int]] = defaultdict(list)
    found: set[tuple[str, str]] = set()
    for passage in passages:
        shingles = _shingles(passage.text)
        if not shingles:
            continue
        for number, shared in _most_alike(shingles, by_shingle):
            other, theirs = known[number]
            pair = (other.source, passage.source)
            if other.source == passage.source or pair in found:
                continue
            if shared / (len(shingles) + len(theirs) - shared) >= _SAME:
                found.add(pair)
                yield Finding(
                    "near-duplicate",
                    passage.source,
                    shortened(passage.text),
                    other.source,
                    passage.id,
                )
        for shingle in shingles:
            by_shingle[shingle].append(len(known))
        known.append((passage, shingles))


def _most_alike(
    shingles: frozenset[int], by_shingle: defaultdict[int, list[int]]
) -> list[tuple[int, int]]:
    """Return (number of a known passage, shared shingles) pairs, most first."""
    shared: Counter[int] = Counter()
    for shingle in shingles:
        numbers = by_shingle[shingle]
        if len(numbers) <= _COMMON:
            shared.update(numbers)
    return shared.most_common(_COMPARED)


def _shingles(text: str) -> frozenset[int]:
    """Return a hash of every run of five words; none for a short text."""
    words = _WORD.findall(text.casefold())
    if len(words) < _LEAST_WORDS:
        return frozenset()
    runs = (
        " ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)
    )
    return frozenset(crc32(run.encode("utf-8", "surrogatepass")) for run in runs)
