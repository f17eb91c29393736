"""Text in a file that its reader does not see; converters remove it and say so in a note."""

from __future__ import annotations

_WORDS = ("hidden", "invisible")
"""Every such note of a converter has one of them."""


def is_about_hidden(note: str) -> bool:
    """Return whether a conversion's note says that the document hid something."""
    return any(word in note for word in _WORDS)
