"""Pages as they were last fetched, in a folder that is then ingested like any other."""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kbserver.files import replace_text
from kbserver.index.durable import disk_trouble
from kbserver.ingest.load import FORMATS

_INDEX = "fetched.json"
_PAGES = "pages"
_UNFIT = re.compile(r"[^\w.,=&@+()~ -]+")
_LONGEST_NAME = 120
"""Bytes of one folder's or file's name; file systems allow 255."""
_LONGEST_PATH = 600
"""Bytes of a page's path below the folder; some systems allow 1,024 from the root."""
_MOST_FOLDERS = 32
"""A page that lies deeper is not kept."""
_NAME_TROUBLE = {
    errno.EEXIST,
    errno.EILSEQ,
    errno.EINVAL,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOTDIR,
}
"""What a system says of one name; the next one may be fine."""

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/pdf": ".pdf",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is known of a page that is in the cache."""

    file: str
    """Path below the folder of pages, posix."""
    etag: str = ""
    """As the server wrote it, to be sent back."""
    last_modified: str = ""
    """As the server wrote it, to be sent back."""


class NameUnfit(Exception):
    """A page's URL makes no file's name; the others go on."""


class PageCache:
    """The pages of one site in `STORE/<corpus>/.web/<site>/pages`."""

    def __init__(self, folder: Path) -> None:
        """Open or start the cache in a folder.

        Raises:
            StoreError: the folder cannot be made or written.
        """
        self.pages = folder / _PAGES
        self._index = folder / _INDEX
        with disk_trouble("keep pages", folder):
            self.pages.mkdir(parents=True, exist_ok=True)
        self._known = _read_index(self._index)

    def find(self, url: str) -> Fetched | None:
        """Return what is known of a page, None if it is not here."""
        known = self._known.get(url)
        if known is None or not (self.pages / known.file).is_file():
            return None
        return known

    def put(
        self,
        url: str,
        content: bytes,
        content_type: str,
        *,
        etag: str,
        last_modified: str,
    ) -> str | None:
        """Keep a page and return its file; None if pages of its type are not read.

        Raises:
            NameUnfit: its path is too long or too deep, or this system does not take its name.
            StoreError: it cannot be written.
        """
        file = file_of(url, content_type)
        if file is None:
            return None
        digest = sha256(url.encode()).hexdigest()
        taken = {known.file for other, known in self._known.items() if other != url}
        if file in taken:
            # two URLs that differ only in what a file's name cannot hold
            path = Path(file)
            name = f"{path.stem}-{digest[:8]}{path.suffix}"
            file = path.with_name(name).as_posix()
        target = self.pages / file
        with disk_trouble("keep a page", target), _naming():
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".tmp-{digest[:16]}")
            beside.write_bytes(content)
            beside.replace(target)
        self._known[url] = Fetched(file, etag, last_modified)
        return file

    def keep_only(self, urls: set[str]) -> None:
        """Forget every other page, and write down what is known of these.

        Raises:
            StoreError: the index cannot be written.
        """
        with disk_trouble("keep pages", self.pages):
            for url in self._known.keys() - urls:
                del self._known[url]
            kept = {self.pages / known.file for known in self._known.values()}
            for path in self.pages.rglob("*"):
                if path.is_file() and path not in kept:
                    path.unlink()
            _remove_empty_folders(self.pages)
        self.remember()

    def remember(self) -> None:
        """Write down what is known of every page.

        Raises:
            StoreError: the index cannot be written.
        """
        known = {url: asdict(page) for url, page in self._known.items()}
        with disk_trouble("keep pages", self.pages):
            replace_text(self._index, json.dumps(known, indent=1))


def _read_index(file: Path) -> dict[str, Fetched]:
    """Return what is known of each URL; {} if the index is missing or not readable."""
    try:
        known = json.loads(file.read_bytes())
        return {str(url): Fetched(**facts) for url, facts in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remove_empty_folders(top: Path) -> None:
    """Remove folders without a file, so that a page may take a folder's name."""
    folders = [path for path in top.rglob("*") if path.is_dir()]
    for folder in sorted(folders, reverse=True):  # inner ones first
        if not any(folder.iterdir()):
            folder.rmdir()


@contextlib.contextmanager
def _naming() -> Iterator[None]:
    """Tell a name that the system does not take from trouble with the disk."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in _NAME_TROUBLE:
            raise
        raise NameUnfit(f"its name cannot be kept ({exc.strerror})") from exc


def file_of(url: str, content_type: str) -> str | None:
    """Return where a page is kept, so that its source reads like its URL.

    `https://example.com/help/reset?lang=en` gives `help/reset@lang=en.html`, a folder's
    own page `index.html`.

    A folder's name never looks like a page's, so that `a.html` and `a.html/b` are kept both.

    Returns:
        A posix path, or None if pages of its type are not read.

    Raises:
        NameUnfit: the path is too long or too deep.
    """
    parts = urlsplit(url)
    names = [
        _fit(unquote(name))
        for name in parts.path.split("/")
        if name not in ("", ".", "..")
    ]
    last = "index"
    if names and not parts.path.endswith("/"):
        last = names.pop()
    own = Path(last).suffix.lower()
    is_format = own in FORMATS
    suffix = _SUFFIXES.get(content_type.split(";", 1)[0].strip().lower())
    if suffix is None:
        if not is_format or not content_type.startswith(("application/", "text/")):
            return None
        suffix = own
    if is_format:
        last = last[: -len(own)]
    if parts.query:
        last += f"@{_fit(parts.query)}"
    path = "/".join([*map(_folder, names), f"{_fit(last)}{suffix}"])
    if len(path.encode()) > _LONGEST_PATH or len(names) > _MOST_FOLDERS:
        raise NameUnfit(
            f"its path is too long to be kept: {len(names)} folders, "
            f"{len(path.encode()):,} bytes"
        )
    return path


def _folder(name: str) -> str:
    """Return a folder's name without a suffix that is read."""
    suffix = Path(name).suffix
    if suffix.lower() in FORMATS:
        return f"{name.removesuffix(suffix)}-{suffix[1:]}"
    return name


def _fit(name: str) -> str:
    """Return a name that every file system takes and a walk does not skip."""
    name = _UNFIT.sub("-", name).strip(" ").lstrip(".~") or "-"
    while len(name.encode()) > _LONGEST_NAME:
        name = name[:-1]
    return name
