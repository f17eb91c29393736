"""Pages as they were last fetched, in a folder that is then ingested like any other."""

from __future__ import annotations

import json
import re
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
        with disk_trouble("keep a page", target):
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


def file_of(url: str, content_type: str) -> str | None:
    """Return where a page is kept, so that its source reads like its URL.

    `https://example.com/help/reset?lang=en` gives `help/reset@lang=en.html`, a folder's
    own page `index.html`.

    Returns:
        A posix path, or None if pages of its type are not read.
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
    return "/".join([*names, f"{_fit(last)}{suffix}"])


def _fit(name: str) -> str:
    """Return a name that every file system takes and a walk does not skip."""
    name = _UNFIT.sub("-", name).strip(" ").lstrip(".~") or "-"
    while len(name.encode()) > _LONGEST_NAME:
        name = name[:-1]
    return name
