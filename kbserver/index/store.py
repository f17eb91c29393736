"""The store: a folder of corpora, each with its generations and a pointer to the live one.

STORE/<corpus>/LIVE                  the name of the generation that is served
STORE/<corpus>/<generation>/         immutable; its number tells its age
STORE/<corpus>/.lock                 held by the writer
STORE/<corpus>/.tmp-*                being written or removed; a leftover if the lock is free
STORE/<corpus>/.tmp-newest           the newest generation before the one that is being written
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from kbserver.errors import StoreBusy, StoreError, StoreMissing
from kbserver.files import fsync, read_small, replace_text
from kbserver.index.archive import Archive, pack
from kbserver.index.durable import disk_trouble
from kbserver.index.foreign import adopt
from kbserver.index.manifest import Manifest, read_manifest
from kbserver.index.names import (
    UNFINISHED,
    checked_corpus,
    is_corpus,
    is_generation,
    next_generation,
)
from kbserver.index.selfcheck import CheckReport, check_snapshot
from kbserver.index.snapshot import Snapshot, seal
from kbserver.types import ModelIdentity

_LIVE = "LIVE"
_LOCK = ".lock"
_NEWEST = f"{UNFINISHED}newest"
_LONGEST_NAME = 128  # bytes; a generation's name has 74 at most
_FIRST_INGEST = "make one with: kbserver ingest PATH"


class Store:
    """The corpora below one folder. Holds nothing open; cheap to make."""

    def __init__(self, path: Path | str) -> None:
        """Name the folder; it need not exist before the first ingest."""
        self.path = Path(path)

    def corpora(self) -> list[str]:
        """Return the names of the corpora that have a generation, sorted.

        One that may not be read is among them: opening it says why it cannot be.

        Raises:
            StoreMissing: there is no such folder.
            StoreError: it is a file, or may not be read.
        """
        with disk_trouble("read the store", self.path):
            if not self.path.exists():
                raise StoreMissing(
                    f"{self.path}: no store there; {_FIRST_INGEST} --store {self.path}"
                )
            folders = [entry for entry in self.path.iterdir() if entry.is_dir()]
            names = sorted(folder.name for folder in folders if is_corpus(folder.name))
            return [name for name in names if self._is_corpus(name)]

    def generations(self, corpus: str) -> list[str]:
        """Return the generations of a corpus, oldest first.

        Raises:
            StoreMissing: there is no such store or corpus; the message names those there are.
        """
        checked_corpus(corpus)
        known = self.corpora()
        if corpus not in known:
            there = "the store is empty"
            if known:
                there = f"there are: {', '.join(known)}"
            raise StoreMissing(
                f"{self.path}: no corpus {corpus!r}, {there}; {_FIRST_INGEST} --corpus {corpus}"
            )
        return self._generations(corpus)

    def live(self, corpus: str) -> str:
        """Return the generation that is served.

        Raises:
            StoreMissing: no such corpus, or no generation of it is published or left.
        """
        pointer = self.path / checked_corpus(corpus) / _LIVE
        generation = _named_by(pointer)
        if generation is None:
            self.generations(corpus)  # says so if there is no such corpus
            raise StoreMissing(
                f"{self.path / corpus}: no generation is live; "
                f"publish one with: kbserver rollback {corpus}"
            )
        # Asked after the pointer was read: a writer may publish in between.
        if not self._is_there(corpus, generation):
            there = ", ".join(self.generations(corpus))
            raise StoreMissing(
                f"{pointer}: names {generation!r}, there are {there}; "
                f"choose one with: kbserver rollback {corpus} --to GENERATION"
            )
        return generation

    def manifest(self, corpus: str, generation: str | None = None) -> Manifest:
        """Read the manifest of a generation, by default the live one; see `read_manifest`."""
        folder = self._folder(corpus, generation)
        with disk_trouble("read the manifest", folder):
            return read_manifest(folder)

    def open(
        self, corpus: str, generation: str | None = None, *, verify: bool = False
    ) -> Snapshot:
        """Open a generation, the live one by default; see `Snapshot.open`."""
        while True:
            folder = self._folder(corpus, generation)
            try:
                return Snapshot.open(folder, verify=verify)
            except StoreError:
                # Tried again if it was replaced and pruned since the pointer was read.
                if generation is not None or self.live(corpus) == folder.name:
                    raise

    def publish(self, corpus: str, generation: str) -> None:
        """Make a generation the live one, in one step; its manifest and sizes are checked before.

        Raises:
            StoreMissing: there is no such generation.
            SnapshotCorrupt, SnapshotMismatch: it cannot be served.
        """
        self.open(corpus, generation).close()
        with disk_trouble(
            "move the pointer to the live generation", self.path / corpus
        ):
            replace_text(self.path / corpus / _LIVE, f"{generation}\n")

    def rollback(self, corpus: str, to: str | None = None) -> str:
        """Publish an earlier generation and return its name.

        Args:
            corpus: its name.
            to: a generation; None: the newest one older than the live one, or if none is live,
                the newest.

        Raises:
            StoreMissing: there is no such generation, or none before the live one.
        """
        generations = self.generations(corpus)
        if to is None:
            try:
                older = generations[: generations.index(self.live(corpus))]
            except StoreMissing:
                older = generations
            if not older:
                raise StoreMissing(
                    f"{self.path / corpus}: no generation before the live one; "
                    f"there are {', '.join(generations)}"
                )
            to = older[-1]
        self.publish(corpus, to)
        return to

    def prune(self, corpus: str, *, keep: int = 2) -> list[str]:
        """Remove all but the newest generations, never the live one; return the removed names.

        A server that has one of them open goes on with it undisturbed.

        Args:
            corpus: its name; the caller holds its lock.
            keep: how many to leave, at least 1, the live one counted.
        """
        if keep < 1:
            raise StoreError(
                f"prune would keep {keep} generations; at least 1 must stay"
            )
        generations = self.generations(corpus)
        live = self.live(corpus)
        newest_first = [name for name in reversed(generations) if name != live]
        kept = {live, *newest_first[: keep - 1]}
        removed = [name for name in generations if name not in kept]
        self._remove(corpus, removed)
        return removed

    def verify(self, corpus: str, generation: str | None = None) -> CheckReport:
        """Check every checksum of a generation, by default the live one; search for its passages.

        What is wrong is in the report; only a corpus or generation that is not there raises.
        """
        return check_snapshot(self._folder(corpus, generation))

    @contextmanager
    def lock(self, corpus: str, *, wait_s: float = 0.0) -> Iterator[None]:
        """Be the only writer of a corpus; what killed writers left behind is removed first.

        The operating system lets the lock go when its holder dies.

        Args:
            corpus: made if it is not there.
            wait_s: how many seconds to wait for another writer; negative waits for ever.

        Raises:
            StoreBusy: another process is writing this corpus.
            StoreError: the folder cannot be made or written.
        """
        folder = self.path / checked_corpus(corpus)
        with disk_trouble("lock the corpus", folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(folder / _LOCK, timeout=wait_s)
            try:
                lock.acquire()
            except filelock.Timeout:
                raise StoreBusy(
                    f"{folder}: another kbserver is writing the corpus {corpus!r}; "
                    "try again when it is done, say --wait SECONDS, or stop it"
                ) from None
        try:
            with disk_trouble("remove what a killed writer left", folder):
                self._discard_unpublished(corpus)
                for leftover in folder.glob(f"{UNFINISHED}*"):
                    if leftover.is_dir():
                        shutil.rmtree(leftover)
                    else:
                        leftover.unlink()
            yield
        finally:
            lock.release()

    @contextmanager
    def publishing(self, corpus: str) -> Iterator[None]:
        """Write and publish a generation inside; one that was not published is removed.

        At once after a failure, by the next `lock` after a kill. Only that one: an imported
        generation, one that was rolled back from and one on `hold` wait on purpose.

        Args:
            corpus: its name; the caller holds its lock.
        """
        folder = self.path / checked_corpus(corpus)
        note = folder / _NEWEST
        with disk_trouble("write a snapshot", folder):
            folder.mkdir(parents=True, exist_ok=True)
            newest = self._generations(corpus)[-1:]
            replace_text(note, "".join(newest))
        try:
            yield
        finally:
            with suppress(StoreError, OSError):
                self._discard_unpublished(corpus)
                note.unlink(missing_ok=True)
                fsync(folder)

    def hold(self, corpus: str) -> None:
        """Let what was written since `publishing` began wait, unpublished; called inside of it."""
        folder = self.path / checked_corpus(corpus)
        with disk_trouble("keep a generation", folder):
            (folder / _NEWEST).unlink(missing_ok=True)
            fsync(folder)

    def export(
        self,
        corpus: str,
        file: Path,
        generation: str | None = None,
        *,
        beside: bytes | None = None,
    ) -> None:
        """Write a generation, by default the live one, as a file for `import_` on any machine.

        Args:
            beside: what `import_` hands on as it is.

        Raises:
            SnapshotCorrupt: a file is not what the manifest says; nothing is written then.
        """
        folder = self._folder(corpus, generation)
        Snapshot.open(folder, verify=True).close()
        with disk_trouble("export", file):
            pack(folder, file, beside=beside)

    def import_(
        self,
        file: Path,
        *,
        recognise: Callable[[ModelIdentity], ModelIdentity],
        check: Callable[[Snapshot], None],
        named: tuple[str, str] | None = None,
        wait_s: float = 0.0,
    ) -> tuple[str, str, bytes | None]:
        """Add the generation of an exported file, unpublished.

        Returns:
            Its corpus, its name, and what `export` was given as `beside`: nothing vouches for that.

        The caller need not trust the file: nothing is written outside the corpus, every checksum
        and every number is checked, and the vector index is built anew. The generation gets the
        next number of the corpus, unless it is `named`.

        Args:
            file: what `export` wrote.
            recognise: returns the model of that identity by the name it has here, or raises
                ModelError; asked before anything is written.
            check: reads the parts that higher layers wrote, or raises ValueError; called before
                the generation gets its name.
            named: the corpus and generation that it must be; it keeps that name.
            wait_s: how many seconds to wait for another writer of the corpus.

        Raises:
            StoreMissing: there is no such file.
            SnapshotCorrupt: it is no exported generation, another than `named`, or was changed.
            StoreError: the store has that generation already, or the file cannot be read.
        """
        if not file.is_file():
            raise StoreMissing(
                f"{file}: no such file; write one with: kbserver export CORPUS FILE"
            )
        with disk_trouble("import", file), Archive(file) as archive:
            manifest = archive.manifest
            if named not in (None, (manifest.corpus, manifest.generation)):
                raise archive.refused(
                    f"it is the generation {manifest.generation} of {manifest.corpus}, "
                    f"wanted is {' of '.join(reversed(named))}"
                )
            model = recognise(manifest.model)
            corpus, folder = manifest.corpus, self.path / manifest.corpus
            with self.lock(corpus, wait_s=wait_s), disk_trouble("import", folder):
                generation = next_generation(
                    (entry.name for entry in folder.iterdir()),
                    origin=manifest.generation,
                )
                if named is not None:
                    generation = manifest.generation
                unfinished = folder / f"{UNFINISHED}{generation}"
                try:
                    unfinished.mkdir()
                    beside = archive.extract(unfinished)
                    try:
                        adopt(unfinished, manifest, generation=generation, model=model)
                        with Snapshot.open(unfinished) as snapshot:
                            check(snapshot)
                    except ValueError as exc:
                        raise archive.refused(str(exc)) from exc
                    seal(unfinished, folder / generation)
                except BaseException:
                    shutil.rmtree(unfinished, ignore_errors=True)
                    raise
        return corpus, generation, beside

    def _discard_unpublished(self, corpus: str) -> None:
        """Remove the generation that a writer finished and did not publish, if there is one."""
        note = self.path / corpus / _NEWEST
        try:
            newest = read_small(note, _LONGEST_NAME).decode("ascii", "replace")
        except (FileNotFoundError, ValueError):
            return
        live = _named_by(self.path / corpus / _LIVE)
        later = [name for name in self._generations(corpus) if name > newest]
        self._remove(corpus, [name for name in later if name != live])

    def _remove(self, corpus: str, generations: Iterable[str]) -> None:
        folder = self.path / corpus
        with disk_trouble("remove a generation", folder):
            for name in generations:
                # Renamed first: a kill in between must not leave half a generation.
                doomed = (folder / name).rename(folder / f"{UNFINISHED}{name}")
                shutil.rmtree(doomed)
            fsync(folder)

    def _folder(self, corpus: str, generation: str | None) -> Path:
        if generation is None:
            return self.path / corpus / self.live(corpus)
        known = self.generations(corpus)
        if generation not in known:
            raise StoreMissing(
                f"{self.path / corpus}: no generation {generation!r}; "
                f"there are {', '.join(known)}"
            )
        return self.path / corpus / generation

    def _generations(self, corpus: str) -> list[str]:
        with disk_trouble("read the corpus", self.path / corpus):
            names = [entry.name for entry in (self.path / corpus).iterdir()]
            return sorted(name for name in names if self._is_there(corpus, name))

    def _is_corpus(self, name: str) -> bool:
        try:
            return bool(self._generations(name))
        except StoreError:
            return True

    def _is_there(self, corpus: str, generation: str) -> bool:
        if not is_generation(generation):
            return False
        # One without a manifest is damaged and says so when it is opened.
        return (self.path / corpus / generation).is_dir()


class PinnedStore(Store):
    """Some corpora of a store, each as if one generation of it was live for ever."""

    def __init__(self, path: Path | str, generations: Mapping[str, str]) -> None:
        """Name the folder, and the generation of each corpus that is to be seen."""
        super().__init__(path)
        self._pinned = dict(generations)

    def corpora(self) -> list[str]:
        """Return the names of the corpora that are to be seen and are there, sorted."""
        return [name for name in super().corpora() if name in self._pinned]

    def live(self, corpus: str) -> str:
        """Return the generation that is to be seen.

        Raises:
            StoreMissing: it is not there, or the corpus is not to be seen.
        """
        generation = self._pinned.get(corpus)
        if generation is None:
            names = ", ".join(self._pinned)
            raise StoreMissing(f"{self.path / corpus}: not one of {names or 'none'}")
        return self._folder(corpus, generation).name


def _named_by(pointer: Path) -> str | None:
    """Return the generation that a pointer names, whether it is there or not; None without one.

    Raises:
        StoreMissing: the pointer is no small file.
        StoreError: it cannot be read.
    """
    with disk_trouble("read which generation is live", pointer):
        try:
            content = read_small(pointer, _LONGEST_NAME)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as exc:
            corpus = pointer.parent
            raise StoreMissing(
                f"{pointer}: names no generation: {exc}; remove it, then publish one "
                f"with: kbserver rollback {corpus.name} --store {corpus.parent}"
            ) from exc
    return content.decode("ascii", "backslashreplace").strip()
