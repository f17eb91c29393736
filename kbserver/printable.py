"""Texts from anywhere, made fit to be shown: what cannot be seen becomes visible.

Documents, sites, endpoints and callers may send control characters that move a cursor, forge a
line, or turn the direction of a text round.
"""

from __future__ import annotations

import re

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tab and newline, what changes the direction of text, and what is none."""


def printable(text: str, *, newlines: bool = False) -> str:
    """Return a text in which control characters are visible, as Python escapes them.

    Args:
        text: from anywhere.
        newlines: leave newlines; without it the text is one line.
    """
    if not newlines:
        text = text.replace("\n", "\\n")
    return UNSEEN.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def size(count: float) -> str:
    """Return a number of bytes for people: `1.5 MB`."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("KB", "MB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} GB"
