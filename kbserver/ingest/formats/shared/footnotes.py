"""Footnotes beside what they belong to: each is spoken at the end of its clause."""

from __future__ import annotations

import re
from collections.abc import Mapping

FOOTNOTE_CHARACTERS = 200
"""A longer footnote would hide the sentence it stands in."""

# Noncharacters: no text has them, and both Markdown and HTML let them pass.
_BEGIN = "\ufdd0"
_END = "\ufdd1"
_MARK = re.compile(f"(?<![ \t])[ \t]*{_BEGIN}([^{_BEGIN}{_END}]*){_END}")
_STRAY = re.compile(f"[{_BEGIN}{_END}]")
# Where a clause ends behind a mark: at a sign, a bracket or a word that joins two.
_CLAUSE_END = re.compile(
    r"(?=[.,;:!?](?:\s|$)|[.,;:!?][\"'”’)]|\)|\s[–—-]\s|\n"
    r"|\s(?:and|or|but|then|und|oder|aber|et|ou|mais|y|o)\s|$)"
)


_STARS = re.compile(r"(?<=[^\s*†‡])([*†‡]{1,3})(?=[\s.,;:!?)]|$)")
_STARRED = re.compile(r"\s*([*†‡]{1,3})\s*(?=[^\s*†‡])(.*\S)\s*")


def starred(text: str) -> tuple[str, str]:
    """Return mark and text of a footnote such as `* only at night`; "" twice if none."""
    found = _STARRED.fullmatch(text)
    if found is None or len(found[2]) > FOOTNOTE_CHARACTERS:
        return "", ""
    return found[1], found[2]


def stars_in(text: str) -> set[str]:
    """Return the stars behind words of a text, `$39*`, which may point to footnotes."""
    return set(_STARS.findall(text))


def with_starred(text: str, notes: Mapping[str, str]) -> str:
    """Say each footnote at the end of the clause in which its star stands.

    Args:
        notes: texts by their stars.
    """
    if not any(star in text for star in notes):
        return text

    def marked(found: re.Match[str]) -> str:
        note = notes.get(found[1])
        return found[0] if note is None else mark(note)

    return placed(_STARS.sub(marked, text))


def mark(footnote: str) -> str:
    """Return what stands for a footnote in a text until `placed` puts it in its place."""
    text = _STRAY.sub("", footnote)
    return f"{_BEGIN}{text.strip().rstrip('.')}{_END}"


def placed(text: str) -> str:
    """Move each footnote from its mark to the end of the clause, in brackets.

    `$39 (at night) a month` would part the price from what it is for.
    """
    if _BEGIN not in text and _END not in text:
        return text
    parts: list[str] = []
    waiting: list[str] = []
    position = 0
    for found in _MARK.finditer(text):
        before = text[position : found.start()]
        parts += _clause(before, waiting)
        if found[1] and before.endswith((".", "!", "?")):
            parts.append(f" ({found[1]})")  # of the whole sentence
        elif found[1]:
            waiting.append(found[1])
        position = found.end()
    parts += _clause(text[position:], waiting, is_last=True)
    return _STRAY.sub("", "".join(parts))


def _clause(
    text: str,
    waiting: list[str],
    *,
    is_last: bool = False,
) -> list[str]:
    """Return a text with the footnotes that wait put at its first end of a clause."""
    if not waiting:
        return [text]
    found = _CLAUSE_END.search(text)
    at = len(text)
    if found is not None:
        at = found.start()
    if at == len(text) and not is_last:
        return [text]  # the clause goes on behind the next mark
    bracket = f" ({'; '.join(waiting)})"
    waiting.clear()
    return [text[:at].rstrip(), bracket, text[at:]]
