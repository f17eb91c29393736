"""Hits that repeat a better one: what says the same is not said again."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from kbserver.types import Hit, Sketch

# Share of the shorter passage's word trigrams that the other one holds as well. Reworded boilerplate of two
# help pages stays around .5, copies with a changed date or name lie above .8.
NEAR_DUPLICATE = 0.8

_SKETCH_BITS = 512  # 64 bytes a passage; tells texts of up to 300 words apart
_SURELY_SAME = 0.95  # of the bits of the sketch that has fewer, if both have ...
_FEWEST_BITS, _MOST_BITS = 48, 192
_SEAM = 100  # characters that hold three words, the outermost of which may be cut

_WORD = re.compile(r"\w+")
_Trigrams = set[tuple[str, ...]]


def without_near_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without those that repeat a better one (word trigrams, `NEAR_DUPLICATE`)."""
    kept: list[tuple[Hit, _Words]] = []
    for hit in hits:
        words = _Words(hit)
        if not any(words.nearly_same(others) for _, others in kept):
            kept.append((hit, words))
    return [hit for hit, _ in kept]


def sketch_of(text: str) -> Sketch:
    """Return what tells a text from most others without reading either again."""
    trigrams = _trigrams(_words(text))
    return Sketch(len(trigrams), _bits(trigrams))


def joined_sketch(first: Hit, second: Hit) -> Sketch | None:
    """Return the sketch of two passages that follow one another; None if either has none or hardly a word."""
    one, other = (
        hit.own_spoken_form.sketch if hit.own_spoken_form is not None else None
        for hit in (first, second)
    )
    before, after = (
        _words(first.passage.text[-_SEAM:]),
        _words(second.passage.text[:_SEAM]),
    )
    if (
        one is None
        or other is None
        or min(one.trigrams, other.trigrams, len(before), len(after)) < 3
    ):
        return None
    seam = _trigrams(before[-2:] + after[:2])
    return Sketch(
        one.trigrams + other.trigrams + len(seam), one.bits | other.bits | _bits(seam)
    )


class _Words:
    """The words of a hit, found when the sketch alone does not tell."""

    def __init__(self, hit: Hit) -> None:
        self._text = hit.passage.text
        self._sketch = (
            hit.own_spoken_form.sketch if hit.own_spoken_form is not None else None
        )
        self._list: list[str] | None = None

    def nearly_same(self, other: _Words) -> bool:
        if self._sketch and other._sketch:
            if _surely_different(self._sketch, other._sketch):
                return False
            if _surely_same(self._sketch, other._sketch):
                return True
        return _nearly_same(self._found(), other._found())

    def _found(self) -> list[str]:
        if self._list is None:
            self._list = _words(self._text)
        return self._list


def _surely_different(one: Sketch, other: Sketch) -> bool:
    # A bit that only one of them has was set by a trigram that only it holds; and there are as many trigrams as bits.
    most_shared = min(
        one.trigrams - (one.bits & ~other.bits).bit_count(),
        other.trigrams - (other.bits & ~one.bits).bit_count(),
    )
    return most_shared < NEAR_DUPLICATE * min(
        one.bits.bit_count(), other.bits.bit_count()
    )


def _surely_same(one: Sketch, other: Sketch) -> bool:
    # By chance, what only one of them holds sets a bit that the other has too. Between these bounds that makes texts seem the
    # same of which .7 is, once in some 3,000, and of which .6 is, once in 200,000.
    fewest, most = sorted((one.bits.bit_count(), other.bits.bit_count()))
    return (
        _FEWEST_BITS <= fewest <= most <= _MOST_BITS
        and (one.bits & other.bits).bit_count() >= _SURELY_SAME * fewest
    )


def _nearly_same(one: list[str], other: list[str]) -> bool:
    # A word that only one of them holds begins a trigram that only it holds, unless among its last two words; and
    # there are at least as many trigrams as different words, but for two. Most pairs end here, at a third of the cost.
    words, others = set(one), set(other)
    most_shared = min(len(one) - len(words - others), len(other) - len(others - words))
    if max(1, most_shared) < NEAR_DUPLICATE * (min(len(words), len(others)) - 2):
        return False
    mine, theirs = _trigrams(one), _trigrams(other)
    return len(mine & theirs) >= NEAR_DUPLICATE * min(len(mine), len(theirs))


def _bits(trigrams: _Trigrams) -> int:
    bits = 0
    for trigram in trigrams:
        bits |= 1 << zlib.crc32(" ".join(trigram).encode()) % _SKETCH_BITS
    return bits


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _trigrams(words: list[str]) -> _Trigrams:
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}
