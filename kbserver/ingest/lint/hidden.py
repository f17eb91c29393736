"""Text in a file that its reader does not see. Converters take it out and say so in a note."""

from __future__ import annotations

_WORDS = ("hidden", "invisible")  # every such note of a converter has one of them


def is_about_hidden(note: str) -> bool:
    """Whether a conversion's note says that something was hidden in the document."""
    return any(word in note for word in _WORDS)
