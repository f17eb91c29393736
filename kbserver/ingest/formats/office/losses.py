"""What a reader of an Office document sees and its text does not say."""

from __future__ import annotations

import re
from collections import Counter

from kbserver.ingest.blocks import counted, not_spoken
from kbserver.ingest.formats.office.running import (
    facts_of,
    is_fact,
    said_at_the_end,
    shortened,
)

CONTENTS = re.compile(r"toc (?:\d|heading)|table of (?:contents|figures)", re.I)
"""Begins the names of the styles of a table of contents."""

_INSTEAD = "say in the text what callers need"
_PAGE_NUMBER = re.compile(r"(?:page|seite|p\.)?\s*\d*\s*(?:of|von|/|-)?\s*\d*", re.I)


class Losses:
    """What one document loses, counted by kind."""

    def __init__(self) -> None:
        self._unread: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        # texts of headers and footers with the kind of margin they stand in
        self._margins: dict[str, str] = {}
        self.hidden = 0
        """Characters that nothing shows."""

    def unread(self, thing: str, number: int = 1) -> None:
        """Count what is seen and cannot be read: a `picture`."""
        self._unread[thing] += number

    def left_out(self, thing: str, number: int = 1) -> None:
        """Count what is read and not meant to be spoken: a `comment`."""
        self._left_out[thing] += number

    def margin(self, kind: str, text: str) -> None:
        """Remember a `header` or `footer`, unless it says nothing or a page's number."""
        text = " ".join(text.split())
        if text and not _PAGE_NUMBER.fullmatch(text):
            self._margins.setdefault(text, kind)

    def facts(self) -> list[str]:
        """Return what headers and footers say that a caller may ask for."""
        return facts_of(self._margins)

    def notes(self) -> tuple[str, ...]:
        """Return a note for each kind."""
        notes: list[str] = []
        if self.hidden:
            notes.append(f"removed {counted(self.hidden, 'hidden character')}")
        for thing, number in sorted((+self._left_out).items()):
            notes.append(f"left out {counted(number, thing)}")
        for thing, number in sorted((+self._unread).items()):
            notes.append(not_spoken(counted(number, thing), _INSTEAD))
        notes += said_at_the_end("header or footer", self.facts())
        for text, kind in self._margins.items():
            if not is_fact(text):
                what = f"the {kind} “{shortened(text)}”"
                notes.append(not_spoken(what, _INSTEAD))
        return tuple(notes)
