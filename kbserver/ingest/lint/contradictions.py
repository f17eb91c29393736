"""Two documents that give different values for one thing: two prices, two phone numbers.

A slot is a kind of value (price, time, phone number, …) with the words around it. Two
slots are compared only if their words are almost the same and say something, and not if
their documents share headings: "the daily rate" of one hotel's page does not contradict
that of another's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from kbserver.index.lexical.tokens import tokenize
from kbserver.ingest.lint.findings import Finding, shortened
from kbserver.types import Passage

_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_AM_PM = r"am|pm|a\.m\.|p\.m\."
_CLOCK = rf"(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?(?:\s?(?:{_AM_PM}|o'clock))?"
_TO = r"-|–|—|\bto\b|\buntil\b|\btill\b"
_CURRENCY = r"pounds|dollars|euros|pence|cents|gbp|usd|eur"
_VALUES = {
    "hours": re.compile(
        rf"\b(?:{_CLOCK}|noon)\s?(?:{_TO})\s?(?:{_CLOCK}|noon|midnight)(?![\w%])",
        re.I,
    ),
    "price": re.compile(
        rf"(?:[£$€]\s?(?:{_AMOUNT})|\b(?:{_AMOUNT})\s?(?:{_CURRENCY})\b)",
        re.I,
    ),
    "time": re.compile(
        rf"\b(?:[01]?\d|2[0-3])(?:[:.][0-5]\d)?\s?(?:{_AM_PM})"
        r"|\b(?:[01]?\d|2[0-3]):[0-5]\d\b",
        re.I,
    ),
    "percentage": re.compile(rf"\b(?:{_AMOUNT})\s?(?:%|per\s?cent\b)", re.I),
    "phone number": re.compile(
        r"(?<![\w.,])(?:\+\d{1,3}[\s-]?)?(?:\(\d{2,5}\)|\d{3,5})(?:[\s-]\d{2,4}){1,3}"
        r"(?![\w,])|\b0\d{9,10}\b"
    ),
    "duration": re.compile(
        r"\b\d+\s(?:working\s|calendar\s|business\s)?"
        r"(?:minutes|hours|days|weeks|months|years)\b",
        re.I,
    ),
}
_SENTENCE = re.compile(r"(?<=[.!?।])\s+|\n+")

_OPEN = re.compile(
    r"\b(?:open\w*|hours?|close[sd]?|closing"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|week(?:days?|ends?))\b",
    re.I,
)
_CELLS = re.compile(r"[^:;]+: [^:;]+(?:; [^:;]+: [^;]+)+")
"""A table's row: `Ticket: Day; Adult: $12; Child: $6.`"""

_LEAST_WORDS = {"hours": 2, "phone number": 2}
"""With fewer words around it, a slot says too little to be known again."""
_LEAST_OTHERWISE = 3
_SAME = 0.85
"""Shared words of two slots, of all their words."""
_FEW_WORDS = 4
"""With fewer words, all must be shared."""
_COMMON = 0.02
"""Of all slots; a word in more of them than this, and than `_FEW`, says nothing."""
_FEW = 20
_TEMPLATE_HEADINGS = 2
"""Two documents that share so many headings are of one template, about two things."""
_EMPTY = frozenset(
    "a an and are as at be by can do for from has have if in is it its may of on or "
    "our that the their then there this to up was we when which will with you your "
    "per each only about also than any all no not must should".split()
)


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    passage: Passage
    kind: str
    value: str
    sentence: str
    words: frozenset[str]
    """Those of its sentence that say something."""


def contradictions(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Yield a finding for each two documents that fill what reads like one slot differently."""
    slots: list[_Slot] = []
    headings: defaultdict[str, set[str]] = defaultdict(set)
    for passage in passages:
        slots += _slots(passage)
        headings[passage.source].update(passage.heading_path)
    found: set[frozenset[tuple[str, str]]] = set()
    for one, other in _pairs(slots):
        source, other_source = one.passage.source, other.passage.source
        if source == other_source or one.value == other.value:
            continue
        key = frozenset(((source, one.value), (other_source, other.value)))
        shared_headings = headings[source] & headings[other_source]
        if key in found or len(shared_headings) >= _TEMPLATE_HEADINGS:
            continue
        if _contradict(one, other):
            found.add(key)
            yield _finding(one, other)


def _pairs(slots: Sequence[_Slot]) -> Iterator[tuple[_Slot, _Slot]]:
    """Yield each two slots of one kind that share a word that is not too common, once."""
    by_word: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, slot in enumerate(slots):
        for word in slot.words:
            by_word[slot.kind, word].append(number)
    most = max(_FEW, int(_COMMON * len(slots)))
    compared: set[tuple[int, int]] = set()
    for numbers in by_word.values():
        if len(numbers) > most:
            continue
        for pair in combinations(numbers, 2):
            if pair not in compared:
                compared.add(pair)
                yield slots[pair[0]], slots[pair[1]]


def _finding(one: _Slot, other: _Slot) -> Finding:
    question = f"{one.kind} {one.value} or {other.value}?"
    words = f"{question} {shortened(one.sentence)} ↔ {shortened(other.sentence)}"
    return Finding(
        "contradiction",
        one.passage.source,
        words,
        other.passage.source,
        one.passage.id,
    )


def _slots(passage: Passage) -> Iterator[_Slot]:
    """Yield the slots of a passage; of several values of one kind in a statement, none.

    Which of several prices is whose cannot be told.
    """
    for sentence in _SENTENCE.split(passage.text):
        for statement in _statements(sentence):
            found = list(_values(statement))
            kinds = [kind for kind, _ in found]
            for kind, match in found:
                if kinds.count(kind) > 1:
                    continue
                before = statement[: match.start()]
                words = _words(before + " " + statement[match.end() :])
                if len(words) >= _LEAST_WORDS.get(kind, _LEAST_OTHERWISE):
                    value = _normalised(match[0])
                    yield _Slot(passage, kind, value, sentence.strip(), words)


def _statements(sentence: str) -> Iterator[str]:
    """Yield a sentence as it is; of a table's row what each cell says of the first.

    `Ticket: Day; Adult: $12`
    """
    if not _CELLS.fullmatch(sentence.strip()):
        yield sentence
        return
    first, *cells = sentence.strip().rstrip(".").split("; ")
    for cell in cells:
        yield f"{first}; {cell}"


def _values(statement: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield the values in a statement; a time within opening hours is no value."""
    hours: list[re.Match[str]] = []
    if _OPEN.search(statement):
        hours = list(_VALUES["hours"].finditer(statement))
    for match in hours:
        yield "hours", match
    for kind, pattern in _VALUES.items():
        if kind == "hours":
            continue
        for match in pattern.finditer(statement):
            if not any(_overlap(match, other) for other in hours):
                yield kind, match


def _overlap(one: re.Match[str], other: re.Match[str]) -> bool:
    return one.start() < other.end() and other.start() < one.end()


def _contradict(one: _Slot, other: _Slot) -> bool:
    """Return whether two slots with different values are about the same thing."""
    if _file_of(one) == _file_of(other):
        return False  # rows of one sheet are made to differ
    shared = len(one.words & other.words)
    both = len(one.words | other.words)
    if both < _FEW_WORDS:
        return shared == both
    return shared >= _SAME * both


def _file_of(slot: _Slot) -> str:
    return slot.passage.source.split("#")[0]


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in tokenize(text) if word not in _EMPTY)


def _normalised(value: str) -> str:
    """Return a value so that two spellings of it are equal: `9:00 a.m.` is `9am`."""
    value = re.sub(r"\s*(?:-|–|—|\bto\b|\bun?till?\b)\s*", "-", value.lower())
    value = re.sub(r"[\s,]+", "", value)
    value = re.sub(r"([ap])\.m\.", r"\1m", value)
    return re.sub(r"[:.]00(?!\d)", "", value)
