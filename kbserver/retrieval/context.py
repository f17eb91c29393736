"""Hits → what the engine is given: short, self-contained, best first, fit to be heard. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kbserver.retrieval.near_duplicates import without_near_duplicates
from kbserver.retrieval.spoken.form import (
    LONGEST_TITLE,
    kept_plain,
    kept_said,
    lead,
    led_in,
)
from kbserver.retrieval.spoken.plain_text import plain
from kbserver.types import Hit

_RESULT_OVERHEAD_BYTES = 64  # {"id":"…","content":…,"score":0.1234}, of one result
_STANDS_FOR_ITSELF = bytes(
    byte for byte in range(0x20, 0x100) if byte not in b'"\\'
)  # in a string of JSON ...
_ESCAPED_BY_A_LETTER = (
    b'"\\\b\f\n\r\t'  # ... \n takes one byte more, others five: \u0000
)

# An abbreviation's full stop ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<=[.!?…])(?<!\b[ei]\.[ge]\.)(?<!\bvs\.)(?<!\b[DMN][ro]\.)[\"')\]]*\s+"
)


@dataclass(frozen=True, slots=True)
class ContextPassage:
    """One passage as it is answered: `content` is the source's wording without markup."""

    id: str
    content: str
    score: float


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

    A near-duplicate of a better hit is left out. What does not fit is cut at a sentence's end; a passage of which
    not even one sentence fits is left out.

    Args:
        hits: best first.
        max_context_bytes: UTF-8 bytes of the returned text, at most.
        max_answer_bytes: bytes that text and passages may take together as JSON.
        speak: write numbers, prices and units as they are said (in the text only, never in the passages).

    Returns:
        A line `- …` for each passage, best first; an empty text for no hits.
    """
    results: list[_Result] = []
    room = _Room(max_context_bytes, max_answer_bytes)
    for hit in without_near_duplicates(hits):
        result = _as_much_as_fits(hit, speak, room)
        if result is not None:
            results.append(result)
            room = room.without(result)
    return Context(
        "\n".join(result.line for result in results),
        tuple(result.passage for result in results),
    )


def compose_text(
    text: str, *, id: str, score: float, max_context_bytes: int
) -> Context:
    """Write the context of a fixed text (a fallback, a handler's own words), cut at a sentence's end if too long."""
    for shorter in _shortenings(plain(text)):
        if len(shorter.encode()) <= max_context_bytes:
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
        return (
            result.context_bytes <= self.context_bytes
            and result.answer_bytes <= self.answer_bytes
        )

    def without(self, result: _Result) -> _Room:
        return _Room(
            self.context_bytes - result.context_bytes,
            self.answer_bytes - result.answer_bytes,
        )


def _as_much_as_fits(hit: Hit, speak: bool, room: _Room) -> _Result | None:
    """A hit, cut at the end of a sentence if it must be; None if not one sentence fits, or if it has no text."""
    results = (
        _result(hit, content, said) for content, said in _ever_shorter(hit, speak)
    )
    return next((result for result in results if room.holds(result)), None)


def _ever_shorter(hit: Hit, speak: bool) -> Iterator[tuple[str, str]]:
    """Content and what is said of it, whole and then with one sentence after the other cut off; none of no text."""
    spoken_form = hit.own_spoken_form
    content = (
        spoken_form.content if spoken_form is not None else kept_plain(hit.passage.text)
    )
    if not content:
        return
    lead_in = (
        spoken_form.lead if spoken_form is not None else lead(hit.passage, content)
    )
    sentence = led_in(lead_in, content)
    said = (
        sentence
        if not speak
        else spoken_form.line
        if spoken_form is not None
        else kept_said(sentence)
    )
    yield content, said
    for end in reversed(list(_SENTENCE_END.finditer(content))):
        shorter, last = content[: end.start()], content[end.end() :]
        # To write a text to be heard costs most: what is cut off is shorter than what stays.
        dropped = end[0] + (kept_said(last) if speak else last)
        stays = said[: -len(dropped)] if said.endswith(dropped) else ""
        ends_alike = (
            stays[-1:] == shorter[-1:]
        )  # not where a sentence went on: "etc. and so on" loses its full stop
        if ends_alike and (
            len(shorter) > LONGEST_TITLE or lead(hit.passage, shorter) == lead_in
        ):
            said = stays
        else:
            lead_in = lead(hit.passage, shorter)
            sentence = led_in(lead_in, shorter)
            said = kept_said(sentence) if speak else sentence
        content = shorter
        yield content, said


def _result(hit: Hit, content: str, said: str) -> _Result:
    line = f"- {said}"
    answer_bytes = (
        _json_bytes(line)
        + _json_bytes(content)
        + _json_bytes(hit.passage.id)
        + _RESULT_OVERHEAD_BYTES
    )
    return _Result(
        ContextPassage(hit.passage.id, content, hit.score),
        line,
        len(line.encode()) + 1,
        answer_bytes,
    )


def _shortenings(text: str) -> list[str]:
    """The text, then the same text with one sentence after the other cut off at its end; [] for an empty text."""
    ends = [match.start() for match in _SENTENCE_END.finditer(text)]
    return [text] * bool(text) + [text[:end] for end in reversed(ends)]


def _json_bytes(text: str) -> int:
    """As many as `json.dumps(text, ensure_ascii=False)` takes, at a third of its cost."""
    written = text.encode("utf-8", "replace")
    escaped = written.translate(None, _STANDS_FOR_ITSELF)
    return (
        len(written)
        + len(escaped)
        + 4 * len(escaped.translate(None, _ESCAPED_BY_A_LETTER))
        + len('""')
    )
