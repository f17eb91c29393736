"""Hits → what the engine is given: short, self-contained, best first, fit to be heard. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from kbserver.languages import profile
from kbserver.retrieval.near_duplicates import without_near_duplicates
from kbserver.retrieval.spoken.form import (
    cached_said,
    cached_strip_markup,
    lead,
    led_in,
)
from kbserver.retrieval.spoken.plain_text import strip_markup
from kbserver.types import Hit, Passage

_RESULT_OVERHEAD_BYTES = 64  # {"id":"…","content":…,"score":0.1234}, of one result

# Bytes that JSON does not escape, and those that it escapes by one more byte (\n); any other takes
# five more (\u0000).
_NOT_ESCAPED = bytes(byte for byte in range(0x20, 0x100) if byte not in b'"\\')
_ESCAPED_BY_A_LETTER = b'"\\\b\f\n\r\t'

_SHORTEST_LINE_BYTES = len("- No.\n")
_LONGEST_END = 10  # characters of a sentence's end: closing quotes and a blank

_SENTENCE_END = re.compile(r"(?<=[.!?…।॥؟۔])[\"')\]]*\s+")
_LONGEST_ABBREVIATION = 16  # characters before a sentence's end that are looked at


@dataclass(frozen=True, slots=True)
class ContextPassage:
    """One passage as it is answered: `content` is the source's text without markup."""

    id: str
    content: str
    score: float
    hit: Hit | None = field(default=None, compare=False, repr=False)
    """Where it comes from; None for a fixed text."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a turn answers: the string for the engine and the passages it was made from."""

    text: str
    passages: tuple[ContextPassage, ...] = ()


EMPTY = Context("")


def compose(
    hits: Sequence[Hit],
    *,
    max_context_bytes: int,
    max_answer_bytes: int,
    speak: bool = True,
) -> Context:
    """Write the context of some hits.

    A near-duplicate of a better hit is left out. A passage that does not fit is cut at a sentence's
    end, and left out if not even one sentence fits.

    Args:
        hits: best first.
        max_context_bytes: UTF-8 bytes of the returned text, at most.
        max_answer_bytes: bytes that text and passages may take together as JSON.
        speak: write numbers, prices and units as they are said, in the text only, never in the
            passages.

    Returns:
        A line `- …` for each passage, best first; an empty text for no hits.
    """
    results: list[_Result] = []
    room = _Room(max_context_bytes, max_answer_bytes)
    for hit in without_near_duplicates(hits):
        if room.context_bytes <= _SHORTEST_LINE_BYTES:
            break
        result = _as_much_as_fits(hit, speak, room)
        if result is not None:
            results.append(result)
            room = room.without(result)
    text = "\n".join(result.line for result in results)
    return Context(text, tuple(result.passage for result in results))


def compose_text(
    text: str, *, id: str, score: float, max_context_bytes: int
) -> Context:
    """Write the context of a fixed text: a fallback, a handler's own words.

    It is cut at a sentence's end if too long; `EMPTY` if not one sentence fits.
    """
    # A character takes a byte at least, so what is cut off here would not fit; what stays is enough
    # to tell the end of the last sentence that does.
    content = strip_markup(text)[: max_context_bytes + _LONGEST_END]
    for shorter in (content, *_shortenings(content)):
        if shorter and len(shorter.encode()) <= max_context_bytes:
            return Context(shorter, (ContextPassage(id, shorter, score),))
    return EMPTY


@dataclass(frozen=True, slots=True)
class _Result:
    """A passage, whole or cut, and its line of the context."""

    passage: ContextPassage
    line: str
    context_bytes: int
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class _Room:
    """Bytes that are left."""

    context_bytes: int
    answer_bytes: int

    def holds(self, result: _Result) -> bool:
        if result.context_bytes > self.context_bytes:
            return False
        return result.answer_bytes <= self.answer_bytes

    def without(self, result: _Result) -> _Room:
        return _Room(
            self.context_bytes - result.context_bytes,
            self.answer_bytes - result.answer_bytes,
        )


def _as_much_as_fits(hit: Hit, speak: bool, room: _Room) -> _Result | None:
    """Return the hit, cut at a sentence's end if it must be.

    None if not one sentence fits, or if it has no text.
    """
    whole = _whole(hit, speak)
    content = whole.passage.content
    if not content:
        return None
    if room.holds(whole):
        return whole

    def fits(shorter: str) -> bool:
        return room.holds(_spoken(hit, shorter, speak))

    # To say a text takes 0.1 ms, so not all are tried. As long as the lead is the same, a
    # shorter text takes less room; the lead comes back when the words that repeat it are cut off.
    shortenings = _shortenings(
        content[: room.answer_bytes + _LONGEST_END], hit.language
    )
    for group in _by_lead(shortenings, hit.passage):
        first = bisect_left(group, True, key=fits)
        if first < len(group):
            return _spoken(hit, group[first], speak)
    return None


def _by_lead(shortenings: list[str], passage: Passage) -> Iterator[list[str]]:
    """Yield the runs of shorter and shorter texts that have the same lead; one that went is gone.

    Not every text is asked for its lead, which takes 0.1 ms.
    """
    begin = 0
    while begin < len(shortenings):
        said = lead(passage, shortenings[begin])

        def differs(shorter: str, said: str = said) -> bool:
            return lead(passage, shorter) != said

        end = bisect_left(shortenings, True, lo=begin, key=differs)
        yield shortenings[begin:end]
        begin = end


def _whole(hit: Hit, speak: bool) -> _Result:
    """Return the hit uncut, from its stored spoken form if it has one."""
    form = hit.own_spoken_form
    if form is None:
        return _spoken(hit, cached_strip_markup(hit.passage.text), speak)
    if speak:
        return _result(hit, form.content, form.line)
    return _result(hit, form.content, led_in(form.lead, form.content))


def _spoken(hit: Hit, content: str, speak: bool) -> _Result:
    """Return the hit with this content, led in and said here."""
    line = led_in(lead(hit.passage, content), content)
    if speak:
        line = cached_said(line, hit.language)
    return _result(hit, content, line)


def _result(hit: Hit, content: str, spoken: str) -> _Result:
    passage = ContextPassage(hit.passage.id, content, hit.score, hit)
    line = f"- {spoken}"
    context_bytes = len(line.encode()) + 1
    answer_bytes = _json_bytes(line) + _json_bytes(content)
    answer_bytes += _json_bytes(passage.id) + _RESULT_OVERHEAD_BYTES
    return _Result(passage, line, context_bytes, answer_bytes)


def _shortenings(text: str, language: str = "english") -> list[str]:
    """Return the text with one, two, … sentences cut off at its end, longest first."""
    goes_on = _goes_on(language)
    ends = [
        match.start()
        for match in _SENTENCE_END.finditer(text)
        if not goes_on.search(
            text, max(0, match.start() - _LONGEST_ABBREVIATION), match.start()
        )
    ]
    return [text[:end] for end in reversed(ends)]


@lru_cache(maxsize=64)
def _goes_on(language: str) -> re.Pattern[str]:
    """Return a pattern of what a full stop ends without ending a sentence, as in `z. B.`."""
    return re.compile(rf"\b(?:{profile(language).said.goes_on})\.$")


def _json_bytes(text: str) -> int:
    """Return the bytes that `json.dumps` takes (ensure_ascii=False), at a third of its cost."""
    written = text.encode("utf-8", "replace")
    escaped = written.translate(None, _NOT_ESCAPED)
    escaped_by_number = escaped.translate(None, _ESCAPED_BY_A_LETTER)
    quotes = 2
    return len(written) + len(escaped) + 4 * len(escaped_by_number) + quotes
