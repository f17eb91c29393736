"""Pictures of a page: recognised where they stand, or named."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from functools import partial
from urllib.parse import unquote

from lxml.html import HtmlElement

from kbserver.ingest.blocks import Block, counted, not_spoken
from kbserver.ingest.formats.ocr.embedded import Embedded
from kbserver.ingest.formats.ocr.placed import Placed
from kbserver.ingest.formats.ocr.shown import (
    digest_of,
    root_of,
    shown_content,
    shown_file,
)
from kbserver.ingest.formats.shared.source import SourceFile

_SMALL_PIXELS = 64
"""A picture no larger than this is an icon, or counts its readers."""
_MOST_NAMED = 3
_NAME_CHARACTERS = 60
_LEAST_WORDS = 2
_FILE_NAME = re.compile(r"\.\w{2,5}$")
_LENGTH = re.compile(r"\s*(\d{1,5})(?:\.\d*)?\s*(?:px)?\s*$")
_ORNAMENT = re.compile(
    r"(?:^|[\s._/-])(?:emoji|emoticon|smiley|icon|favicon|avatar|gravatar|logo|badge|badges"
    r"|cover|spacer|pixel|tracking|shields\.io)(?:$|[\s_./-])",
    re.I,
)


class PagePictures:
    """The pictures of one page that it holds itself, or that lie beside it."""

    def __init__(self, file: SourceFile) -> None:
        """Begin with none.

        Args:
            file: the page.
        """
        self._file = file
        self._pictures = Embedded(file)
        self._placed = Placed()
        self.shown: dict[str, str] = {}
        """SHA-256 of each file beside it that it shows, "" if there is none; by path
        below the ingested folder."""

    def read(self, root: HtmlElement) -> tuple[str, ...]:
        """Put a mark in place of each picture that is read, and return notes on the rest."""
        if self._file.ocr is not None:
            for picture in list(root.iter("img")):
                self._read(picture)
        return (*self._pictures.notes(), *picture_notes(root))

    def in_place(self, blocks: Iterable[Block]) -> list[Block]:
        """Return blocks with what is written on each picture instead of its mark."""
        return self._placed.in_place(blocks)

    def _read(self, picture: HtmlElement) -> None:
        if not _is_content(picture):
            return
        caption = _caption(picture)
        blocks = self._pictures.blocks(
            partial(self._content, _address(picture)), _name(picture), lead_in=caption
        )
        if blocks is None:
            return
        if blocks and caption:
            blocks = [Block("paragraph", caption), *blocks]
        picture.tag = "div"
        picture.text = self._placed.mark(blocks) if blocks else ""

    def _content(self, address: str) -> bytes | None:
        """Return the file of a picture; None if it lies elsewhere."""
        if address[:5].lower() == "data:":
            return _inline(address)
        path = shown_file(self._file, address)
        if path is None:
            return None
        root = root_of(self._file.path, self._file.source)
        content = shown_content(root / path)
        self.shown[path] = digest_of(content)
        return content


def picture_notes(root: HtmlElement) -> tuple[str, ...]:
    """Return a note on the pictures of a page that may show more than its text says.

    Icons, logos and what the page itself calls an ornament (an empty `alt`) are none.
    """
    return noted(picture_names(root))


def picture_names(root: HtmlElement) -> list[str]:
    """Return the name of each such picture, "" where it has none."""
    return [_name(picture) for picture in root.iter("img") if _is_content(picture)]


def noted(names: Iterable[str]) -> tuple[str, ...]:
    """Return a note on pictures, () if there are none.

    Args:
        names: of each; "" if it has none.
    """
    names = list(names)
    if not names:
        return ()
    what = counted(len(names), "picture")
    if known := list(dict.fromkeys(filter(None, names))):
        more = ", …" if len(known) > _MOST_NAMED else ""
        what = f"{what} ({', '.join(known[:_MOST_NAMED])}{more})"
    return (not_spoken(what, "write in the text what callers need of it"),)


def _is_content(picture: HtmlElement) -> bool:
    if picture.get("alt") == "" or picture.get("role") in ("presentation", "none"):
        return False
    if any(_is_small(picture.get(side)) for side in ("width", "height")):
        return False
    source = _address(picture)
    if not source:
        return False
    names = f"{picture.get('class') or ''} {source.partition('?')[0][:500]}"
    return not _ORNAMENT.search(names)


def _is_small(length: str | None) -> bool:
    found = _LENGTH.match(length or "")
    return found is not None and int(found[1]) <= _SMALL_PIXELS


def _name(picture: HtmlElement) -> str:
    """Return the file's name, or what the picture is called."""
    source = _address(picture).partition("?")[0]
    name = ""
    if not source.startswith(("data:", "cid:")):
        name = unquote(source.rpartition("/")[2])
    name = name or picture.get("alt") or ""
    return " ".join(name.split())[:_NAME_CHARACTERS]


def _address(picture: HtmlElement) -> str:
    """Return where a picture is; what a page loads late has a dummy in its place."""
    late = picture.get("data-src")
    source = picture.get("src") or ""
    if late and (not source or source.startswith("data:")):
        return str(late)
    return str(source)


def _caption(picture: HtmlElement) -> str:
    """Return the `alt` of a picture if it describes it: some words, and no file's name."""
    words = (picture.get("alt") or "").split()
    if len(words) < _LEAST_WORDS or _FILE_NAME.search(words[-1]):
        return ""
    return " ".join(words)


def _inline(address: str) -> bytes | None:
    """Return the file that an address of the scheme `data` holds, None for no picture."""
    kind, _, content = address[len("data:") :].partition(",")
    kind = kind.lower()
    if not kind.startswith("image/") or not kind.endswith(";base64"):
        return None
    try:
        return b64decode("".join(unquote(content).split()))
    except ValueError:
        return None
