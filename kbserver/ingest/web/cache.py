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
_LONGEST_NAME = 120  # bytes of one folder's or file's name; file systems allow 255

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
    last_modified: str = ""
    """Both as the server wrote them, to be sent back."""


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
        try:
            known = json.loads(self._index.read_bytes())
            self._known = {str(url): Fetched(**facts) for url, facts in known.items()}
        except (
            OSError,
            ValueError,
            TypeError,
            AttributeError,
        ):  # none, or of another version: fetched anew
            self._known = {}

    def find(self, url: str) -> Fetched | None:
        """Return what is known of a page, None if it is not here."""
        known = self._known.get(url)
        return known if known and (self.pages / known.file).is_file() else None

    def put(
        self,
        url: str,
        content: bytes,
        content_type: str,
        *,
        etag: str,
        last_modified: str,
    ) -> str | None:
        """Keep a page, and return its file; None if pages of its type are not read.

        Raises:
            StoreError: it cannot be written.
        """
        file = file_of(url, content_type)
        if file is None:
            return None
        taken = {facts.file for other, facts in self._known.items() if other != url}
        if file in taken:  # two URLs that differ only in what a file's name cannot hold
            path = Path(file)
            file = path.with_name(
                f"{path.stem}-{sha256(url.encode()).hexdigest()[:8]}{path.suffix}"
            ).as_posix()
        target = self.pages / file
        with disk_trouble("keep a page", target):
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".tmp-{sha256(url.encode()).hexdigest()[:16]}")
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
            files = {facts.file for facts in self._known.values()}
            for path in self.pages.rglob("*"):
                if (
                    path.is_file()
                    and path.relative_to(self.pages).as_posix() not in files
                ):
                    path.unlink()
        self.remember()

    def remember(self) -> None:
        """Write down what is known of every page.

        Raises:
            StoreError: the index cannot be written.
        """
        facts = {url: asdict(known) for url, known in self._known.items()}
        with disk_trouble("keep pages", self.pages):
            replace_text(self._index, json.dumps(facts, indent=1))


def file_of(url: str, content_type: str) -> str | None:
    """Return where a page is kept, so that its source reads like its URL; None if its type is not read.

    `https://example.com/help/reset?lang=en` gives `help/reset@lang=en.html`, a folder's own page `index.html`.
    """
    parts = urlsplit(url)
    suffix = _SUFFIXES.get(content_type.split(";", 1)[0].strip().lower())
    names = [
        _fit(unquote(name))
        for name in parts.path.split("/")
        if name not in ("", ".", "..")
    ]
    last = names.pop() if names and not parts.path.endswith("/") else "index"
    own = Path(last).suffix.lower()
    if (
        suffix is None
        and own in FORMATS
        and content_type.startswith(("application/", "text/"))
    ):
        suffix = own
    if suffix is None:
        return None
    stem = last[: -len(own)] if own in FORMATS else last
    query = f"@{_fit(parts.query)}" if parts.query else ""
    return "/".join([*names, f"{_fit(stem + query)}{suffix}"])


def _fit(name: str) -> str:
    """A name that every file system takes and a walk does not pass over."""
    name = _UNFIT.sub("-", name).strip(" ").lstrip(".~") or "-"
    while len(name.encode()) > _LONGEST_NAME:
        name = name[:-1]
    return name
