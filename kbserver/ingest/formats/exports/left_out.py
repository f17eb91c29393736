"""What a page shows and only its own program knows: named, its sentence not said."""

from __future__ import annotations

import re
from collections import Counter

from kbserver.ingest.blocks import counted, not_spoken

HOLE = "\ue000"
"""Stands where a value is missing until its sentence is left out."""

_MOST_NAMED = 3
_NAME_CHARACTERS = 60
_UNSEEN = frozenset(
    ("comment", "switched-off block", "members-only part", "unpublished part")
)
"""Things that a reader of the page does not see either."""
_SENTENCE_END = re.compile(r"((?<=[.!?])\s+|\|)")
_LEAVES = re.compile(
    r"^(?P<mark>[ \t]*(?:#{1,6}[ \t]|[-*+][ \t]|\d+[.)][ \t]|>[ \t]?)?)"
)


class LeftOut:
    """Counts what is left out of one page, by kind, with some of its names."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: Counter[str] = Counter()
        self._names: dict[str, dict[str, None]] = {}

    def add(self, thing: str, name: str = "") -> str:
        """Remember one thing by its kind and name; return "", which stands for it."""
        self._counts[thing] += 1
        names = self._names.setdefault(thing, {})
        if name := " ".join(name.split())[:_NAME_CHARACTERS]:
            names[name] = None
        return ""

    def notes(self) -> tuple[str, ...]:
        """Return a note for each kind."""
        return tuple(self._note(thing, count) for thing, count in self._counts.items())

    def _note(self, thing: str, count: int) -> str:
        what = counted(count, thing)
        if names := list(self._names[thing]):
            more = ", …" if len(names) > _MOST_NAMED else ""
            what = f"{what} ({', '.join(names[:_MOST_NAMED])}{more})"
        if thing in _UNSEEN:
            return f"left out {what}"
        return not_spoken(what, "write in the text what callers need")


def without_holes(line: str) -> str:
    """Leave out the sentences of a line that miss a value."""
    if HOLE not in line:
        return line
    start = _LEAVES.match(line)
    mark = start["mark"] if start else ""
    if mark.lstrip().startswith("#"):
        return line.replace(HOLE, "")
    pieces = _SENTENCE_END.split(line[len(mark) :])
    rest = "".join(piece for piece in pieces if HOLE not in piece).strip()
    return f"{mark}{rest}" if rest else ""
