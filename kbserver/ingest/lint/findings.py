"""What the linter reports about documents that will be spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "contradiction",
    "cannot stand alone",
    "expired",
    "old year",
    "near-duplicate",
    "hidden text",
    "speaks to the model",
    "steers an answer",
    "unreadable",
]

HINTS: frozenset[Kind] = frozenset(("old year", "steers an answer"))
"""Kinds that are often honest text: shown, and never a failure."""

_BESIDE = 50
"""Characters before and behind what is pointed at."""
_LONGEST = 160
"""Characters of a passage that a finding shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at."""

    kind: Kind
    source: str
    """The document it is in."""
    said: str
    """The words it is about."""
    other: str = ""
    """The second document of a contradiction or near-duplicate."""
    passage: str = ""
    """Id of the passage; "" for a whole document, or one that is not ingested."""

    @property
    def is_hint(self) -> bool:
        """Whether honest text often looks like this."""
        return self.kind in HINTS

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values for `kbserver lint --json`."""
        return {
            "kind": self.kind,
            "hint": self.is_hint,
            "source": self.source,
            "other": self.other,
            "passage": self.passage,
            "said": self.said,
        }


def around(text: str, start: int, end: int) -> str:
    """Return a place in a text with some words around it, on one line."""
    first = max(0, start - _BESIDE)
    last = min(len(text), end + _BESIDE)
    before = after = ""
    if first > 0:
        before = "…"
        space = text.find(" ", first, start)
        first = start
        if space >= 0:
            first = space + 1
    if last < len(text):
        after = "…"
        space = text.rfind(" ", end, last)
        last = end
        if space >= 0:
            last = space
    return shortened(f"{before}{text[first:last].strip()}{after}")


def shortened(text: str) -> str:
    """Return a text on one line, cut to what a table can show."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST:
        return line
    return f"{line[:_LONGEST]}…"
