"""What a snapshot says of itself: how it was built, from what, and the checksum of every file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from kbserver.errors import SnapshotCorrupt, SnapshotMismatch
from kbserver.files import sha256_of
from kbserver.index.durable import is_of_the_machine
from kbserver.types import ModelIdentity

SCHEMA_VERSION = 1
"""Raised whenever a snapshot written before can no longer be read."""

VectorKind: TypeAlias = str
"""How embeddings are searched: a key of `backends.VECTORS`."""

VectorChoice: TypeAlias = str
"""One of `backends.VECTOR_CHOICES`: a kind, or `auto` for what the number of passages calls for."""

LexicalKind: TypeAlias = str
"""How words are searched: a key of `backends.LEXICAL`."""

VectorPrecision = Literal["float32", "float16", "int8"]
"""Finest first."""

MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"
"""As sha256sum writes it: `sha256sum -c manifest.sha256` works."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Size and SHA-256 of one file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VectorFacts:
    """How a snapshot's embeddings are searched."""

    kind: VectorKind
    recall_at_10: float
    """Share of the exact ten nearest found for held-out queries at build; 1 for `flat`."""
    effort: int
    """Of a search: lists probed (`ivf`), candidates kept (`hnsw`) or a hit (`pq`); 0 for `flat`."""
    choice: VectorChoice = "auto"
    """What was asked for; the next ingest keeps to it."""
    precision: VectorPrecision = "float32"
    """How the embeddings are stored."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one generation."""

    schema_version: int
    corpus: str
    generation: str
    created_at: str
    """ISO 8601, UTC."""
    model: ModelIdentity
    chunking: Mapping[str, Any]
    """The parameters documents were cut with."""
    documents: int
    passages: int
    vectors: VectorFacts
    files: Mapping[str, FileFacts]
    """By posix path below the snapshot's folder; the manifest's own checksum lies beside it."""
    lexical: LexicalKind = "bm25"
    """How words are searched."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the builder wants to remember; JSON values."""

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(facts.bytes for facts in self.files.values())


_manifests = TypeAdapter(Manifest)
_objects = TypeAdapter(dict[str, Any])


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write the manifest and, beside it, its checksum."""
    text = _manifests.dump_json(manifest, indent=2) + b"\n"
    (folder / MANIFEST).write_bytes(text)
    (folder / CHECKSUM).write_text(
        f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n", "ascii"
    )


def read_manifest(folder: Path) -> Manifest:
    """Read a snapshot's manifest and check it against its checksum.

    Raises:
        SnapshotCorrupt: it is missing, was changed, cannot be read, or is no manifest.
        SnapshotMismatch: it was written by another version of kbserver.
        OSError: the machine lacks something, descriptors for instance.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        line = (folder / CHECKSUM).read_bytes()
    except FileNotFoundError as exc:
        raise SnapshotCorrupt(
            f"{folder}: no {Path(str(exc.filename)).name}, so this is no whole snapshot; "
            f"{repair(folder)}"
        ) from exc
    except OSError as exc:
        if is_of_the_machine(exc):
            raise
        raise SnapshotCorrupt(
            f"{exc.filename}: cannot be read ({exc.strerror}); {repair(folder)}"
        ) from exc
    return parse_manifest(text, line, where=folder / MANIFEST, next_step=repair(folder))


def parse_manifest(
    text: bytes, checksum_line: bytes, *, where: Path, next_step: str
) -> Manifest:
    """Check and parse the bytes of the two files; see `read_manifest`.

    Errors name `where` and `next_step`.
    """
    digest = hashlib.sha256(text).hexdigest()
    if checksum_line != f"{digest}  {MANIFEST}\n".encode():
        raise SnapshotCorrupt(
            f"{where}: its SHA-256 is {digest}, {CHECKSUM} says "
            f"{checksum_line.decode('ascii', 'replace').strip()!r}; {next_step}"
        )
    try:
        version = _objects.validate_json(text).get("schema_version")
        if version != SCHEMA_VERSION:
            raise SnapshotMismatch(
                f"{where}: schema version {version}, "
                f"this kbserver reads {SCHEMA_VERSION}; {next_step}"
            )
        return _manifests.validate_json(text)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise SnapshotCorrupt(
            f"{where}: {first['msg']} at {first['loc']}; {next_step}"
        ) from exc


def repair(folder: Path) -> str:
    """The next step for a broken generation's folder, STORE/CORPUS/GENERATION."""
    store, corpus = folder.parent.parent, folder.parent.name
    return (
        f"go back with  kbserver rollback {corpus} --store {store}  "
        f"or rebuild with  {rebuild(folder)}"
    )


def rebuild(folder: Path) -> str:
    """The command that builds the corpus of a generation's folder anew, STORE/CORPUS/GENERATION."""
    store, corpus = folder.parent.parent, folder.parent.name
    return f"kbserver ingest PATH --corpus {corpus} --store {store}"


def check_files(manifest: Manifest, folder: Path, *, checksums: bool) -> None:
    """Compare the files of a folder with what the manifest says: sizes, and SHA-256 if asked.

    Raises:
        SnapshotCorrupt: one is missing or differs; see `check_file`.
    """
    for name in manifest.files:
        problem = check_file(manifest, folder, name, checksum=checksums)
        if problem:
            raise SnapshotCorrupt(f"{problem}; {repair(folder)}")


def check_file(
    manifest: Manifest, folder: Path, name: str, *, checksum: bool = True
) -> str | None:
    """Say how a file differs from what the manifest says (found, wanted), or None.

    Raises:
        OSError: the machine lacks something, descriptors for instance.
    """
    file = folder / name
    wanted = manifest.files[name]
    if not file.is_file():
        return f"{file}: missing, the manifest says {wanted.bytes} bytes"
    size = file.stat().st_size
    if size != wanted.bytes:
        return f"{file}: {size} bytes, the manifest says {wanted.bytes}"
    if not checksum:
        return None
    try:
        digest = sha256_of(file)
    except OSError as exc:  # no permission, or the disk fails
        if is_of_the_machine(exc):
            raise
        return f"{file}: cannot be read ({exc.strerror})"
    if digest != wanted.sha256:
        return f"{file}: its SHA-256 is {digest}, the manifest says {wanted.sha256}"
    return None


def facts_of_files(folder: Path) -> dict[str, FileFacts]:
    """Size and SHA-256 of every file below a folder, by posix path."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): FileFacts(
            file.stat().st_size, sha256_of(file)
        )
        for file in files
    }
