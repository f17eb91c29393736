"""A folder to the files in it that can be read: in a fixed order, everything left out named with its reason."""

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


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest files that are read, in bytes.

    A passage of the default model's length is about 1 KB, and 20 are embedded in a second: 16 MiB of text are
    a book of 5,000 pages and a quarter of an hour. In PDF and Office files the text is a small part; files of
    records are cut at their records and take memory of about four times their size.
    """

    text: int = 16 * 1024**2
    binary: int = 64 * 1024**2
    records: int = 256 * 1024**2

    def of(self, size_class: SizeClass) -> int:
        """The limit of one class of formats."""
        return {"text": self.text, "binary": self.binary, "records": self.records}[
            size_class
        ]


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read."""

    path: Path
    source: str
    """Path below the ingested folder, posix; with several roots the root's name comes first."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Last change, nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that is not read, and why. Its name is printable whatever it is on disk."""

    source: str
    reason: str


def walk(
    paths: Iterable[Path], *, limits: Limits | None = None, ignore: Sequence[str] = ()
) -> Iterator[FoundFile | Skipped]:
    """Yield every file below the paths, or the reason for passing it over, sorted by name.

    Args:
        paths: folders, and files that are taken whatever their name.
        limits: largest files that are read.
        ignore: patterns in gitignore syntax, applied before those of the `.kbignore` files, which may stand in
            any folder and speak for it and all below it.

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
    """Return each path with what its sources begin with (for a file: its source), no two the same."""
    unique: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise IngestError(
                f"{printable(str(path))}: no such file or folder; name one that exists"
            )
        unique.setdefault(path.resolve(), path)
    if len(unique) == 1:
        [(resolved, path)] = unique.items()
        return [(path, "" if path.is_dir() else resolved.name)]
    for parts in range(1, max(len(resolved.parts) for resolved in unique) + 1):
        names = ["/".join(resolved.parts[-parts:]).lstrip("/") for resolved in unique]
        if len(set(names)) == len(names):
            break
    return [
        (path, f"{name}/" if path.is_dir() else name)
        for path, name in zip(unique.values(), names, strict=True)
    ]


@dataclass
class _Walk:
    limits: Limits
    visited: dict[tuple[int, int], str] = field(
        default_factory=dict
    )  # (device, inode) of folders → source

    def folder(
        self,
        folder: Path,
        prefix: str,
        specs: list[tuple[str, GitIgnoreSpec]],
        root: Path,
    ) -> Iterator[FoundFile | Skipped]:
        """Everything below one folder; `prefix` ends with a slash or is empty."""
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as exc:
            yield Skipped(printable(prefix) or ".", _why(exc))
            return
        before = self.visited.setdefault(
            (status.st_dev, status.st_ino), prefix.rstrip("/") or "."
        )
        if before != (prefix.rstrip("/") or "."):
            yield Skipped(
                printable(prefix.rstrip("/")), f"the same folder as {printable(before)}"
            )
            return
        own = folder / IGNORE_FILE
        if own.is_file():
            specs = [*specs, (prefix, _read_spec(own))]
        for entry in entries:
            yield from self._entry(entry, prefix + entry.name, specs, root)

    def _entry(
        self,
        entry: os.DirEntry[str],
        source: str,
        specs: list[tuple[str, GitIgnoreSpec]],
        root: Path,
    ) -> Iterator[FoundFile | Skipped]:
        path = Path(entry.path)
        if entry.name == IGNORE_FILE:
            return
        if reason := _unfit_name(entry.name):
            yield Skipped(printable(source), reason)
            return
        try:
            is_folder = entry.is_dir()
            if entry.is_symlink():
                target = path.resolve(strict=True)
                if is_folder and path.parent.resolve().is_relative_to(target):
                    yield Skipped(source, "a symbolic link in a loop")
                    return
                if not target.is_relative_to(root):
                    yield Skipped(
                        source,
                        "a symbolic link that leads out of the folder; name its target as a path",
                    )
                    return
        except (OSError, RuntimeError) as exc:
            yield Skipped(source, _why(exc))
            return
        if _ignored(source + "/" * is_folder, specs):
            yield Skipped(source, f"ignored by {IGNORE_FILE} or a pattern given")
        elif is_folder:
            yield from self.folder(path, source + "/", specs, root)
        else:
            yield self.file(path, source)

    def file(self, path: Path, source: str) -> FoundFile | Skipped:
        """One file, or why it cannot be read."""
        try:
            status = path.stat()
        except OSError as exc:
            return Skipped(printable(source), _why(exc))
        if not stat.S_ISREG(status.st_mode):
            return Skipped(
                printable(source), "not a regular file (a socket, pipe or device)"
            )
        form = FORMATS.get(path.suffix.lower())
        if form is None:
            return Skipped(printable(source), unknown_type(path))
        if status.st_size == 0:
            return Skipped(printable(source), "empty")
        if status.st_size > (limit := self.limits.of(form.size_class)):
            return Skipped(
                printable(source),
                f"too large: {_mib(status.st_size)} MiB, at most {_mib(limit)} for {form.name}; split it",
            )
        if not os.access(path, os.R_OK):
            return Skipped(printable(source), "permission denied")
        return FoundFile(path, source, status.st_size, status.st_mtime_ns)


def printable(name: str) -> str:
    """Return a name that can be shown on one line: as it is, or quoted with escapes."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return ascii(name)
    return name if name.isprintable() else repr(name)


def _unfit_name(name: str) -> str | None:
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


def _ignored(source: str, specs: list[tuple[str, GitIgnoreSpec]]) -> bool:
    """What git does: the last pattern that matches decides, the deepest file's first."""
    for prefix, spec in reversed(specs):
        decision = spec.check_file(source[len(prefix) :]).include
        if decision is not None:
            return decision
    return False


def _read_spec(path: Path) -> GitIgnoreSpec:
    try:
        return _spec(path.read_text(encoding="utf-8").splitlines(), str(path))
    except (OSError, UnicodeDecodeError) as exc:
        raise IngestError(
            f"{path}: cannot be read ({exc}); mend or remove it, it says what to keep out"
        ) from exc


def _spec(lines: Iterable[str], where: str) -> GitIgnoreSpec:
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError as exc:
        raise IngestError(
            f"{where}: {exc}; write gitignore patterns, one a line"
        ) from exc


def _why(exc: Exception) -> str:
    if isinstance(exc, FileNotFoundError):
        return "a symbolic link to nothing"
    if isinstance(exc, OSError) and exc.strerror:
        return (
            "a symbolic link in a loop"
            if "symbolic" in exc.strerror
            else exc.strerror.lower()
        )
    return "a symbolic link in a loop"


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.1f}".removesuffix(".0")
