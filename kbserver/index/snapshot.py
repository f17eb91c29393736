"""One generation of a corpus: an immutable folder of passages, embeddings and indexes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from kbserver.errors import (
    KbServerError,
    SnapshotCorrupt,
    SnapshotMismatch,
    StoreError,
    StoreMissing,
    said_by,
)
from kbserver.files import fsync
from kbserver.index.arrays import SMALL_BYTES
from kbserver.index.backends import LEXICAL, VECTORS, open_lexical, open_vectors
from kbserver.index.documents import DocumentEntry, read_documents, read_text_hashes
from kbserver.index.durable import (
    disk_trouble,
    fsync_tree,
    is_of_the_machine,
    read_ahead,
)
from kbserver.index.embeddings import (
    Embeddings,
    Lengths,
    check_lengths,
    open_embeddings,
    open_lengths,
    shape_of,
)
from kbserver.index.lexical.base import LexicalIndex
from kbserver.index.manifest import (
    MANIFEST,
    Manifest,
    check_file,
    check_files,
    read_manifest,
    rebuild,
    repair,
)
from kbserver.index.passages import PassageTable
from kbserver.index.scopes import ScopeTable
from kbserver.index.validity import Validity
from kbserver.index.vectors.base import VectorIndex
from kbserver.types import Passage, Rows, Scope

EMBEDDINGS = "embeddings.npy"


def seal(unfinished: Path, generation: Path) -> None:
    """Flush a folder to the disk, check every byte of it, and give it its generation's name.

    Raises:
        SnapshotCorrupt: what the disk gives back is not what was written.
    """
    fsync_tree(unfinished)
    Snapshot.open(unfinished, verify=True).close()
    unfinished.rename(generation)
    fsync(generation.parent)


class Snapshot:
    """A generation that is open for searching. Read-only; safe to share between threads.

    A context manager: leaving it lets the files go. What was taken from it before (an index, say)
    stays usable, so a search in flight is never cut off; and files deleted meanwhile stay readable.
    """

    manifest: Manifest
    passages: PassageTable
    embeddings: Embeddings
    """One row a passage; `embeddings.decoded` reads them."""
    vectors: VectorIndex
    lexical: LexicalIndex
    lengths: Lengths | None
    """Words that the model read of each passage; None in a generation from before."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Open the files of a folder whose manifest was read; see `open`."""
        self.folder = folder
        self.manifest = manifest
        self.passages = PassageTable.open(folder)
        self.embeddings = open_embeddings(folder / EMBEDDINGS)
        self.vectors = open_vectors(self.embeddings, folder, manifest.vectors)
        self.lexical = open_lexical(manifest.lexical, folder)
        self._scopes = ScopeTable.open(folder)
        self._validity = Validity.open(folder)
        self.lengths = open_lengths(folder)

    @classmethod
    def open(cls, folder: Path, *, verify: bool = False) -> Snapshot:
        """Open a generation's folder.

        Args:
            folder: `STORE/<corpus>/<generation>`.
            verify: compare every file with its SHA-256 first, which takes a second or two a GB;
                otherwise those that are small or decide whose passage is spoken, see
                `manifest.check_files`.

        Raises:
            StoreMissing: there is no such folder.
            SnapshotCorrupt: a file is missing or is not what the manifest says.
            SnapshotMismatch: it was written by another version of kbserver.
            StoreError: the machine lacks something, descriptors for instance.
        """
        if not folder.is_dir():
            raise StoreMissing(
                f"{folder}: no such snapshot; see what there is with: kbserver corpora"
            )
        with disk_trouble("open a generation", folder):
            try:
                return cls._opened(folder, verify)
            except KbServerError:
                raise
            except Exception as exc:  # bytes that were tampered with can raise any
                if isinstance(exc, OSError) and is_of_the_machine(exc):
                    raise
                raise SnapshotCorrupt(
                    f"{folder}: cannot be opened ({said_by(exc)}); {repair(folder)}"
                ) from exc

    @classmethod
    def _opened(cls, folder: Path, verify: bool) -> Snapshot:
        manifest = read_manifest(folder)
        check_files(manifest, folder, large=verify)
        _check_kind("vector", manifest.vectors.kind, VECTORS, folder)
        _check_kind("lexical", manifest.lexical, LEXICAL, folder)
        snapshot = cls(folder, manifest)
        snapshot._check_counts()
        return snapshot

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the files go; a second time does nothing."""
        for name in _MAPPED:
            self.__dict__.pop(name, None)

    @property
    def size(self) -> int:
        """How many passages there are."""
        return self.manifest.passages

    def passage(self, row: int) -> Passage:
        """Return the passage of a row.

        Raises:
            IndexError: there is no such row.
        """
        return self.passages[row]

    def rows_in_scope(self, scope: Scope) -> Rows | None:
        """Return the rows a metadata filter lets through, ascending; None without a filter."""
        return self._scopes.rows(scope)

    def scope_values(self, key: str) -> list[str]:
        """Return every value of a metadata key, sorted; [] for an unknown key."""
        return self._scopes.values(key)

    def valid_rows(self, now_s: float) -> Rows | None:
        """Return the rows that may be spoken at a moment, ascending; None if all always may.

        Args:
            now_s: seconds since the epoch, UTC.
        """
        if self._validity is None:
            return None
        return self._validity.rows(now_s)

    def documents(self) -> Iterator[DocumentEntry]:
        """Read the table of documents this generation was built from."""
        return read_documents(self.folder)

    def embedded_rows(self) -> dict[bytes, int]:
        """Return the row of every embedded text by `documents.text_hash`."""
        return read_text_hashes(self.folder)

    def has_part(self, name: str) -> bool:
        """Whether a higher layer wrote a file or folder of this name into the snapshot."""
        files = self.manifest.files
        inside = f"{name}/"
        return name in files or any(file.startswith(inside) for file in files)

    def part(self, name: str) -> Path:
        """Return the path of a file or folder that a higher layer wrote into the snapshot.

        Raises:
            StoreError: this generation has no such part.
        """
        if not self.has_part(name):
            raise StoreError(
                f"{self.folder / name}: this generation has no part {name!r}; "
                f"rebuild with: {rebuild(self.folder)}"
            )
        return self.folder / name

    def warm(self) -> None:
        """Read every file once and search a little, so that the first turns are fast, too."""
        for name in self.manifest.files:
            read_ahead(self.folder / name)
        self.vectors.warm()
        self.lexical.warm()
        if self.size:
            self.passage(0)

    def edited_files(self) -> list[str]:
        """Say which large files are of another size now, one sentence each; [] is as it should be.

        They are mapped, so truncating one ends the process that reads beyond its end.
        """
        found = []
        for name, facts in self.manifest.files.items():
            # Deleted or renamed, it would stay readable for as long as it is open.
            if facts.bytes > SMALL_BYTES and (self.folder / name).exists():
                problem = check_file(self.manifest, self.folder, name, checksum=False)
                if problem is not None:
                    found.append(problem)
        return found

    def _check_counts(self) -> None:
        counts = {
            "passage table": len(self.passages),
            "embeddings": len(self.embeddings),
            "lexical index": self.lexical.size,
        }
        for what, count in counts.items():
            if count != self.manifest.passages:
                raise SnapshotCorrupt(
                    f"{self.folder / MANIFEST}: says {self.manifest.passages} passages, "
                    f"there are {count} in the {what}; {repair(self.folder)}"
                )
        if self.lengths is not None:
            check_lengths(self.lengths, self.manifest.passages)
        shape = shape_of(self.embeddings)
        if shape[1] != self.manifest.model.dim:
            raise SnapshotCorrupt(
                f"{self.folder / EMBEDDINGS}: shape {shape}, the manifest says vectors of length "
                f"{self.manifest.model.dim}; {repair(self.folder)}"
            )


_MAPPED = (
    "passages",
    "embeddings",
    "vectors",
    "lexical",
    "lengths",
    "_scopes",
    "_validity",
)


def _check_kind(what: str, kind: str, known: dict[str, str], folder: Path) -> None:
    if kind not in known:
        raise SnapshotMismatch(
            f"{folder / MANIFEST}: {what} index {kind!r}, "
            f"this kbserver has {', '.join(known)}; {repair(folder)}"
        )
