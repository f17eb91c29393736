"""Near-duplicates across documents: passages that say almost the same in almost the same words.

Shingles of five words, compared by the share that two passages have in common (Jaccard). Source: A. Broder, "On the
resemblance and containment of documents", 1997.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from zlib import crc32

from kbserver.ingest.lint.findings import Finding, shortened
from kbserver.types import Passage

_WORD = re.compile(r"\w+")
_SHINGLE = 5  # words
_LEAST_WORDS = 12  # shorter passages repeat each other for good reasons
_SAME = 0.7
_COMMON = (
    50  # a shingle in more passages than this is boilerplate of a template, not a copy
)


def near_duplicates(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Yield a finding for each pair of documents with passages that are almost the same; the first pair each."""
    known: list[tuple[Passage, frozenset[int]]] = []
    by_shingle: defaultdict[int, list[int]] = defaultdict(list)
    said: set[tuple[str, str]] = set()
    for passage in passages:
        shingles = _shingles(passage.text)
        if not shingles:
            continue
        shared = Counter(
            other
            for shingle in shingles
            if len(by_shingle[shingle]) <= _COMMON
            for other in by_shingle[shingle]
        )
        for number, count in shared.most_common(5):
            other, theirs = known[number]
            pair = (other.source, passage.source)
            if other.source == passage.source or pair in said:
                continue
            if count / (len(shingles) + len(theirs) - count) >= _SAME:
                said.add(pair)
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


def _shingles(text: str) -> frozenset[int]:
    words = _WORD.findall(text.casefold())
    if len(words) < _LEAST_WORDS:
        return frozenset()
    return frozenset(
        crc32(" ".join(words[at : at + _SHINGLE]).encode("utf-8", "surrogatepass"))
        for at in range(len(words) - _SHINGLE + 1)
    )
