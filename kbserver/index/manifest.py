"""What a snapshot says of itself: how it was built, from what, and the checksum of every file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from kbserver.errors import SnapshotCorrupt, SnapshotMismatch
from kbserver.files import read_small, sha256_of
from kbserver.index.arrays import SMALL_BYTES
from kbserver.index.durable import is_of_the_machine
from kbserver.index.names import is_generation
from kbserver.types import ModelIdentity, is_fingerprint

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

DECISIVE = ("scopes.", "valid_", "passages.offsets.")
"""How the names of files begin that decide whose passage is spoken, and when."""

_MOST_ROWS = 2**31 - 1  # the lexical index numbers them by int32
_MOST_EFFORT = 1_000_000
LONGEST_MANIFEST = 1 << 20  # bytes; one of some thirty files has 5,000
_LONGEST_VECTOR = 65_536  # numbers
_LONGEST_TEXT = 1_000_000  # tokens
_LONGEST_NAME = 1_000  # characters of a model's; it may be a path

Count: TypeAlias = Annotated[int, Field(ge=0, le=_MOST_ROWS)]
"""Of rows or documents."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Size and SHA-256 of one file."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class VectorFacts:
    """How a snapshot's embeddings are searched."""

    kind: VectorKind
    recall_at_10: Annotated[float, Field(ge=0, le=1)]
    """Share of the exact ten nearest found for held-out queries at build; 1 for `flat`."""
    effort: Annotated[int, Field(ge=0, le=_MOST_EFFORT)]
    """Of a search: lists probed (`ivf`), candidates kept (`hnsw`) or a hit (`pq`); 0 for `flat`."""
    choice: VectorChoice = "auto"
    """What was asked for; the next ingest keeps to it."""
    precision: VectorPrecision = "float32"
    """How the embeddings are stored."""


def _usable(model: ModelIdentity) -> ModelIdentity:
    """Refuse an identity that is no model's: the fingerprint becomes a path, the name is shown."""
    if not is_fingerprint(model.fingerprint):
        raise ValueError("a fingerprint is 32 of the digits 0-9 and a-f")
    if not model.name.isprintable() or len(model.name) > _LONGEST_NAME:
        raise ValueError(f"a name is printable, up to {_LONGEST_NAME} characters")
    if (
        not 0 < model.dim <= _LONGEST_VECTOR
        or not 0 < model.max_tokens <= _LONGEST_TEXT
    ):
        raise ValueError("no model has such vectors or reads so many tokens")
    return model


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return text


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one generation."""

    schema_version: int
    corpus: str
    generation: str
    created_at: Annotated[str, AfterValidator(_moment)]
    """ISO 8601, UTC."""
    model: Annotated[ModelIdentity, AfterValidator(_usable)]
    chunking: Mapping[str, Any]
    """The parameters documents were cut with."""
    documents: Count
    passages: Count
    vectors: VectorFacts
    files: Mapping[str, FileFacts]
    """By posix path below the snapshot's folder; the manifest's own checksum lies beside it."""
    lexical: LexicalKind = "bm25"
    """How words are searched."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the builder wants to remember; JSON values."""

    @property
    def language(self) -> str:
        """Of the documents, as an ingest took it."""
        return str(self.chunking.get("language", "english"))

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
        text, line = (
            read_small(folder / name, LONGEST_MANIFEST) for name in (MANIFEST, CHECKSUM)
        )
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
    except ValueError as exc:
        raise SnapshotCorrupt(
            f"{folder}: its manifest cannot be read ({exc}); {repair(folder)}"
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
    again = f"rebuild with  {rebuild(folder)}"
    if not _has_earlier(folder):
        return again
    store, corpus = folder.parent.parent, folder.parent.name
    return f"go back with  kbserver rollback {corpus} --store {store}  or {again}"


def _has_earlier(generation: Path) -> bool:
    """Whether the corpus has a generation before this one, which a rollback would serve."""
    try:
        names = [entry.name for entry in generation.parent.iterdir()]
    except OSError:
        return False
    return any(is_generation(name) and name < generation.name for name in names)


def rebuild(folder: Path) -> str:
    """The command that builds the corpus of a generation's folder anew, STORE/CORPUS/GENERATION."""
    store, corpus = folder.parent.parent, folder.parent.name
    return f"kbserver ingest PATH --corpus {corpus} --store {store}"


def check_files(manifest: Manifest, folder: Path, *, large: bool) -> None:
    """Compare the files of a folder with what the manifest says: sizes and SHA-256.

    Args:
        large: hash the files over `SMALL_BYTES`, too. Without it those are compared by size
            alone, unless they are `DECISIVE`.

    Raises:
        SnapshotCorrupt: one is missing or differs; see `check_file`.
    """
    for name, facts in manifest.files.items():
        checksum = large or facts.bytes <= SMALL_BYTES or name.startswith(DECISIVE)
        problem = check_file(manifest, folder, name, checksum=checksum)
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
