"""Leaves out hits that repeat a better one."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

from kbserver.types import Hit, Sketch

NEAR_DUPLICATE = 0.8
"""Share of the shorter passage's word trigrams that a near-duplicate holds as well.

Copies with a changed date or name lie above, reworded boilerplate well below."""

SKETCH_BITS = 512  # enough to tell texts of up to 300 words apart
_SURELY_SAME = 0.95  # of the bits of the smaller sketch, ...
_FEWEST_BITS, _MOST_BITS = 48, 192  # ... if both sketches have so many
_SEAM = 100  # characters that hold three words; the outermost word may be cut

_WORD = re.compile(r"\w+")
_Trigrams = set[tuple[str, ...]]


def without_near_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without those that repeat a better one; see `NEAR_DUPLICATE`.

    Args:
        hits: best first.
    """
    kept: list[tuple[Hit, _Words]] = []
    for hit in hits:
        words = _Words(hit)
        if not any(words.nearly_same(others) for _, others in kept):
            kept.append((hit, words))
    return [hit for hit, _ in kept]


def sketch_of(text: str) -> Sketch:
    """Return the sketch of a text: a Bloom filter of its word trigrams."""
    trigrams = _trigrams(_words(text))
    return Sketch(len(trigrams), _bits(trigrams))


def joined_sketch(first: Hit, second: Hit) -> Sketch | None:
    """Return the sketch of two passages that follow each other.

    Returns:
        None if a passage has no sketch or fewer than three words.
    """
    one, other = _sketch(first), _sketch(second)
    if one is None or other is None:
        return None
    before = _words(first.passage.text[-_SEAM:])
    after = _words(second.passage.text[:_SEAM])
    if min(one.trigrams, other.trigrams, len(before), len(after)) < 3:
        return None
    seam = _trigrams(before[-2:] + after[:2])
    return Sketch(
        trigrams=one.trigrams + other.trigrams + len(seam),
        bits=one.bits | other.bits | _bits(seam),
    )


class _Words:
    """The words of a hit, found only if the sketches do not decide."""

    def __init__(self, hit: Hit) -> None:
        self._text = hit.passage.text
        self._sketch = _sketch(hit)
        self._list: list[str] | None = None
        self._set: _Trigrams | None = None

    def nearly_same(self, other: _Words) -> bool:
        if self._sketch and other._sketch:
            if _surely_different(self._sketch, other._sketch):
                return False
            if _surely_same(self._sketch, other._sketch):
                return True
        if not _may_be_nearly_same(self._found(), other._found()):
            return False
        trigrams, others = self._trigrams(), other._trigrams()
        shared = len(trigrams & others)
        return shared >= NEAR_DUPLICATE * min(len(trigrams), len(others))

    def _found(self) -> list[str]:
        if self._list is None:
            self._list = _words(self._text)
        return self._list

    def _trigrams(self) -> _Trigrams:
        if self._set is None:
            self._set = _trigrams(self._found())
        return self._set


def _sketch(hit: Hit) -> Sketch | None:
    form = hit.own_spoken_form
    if form is None:
        return None
    return form.sketch


def _surely_different(one: Sketch, other: Sketch) -> bool:
    # A bit that only one sketch has was set by a trigram that only its text holds, and a text has
    # at least as many trigrams as bits.
    only_one = (one.bits & ~other.bits).bit_count()
    only_other = (other.bits & ~one.bits).bit_count()
    most_shared = min(one.trigrams - only_one, other.trigrams - only_other)
    fewest_bits = min(one.bits.bit_count(), other.bits.bit_count())
    return most_shared < NEAR_DUPLICATE * fewest_bits


def _surely_same(one: Sketch, other: Sketch) -> bool:
    # Different trigrams may set the same bit by chance. Within these bounds that makes texts with
    # .6 of their trigrams in common seem the same once in 200,000 pairs.
    fewest, most = sorted((one.bits.bit_count(), other.bits.bit_count()))
    if fewest < _FEWEST_BITS or most > _MOST_BITS:
        return False
    shared = (one.bits & other.bits).bit_count()
    return shared >= _SURELY_SAME * fewest


def _may_be_nearly_same(one: list[str], other: list[str]) -> bool:
    # A word that only one text holds begins a trigram that only this text holds, unless it is one
    # of the last two words. This bound decides most pairs without making any trigram.
    words, others = set(one), set(other)
    shared_of_one = len(one) - len(words - others)
    shared_of_other = len(other) - len(others - words)
    most_shared = max(1, min(shared_of_one, shared_of_other))
    fewest_trigrams = min(len(words), len(others)) - 2
    return most_shared >= NEAR_DUPLICATE * fewest_trigrams


def _bits(trigrams: _Trigrams) -> int:
    bits = 0
    for trigram in trigrams:
        text = " ".join(trigram)
        bits |= 1 << zlib.crc32(text.encode()) % SKETCH_BITS
    return bits


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _trigrams(words: list[str]) -> _Trigrams:
    """Return every run of three words; of a shorter text all of it."""
    count = max(1, len(words) - 2)
    return {tuple(words[at : at + 3]) for at in range(count)}
