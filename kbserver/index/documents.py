"""Which documents a snapshot was built from, which rows came from each, and what changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LINES = "documents.jsonl"
"""In a snapshot's folder: one document a line."""

HASHES = "embedded.sha256"
"""In a snapshot's folder: the digest of each row's embedded text, end to end."""

_DIGEST_BYTES = 32
_MOST_NAMED = 5  # in a sentence


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One document of a snapshot."""

    source: str
    """Its path below the ingested folder, posix; its passages have the same."""
    content_hash: str
    """Of the bytes it was read from, and of the pictures beside it that it shows; a
    re-ingest reads a document again when it differs."""
    first_row: int
    """Its passages are the rows from here on ..."""
    passages: int
    """... this many; 0 for a document without text."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """More for the next ingest (size, modification time, ...); JSON values."""


def write_documents(documents: Iterable[DocumentEntry], folder: Path) -> int:
    """Write the table, one JSON object a line, in the order given; return how many there were."""
    count = 0
    with (folder / LINES).open("wb") as stream:
        for document in documents:
            record = asdict(document)
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
            stream.write(f"{line}\n".encode("utf-8", "surrogatepass"))
            count += 1
    return count


def read_documents(folder: Path) -> Iterator[DocumentEntry]:
    """Read the table in the order it was written."""
    with (folder / LINES).open("rb") as stream:
        for line in stream:
            yield DocumentEntry(**json.loads(line.decode("utf-8", "surrogatepass")))


def text_hash(text: str) -> bytes:
    """Return the SHA-256 of a text that was or would be embedded, 32 bytes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class TextHashWriter:
    """Writes the hash of each embedded text into a folder, in row order. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._stream = (folder / HASHES).open("wb")

    def add(self, text: str) -> None:
        """Write the hash of the next row's text."""
        self._stream.write(text_hash(text))

    def __enter__(self) -> TextHashWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self._stream.close()


def read_text_hashes(folder: Path) -> dict[bytes, int]:
    """Return the row of every embedded text by its hash; its embedding can be taken over."""
    blob = (folder / HASHES).read_bytes()
    starts = range(0, len(blob), _DIGEST_BYTES)
    digests = [blob[start : start + _DIGEST_BYTES] for start in starts]
    return {digest: row for row, digest in enumerate(digests)}


@dataclass(frozen=True, slots=True)
class Differences:
    """What became of the documents from one generation to another; sources, sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    """Their bytes are others."""
    gone: tuple[str, ...]
    same: int
    """How many are as they were."""

    def __str__(self) -> str:
        """One sentence for people, without names: `1 added, 0 changed, 28 gone`."""
        counts = f"{len(self.added)} added, {len(self.changed)} changed"
        return f"{counts}, {len(self.gone)} gone"

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.changed or self.gone)


def differences(
    before: Iterable[DocumentEntry], now: Iterable[DocumentEntry]
) -> Differences:
    """Compare the documents of two generations."""
    was = {document.source: document.content_hash for document in before}
    new = {document.source: document.content_hash for document in now}
    changed = [
        name for name, content in new.items() if was.get(name, content) != content
    ]
    added = sorted(new.keys() - was.keys())
    gone = sorted(was.keys() - new.keys())
    same = len(new) - len(added) - len(changed)
    return Differences(tuple(added), tuple(sorted(changed)), tuple(gone), same)


def named(sources: tuple[str, ...]) -> str:
    """Return some names for a sentence: `a.md, b.md and 3 others`."""
    shown = ", ".join(sources[:_MOST_NAMED])
    others = len(sources) - _MOST_NAMED
    if others > 0:
        shown += f" and {others} others"
    return shown
