"""How a language's word lists are written down: as text, read once into frozen tables."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from kbserver.languages.letters import one_spelling, without_accents

Phrases: TypeAlias = Mapping[str, tuple[tuple[str, ...], ...]]
"""Phrases by their first word, each as its words, longest first: the first match is the longest."""


def words(text: str) -> frozenset[str]:
    """Read words with white space between them."""
    return frozenset(one_spelling(text).split())


def in_order(text: str) -> tuple[str, ...]:
    """Read words whose places tell something."""
    return tuple(text.split())


def table(text: str) -> Mapping[str, str]:
    """Read pairs that are written `word=symbol`."""
    pairs = [pair.split("=") for pair in text.split()]
    return MappingProxyType({word: symbol for word, symbol in pairs})


def phrases(text: str) -> Phrases:
    """Read phrases with `|` or a line break between them."""
    listed = one_spelling(alternatives(text)).split("|")
    found = [tuple(one.split()) for one in listed]
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(found, key=len, reverse=True):
        by_first.setdefault(phrase[0], []).append(phrase)
    frozen = {first: tuple(group) for first, group in by_first.items()}
    return MappingProxyType(frozen)


def patterns(by_reason: Mapping[str, str]) -> Mapping[str, str]:
    """Read the patterns of each reason, to be matched without accents."""
    plain = {reason: without_accents(one) for reason, one in by_reason.items()}
    return MappingProxyType(plain)


def alternatives(text: str) -> str:
    """Join the lines of a pattern by `|`; a deeper indented line continues the one before."""
    lines = text.strip("\n").rstrip().split("\n")
    margin = len(lines[0]) - len(lines[0].lstrip())
    pattern = lines[0].strip()
    for line in lines[1:]:
        continues = line[margin].isspace()
        if not continues:
            pattern += "|"
        pattern += line.strip()
    return pattern
