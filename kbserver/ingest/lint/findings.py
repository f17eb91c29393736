"""What a linter says of documents that will be spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "contradiction", "cannot stand alone", "expired", "old year", "near-duplicate", "hidden text", "speaks to the model",
    "steers an answer", "unreadable",
]  # fmt: skip

HINTS: frozenset[Kind] = frozenset(("old year", "steers an answer"))
"""Kinds that are often honest text: shown, and never a failure."""

_BESIDE = 50  # characters before and behind what is pointed at
_LONGEST = 160  # characters of a passage that a finding shows


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
    """Id of the passage; empty when it is about a whole document, or documents that are not ingested."""

    @property
    def is_hint(self) -> bool:
        """Whether honest text often looks like this."""
        return self.kind in HINTS

    def as_dict(self) -> dict[str, Any]:
        """JSON values for `kbserver lint --json`."""
        return {
            "kind": self.kind,
            "hint": self.is_hint,
            "source": self.source,
            "other": self.other,
            "passage": self.passage,
            "said": self.said,
        }


def around(text: str, start: int, end: int) -> str:
    """Return a place in a text with some words before and behind it, on one line, cut between words."""
    begin, stop = max(0, start - _BESIDE), min(len(text), end + _BESIDE)
    if begin:
        begin = text.find(" ", begin, start) + 1 or start
    if stop < len(text):
        stop = text.rfind(" ", end, stop) if " " in text[end:stop] else end
    return shortened(
        f"{'…' * (begin > 0)}{text[begin:stop].strip()}{'…' * (stop < len(text))}"
    )


def shortened(text: str) -> str:
    """Return a text on one line, cut to what a table can show."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
