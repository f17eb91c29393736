"""The readable files below a folder, in a fixed order; everything else with its reason."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec

from kbserver.errors import IngestError
from kbserver.ingest.load import FORMATS, SizeClass, unknown_type

IGNORE_FILE = ".kbignore"

_LOOP = "a symbolic link in a loop"
_LEADS_OUT = "a symbolic link that leads out of the folder; name its target as a path"


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest files that are read, in bytes.

    16 MiB of text are a book of 5,000 pages and a quarter of an hour of embedding. In
    PDF and Office files the text is a small part. Files of records are cut at their
    records and take memory of about four times their size.
    """

    text: int = 16 * 1024**2
    binary: int = 64 * 1024**2
    records: int = 256 * 1024**2

    def of(self, size_class: SizeClass) -> int:
        """Return the limit of one class of formats."""
        by_class = {
            "text": self.text,
            "binary": self.binary,
            "records": self.records,
        }
        return by_class[size_class]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read."""

    path: Path
    source: str
    """Posix path below the ingested folder; with several roots, below the root's name."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Last change, nanoseconds since 1970."""
    ctime_ns: int = 0
    """Last change of its content or its entry, which no program can set back."""
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that is not read, and why. The source is always printable."""

    source: str
    reason: str


def walk(
    paths: Iterable[Path],
    *,
    limits: Limits | None = None,
    ignore: Sequence[str] = (),
) -> Iterator[FoundFile | Skipped]:
    """Yield every file below the paths, or the reason for skipping it, sorted by name.

    Args:
        paths: folders, and files that are taken whatever their name.
        limits: largest files that are read.
        ignore: patterns in gitignore syntax, applied before those of the `.kbignore`
            files; such a file in any folder counts for all that lies below it.

    Raises:
        IngestError: a path does not exist, or a pattern cannot be understood.
    """
    roots = _roots(paths)
    visit = _Walk(limits or Limits())
    given = _spec(ignore, "the ignore patterns")
    for root, prefix in roots:
        if root.is_dir():
            yield from visit.folder(root, prefix, [(prefix, given)], root.resolve())
        else:
            yield visit.file(root, prefix)


def _roots(paths: Iterable[Path]) -> list[tuple[Path, str]]:
    """Return each path with the prefix of its sources, no two the same.

    The prefix of a file is its whole source.
    """
    unique: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            name = printable(str(path))
            raise IngestError(f"{name}: no such file or folder; name one that exists")
        unique.setdefault(path.resolve(), path)
    if len(unique) == 1:
        [(resolved, path)] = unique.items()
        if path.is_dir():
            return [(path, "")]
        return [(path, resolved.name)]
    roots = []
    for name, path in zip(_shortest_names(unique), unique.values(), strict=True):
        if path.is_dir():
            name += "/"
        roots.append((path, name))
    return roots


def _shortest_names(paths: Iterable[Path]) -> list[str]:
    """Return the last parts of each path, as few as tell all paths apart."""
    paths = list(paths)
    names: list[str] = []
    for count in range(1, max((len(path.parts) for path in paths), default=0) + 1):
        names = ["/".join(path.parts[-count:]).lstrip("/") for path in paths]
        if len(set(names)) == len(names):
            break
    return names


@dataclass
class _Walk:
    """One walk over all roots."""

    limits: Limits
    visited: dict[tuple[int, int], str] = field(default_factory=dict)
    """Source of each folder by its device and inode."""

    def folder(
        self,
        folder: Path,
        prefix: str,
        specs: list[tuple[str, GitIgnoreSpec]],
        root: Path,
    ) -> Iterator[FoundFile | Skipped]:
        """Yield everything below one folder; `prefix` ends with a slash or is empty."""
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as exc:
            yield Skipped(printable(prefix) or ".", _why(exc))
            return
        source = prefix.rstrip("/") or "."
        key = (status.st_dev, status.st_ino)
        before = self.visited.setdefault(key, source)
        if before != source:
            name = printable(prefix.rstrip("/"))
            yield Skipped(name, f"the same folder as {printable(before)}")
            return
        own = folder / IGNORE_FILE
        if own.is_file():
            specs = [*specs, (prefix, _read_spec(own))]
        for entry in entries:
            if entry.name != IGNORE_FILE:
                yield from self._entry(entry, prefix + entry.name, specs, root)

    def _entry(
        self,
        entry: os.DirEntry[str],
        source: str,
        specs: list[tuple[str, GitIgnoreSpec]],
        root: Path,
    ) -> Iterator[FoundFile | Skipped]:
        path = Path(entry.path)
        if reason := _unfit_name(entry.name):
            yield Skipped(printable(source), reason)
            return
        try:
            is_folder = entry.is_dir()
            problem = None
            if entry.is_symlink():
                problem = _link_problem(path, root, is_folder=is_folder)
        except (OSError, RuntimeError) as exc:
            yield Skipped(source, _why(exc))
            return
        if problem:
            yield Skipped(source, problem)
        elif _ignored(source + "/" * is_folder, specs):
            yield Skipped(source, f"ignored by {IGNORE_FILE} or a pattern given")
        elif is_folder:
            yield from self.folder(path, source + "/", specs, root)
        else:
            yield self.file(path, source)

    def file(self, path: Path, source: str) -> FoundFile | Skipped:
        """Return one file, or why it is not read."""
        try:
            status = path.stat()
        except OSError as exc:
            return Skipped(printable(source), _why(exc))
        reason = self._unfit_file(path, status)
        if reason:
            return Skipped(printable(source), reason)
        return FoundFile(
            path,
            source,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
            status.st_ino,
        )

    def _unfit_file(self, path: Path, status: os.stat_result) -> str | None:
        """Return why a file is not read, or None."""
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file (a socket, pipe or device)"
        form = FORMATS.get(path.suffix.lower())
        if form is None:
            return unknown_type(path)
        size = status.st_size
        if size == 0:
            return "empty"
        limit = self.limits.of(form.size_class)
        if size > limit:
            at_most = f"at most {_mib(limit)} for {form.name}"
            return f"too large: {_mib(size)} MiB, {at_most}; split it"
        if not os.access(path, os.R_OK):
            return "permission denied"
        return None


def printable(name: str) -> str:
    """Return a name that can be shown on one line: as it is, or quoted with escapes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return ascii(name)
    if name.isprintable():
        return name
    return repr(name)


def _unfit_name(name: str) -> str | None:
    """Return why a file or folder of this name is not read, or None."""
    if name.startswith("."):
        return "hidden"
    if name.startswith("~$"):
        return "a lock file of an Office program"
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name):
        return "a control character in its name; rename it"
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename it"
    return None


def _link_problem(link: Path, root: Path, *, is_folder: bool) -> str | None:
    """Return why a symbolic link is not followed, or None.

    Raises:
        OSError, RuntimeError: the link leads nowhere.
    """
    target = link.resolve(strict=True)
    if is_folder and link.parent.resolve().is_relative_to(target):
        return _LOOP
    if not target.is_relative_to(root):
        return _LEADS_OUT
    return None


def _ignored(source: str, specs: list[tuple[str, GitIgnoreSpec]]) -> bool:
    """Return whether git would ignore a source.

    The last pattern that matches decides, those of the deepest file first.
    """
    for prefix, spec in reversed(specs):
        decision = spec.check_file(source[len(prefix) :]).include
        if decision is not None:
            return decision
    return False


def _read_spec(path: Path) -> GitIgnoreSpec:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise IngestError(
            f"{path}: cannot be read ({exc}); "
            "mend or remove it, it says what to keep out"
        ) from exc
    return _spec(lines, str(path))


def _spec(lines: Iterable[str], where: str) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as exc:
        raise IngestError(
            f"{where}: {exc}; write gitignore patterns, one a line"
        ) from exc


def _why(exc: Exception) -> str:
    """Say why a file or folder cannot be reached."""
    if isinstance(exc, FileNotFoundError):
        return "a symbolic link to nothing"
    if isinstance(exc, OSError) and exc.strerror and "symbolic" not in exc.strerror:
        return exc.strerror.lower()
    return _LOOP


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.1f}".removesuffix(".0")
