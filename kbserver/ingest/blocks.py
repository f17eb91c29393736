"""A document as structural blocks: every converter makes them, the chunker cuts them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

_NOT_SPOKEN = "not spoken: "
"""How the notes of every converter begin that say what is lost."""

NOTION_HASH = re.compile(r"[ _-][0-9a-f]{32}(?:_all)?$")
"""Ends the names of the files and folders of a Notion export."""

BlockKind: TypeAlias = Literal[
    "heading",
    "paragraph",
    "list_item",
    "table_row",
    "code",
    "record",
]


@dataclass(frozen=True, slots=True)
class Block:
    """One structural piece of a document, in reading order."""

    kind: BlockKind
    text: str
    """Plain text without markup.

    A list item begins with its marker (`- ` or `3. `). A table row is one sentence
    that carries its column names. A heading with empty text closes its level and
    adds nothing.
    """
    level: int = 0
    """Heading level 1 to 6, or depth of a list item (1 is outermost); 0 for the rest."""
    lead_in: str = ""
    """What a list item or table row needs to be understood: the sentence that
    introduces the list, or the table's caption."""
    confidence: float | None = None
    """With which it was recognised on a picture, in [0, 1]; None if it was text."""


@dataclass(frozen=True, slots=True)
class Document:
    """One source file, or one record of it, before it is cut."""

    source: str
    """Posix path below the ingested folder; for a record in a file `path#record-id`."""
    title: str
    blocks: tuple[Block, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)
    """JSON values by key: `folder` always, then front matter or record fields.

    See `formats.shared.metadata`.
    """
    notes: tuple[str, ...] = ()
    """What the conversion changed or left out, for the ingest report."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file beside it that was read for it, "" of one that could not be;
    by path below the ingested folder. It is read again when one of them changes."""


def least(confidences: Iterable[float | None]) -> float | None:
    """Return the lowest confidence; None if nothing was recognised."""
    return min((sure for sure in confidences if sure is not None), default=None)


def not_spoken(what: str, instead: str) -> str:
    """Return a note on what a reader of the original sees and a caller cannot hear.

    Args:
        what: it is, and where.
        instead: what its owner can do about it.
    """
    return f"{_NOT_SPOKEN}{what}; {instead}"


def is_not_spoken(note: str) -> bool:
    """Return whether a note is one on what cannot be heard."""
    return note.startswith(_NOT_SPOKEN)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun: `1 hidden slide`, `2 hidden slides`."""
    if number == 1:
        return f"{number:,} {thing}"
    return f"{number:,} {thing}s"


def title_from(source: str) -> str:
    """Make a title from a file's name: `faq/getting-started.md` → `Getting started`.

    The hash that Notion puts behind each name is left out.
    """
    path = PurePosixPath(source.split("#", 1)[0])
    stem = NOTION_HASH.sub("", path.stem)
    words = stem.replace("_", " ").replace("-", " ").split()
    title = " ".join(words)
    return title[:1].upper() + title[1:]
