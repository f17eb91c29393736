"""What is written for a tick, a box, a truth value, a month: the words of the corpus's language."""

from __future__ import annotations

from contextvars import ContextVar

from kbserver.types import Cells

_written: ContextVar[Cells] = ContextVar("cells", default=Cells())  # noqa: B039  (frozen)


def cells() -> Cells:
    """Return the words of the language that is converted into; English unless others are set."""
    return _written.get()


def write_cells(words: Cells) -> None:
    """Convert into these words from now on, in this thread: a process has one corpus."""
    _written.set(words)


def truth(value: bool) -> str:
    """Return the word for a truth value."""
    if value:
        return cells().yes
    return cells().no
