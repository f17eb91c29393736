"""The same slot with different values in two documents: two prices of one thing, two numbers of one desk.

A slot is a kind of value (price, time, phone number, ...) with the words around it. Two of them are held against each
other only if those words are almost the same and say something, and not if their documents share headings: "the daily
rate" of one hotel's page does not contradict that of another's. What is reported is meant to be worth a look.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from kbserver.index.lexical.tokens import tokenize
from kbserver.ingest.lint.findings import Finding, shortened
from kbserver.types import Passage

_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_CLOCK = r"(?:[01]?\d|2[0-4])(?:[:.][0-5]\d)?(?:\s?(?:am|pm|a\.m\.|p\.m\.|o'clock))?"
_VALUES = {
    "hours": re.compile(
        rf"\b(?:{_CLOCK}|noon)\s?(?:-|–|—|\bto\b|\buntil\b|\btill\b)\s?(?:{_CLOCK}|noon|midnight)(?![\w%])", re.I
    ),
    "price": re.compile(rf"(?:[£$€]\s?(?:{_AMOUNT})|\b(?:{_AMOUNT})\s?(?:pounds|dollars|euros|pence|cents|gbp|usd|eur)\b)", re.I),
    "time": re.compile(
        r"\b(?:[01]?\d|2[0-3])(?:[:.][0-5]\d)?\s?(?:am|pm|a\.m\.|p\.m\.)|\b(?:[01]?\d|2[0-3]):[0-5]\d\b", re.I
    ),
    "percentage": re.compile(rf"\b(?:{_AMOUNT})\s?(?:%|per\s?cent\b)", re.I),
    "phone number": re.compile(
        r"(?<![\w.,])(?:\+\d{1,3}[\s-]?)?(?:\(\d{2,5}\)|\d{3,5})(?:[\s-]\d{2,4}){1,3}(?![\w,])|\b0\d{9,10}\b"
    ),
    "duration": re.compile(r"\b\d+\s(?:working\s|calendar\s|business\s)?(?:minutes|hours|days|weeks|months|years)\b", re.I),
}  # fmt: skip
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")

_OPEN = re.compile(
    r"\b(?:open\w*|hours?|close[sd]?|closing|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|week(?:days?|ends?))\b",
    re.I,
)
_CELLS = re.compile(
    r"[^:;]+: [^:;]+(?:; [^:;]+: [^;]+)+"
)  # a table's row: `Ticket: Day; Adult: $12; Child: $6.`

_LEAST_WORDS = {
    "hours": 2,
    "phone number": 2,
}  # a slot with fewer words around it says too little to be known again
_LEAST_OTHERWISE = 3
_SAME = 0.85  # shared words of two slots, of all their words
_FEW_WORDS = 4  # with fewer, all must be shared
_COMMON = 0.02  # of all slots: words in more of them than this say nothing (with at least `_FEW` of them)
_FEW = 20
_TEMPLATE_HEADINGS = (
    2  # two documents that share more headings are of one template, about two things
)
_EMPTY = frozenset(
    "a an and are as at be by can do for from has have if in is it its may of on or our that the their then there this "
    "to up was we when which will with you your per each only about also than any all no not must should".split()
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
    """Yield a finding for each pair of documents that give different values for what reads like the same slot."""
    slots: list[_Slot] = []
    headings: defaultdict[str, set[str]] = defaultdict(set)
    for passage in passages:
        slots += _slots(passage)
        headings[passage.source].update(passage.heading_path)
    by_word: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, slot in enumerate(slots):
        for word in slot.words:
            by_word[slot.kind, word].append(number)
    most = max(_FEW, int(_COMMON * len(slots)))
    said: set[frozenset[tuple[str, str]]] = set()
    compared: set[tuple[int, int]] = set()
    for numbers in by_word.values():
        if len(numbers) > most:
            continue
        for pair in combinations(numbers, 2):
            if pair in compared:
                continue
            compared.add(pair)
            one, other = slots[pair[0]], slots[pair[1]]
            if one.passage.source == other.passage.source or one.value == other.value:
                continue
            key = frozenset(
                ((one.passage.source, one.value), (other.passage.source, other.value))
            )
            alike = (
                len(headings[one.passage.source] & headings[other.passage.source])
                >= _TEMPLATE_HEADINGS
            )
            if key not in said and not alike and _contradict(one, other):
                said.add(key)
                yield Finding(
                    "contradiction",
                    one.passage.source,
                    f"{one.kind} {one.value} or {other.value}? {shortened(one.sentence)} ↔ {shortened(other.sentence)}",
                    other.passage.source,
                    one.passage.id,
                )


def _slots(passage: Passage) -> Iterator[_Slot]:
    for sentence in _SENTENCE.split(passage.text):
        for statement in _statements(sentence):
            found = list(_values(statement))
            kinds = [kind for kind, _ in found]
            for kind, match in found:
                if kinds.count(kind) > 1:
                    continue  # a list of prices: which is whose cannot be told
                words = _words(
                    statement[: match.start()] + " " + statement[match.end() :]
                )
                if len(words) >= _LEAST_WORDS.get(kind, _LEAST_OTHERWISE):
                    yield _Slot(
                        passage, kind, _plain(match[0]), sentence.strip(), words
                    )


def _statements(sentence: str) -> Iterator[str]:
    """A sentence as it is; of a table's row what each cell says of its first: `Ticket: Day; Adult: $12`."""
    if not _CELLS.fullmatch(sentence.strip()):
        yield sentence
        return
    first, *cells = sentence.strip().rstrip(".").split("; ")
    for cell in cells:
        yield f"{first}; {cell}"


def _values(statement: str) -> Iterator[tuple[str, re.Match[str]]]:
    """The values in a statement; what is part of opening hours is no time of its own."""
    hours = (
        [match for match in _VALUES["hours"].finditer(statement)]
        if _OPEN.search(statement)
        else []
    )
    yield from (("hours", match) for match in hours)
    for kind, pattern in _VALUES.items():
        for match in pattern.finditer(statement) if kind != "hours" else ():
            if not any(
                match.start() < other.end() and other.start() < match.end()
                for other in hours
            ):
                yield kind, match


def _contradict(one: _Slot, other: _Slot) -> bool:
    if one.passage.source.split("#")[0] == other.passage.source.split("#")[0]:
        return False  # rows of one sheet: made to differ
    shared, both = len(one.words & other.words), len(one.words | other.words)
    return shared == both if both < _FEW_WORDS else shared >= _SAME * both


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in tokenize(text) if word not in _EMPTY)


def _plain(value: str) -> str:
    value = re.sub(r"\s*(?:-|–|—|\bto\b|\bun?till?\b)\s*", "-", value.lower())
    value = re.sub(r"([ap])\.m\.", r"\1m", re.sub(r"[\s,]+", "", value))
    return re.sub(r"[:.]00(?!\d)", "", value)
