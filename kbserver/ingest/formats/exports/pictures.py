"""Pictures of a page: nothing reads them, so that they are named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from lxml.html import HtmlElement

from kbserver.ingest.blocks import counted, not_spoken

_SMALL_PIXELS = 64
"""A picture no larger than this is an icon, or counts its readers."""
_MOST_NAMED = 3
_NAME_CHARACTERS = 60
_LENGTH = re.compile(r"\s*(\d{1,5})(?:\.\d*)?\s*(?:px)?\s*$")
_ORNAMENT = re.compile(
    r"(?:^|[\s._/-])(?:emoji|emoticon|smiley|icon|favicon|avatar|gravatar|logo|badge|badges"
    r"|cover|spacer|pixel|tracking|shields\.io)(?:$|[\s_./-])",
    re.I,
)


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
    source = picture.get("src") or picture.get("data-src") or ""
    if not source:
        return False
    names = f"{picture.get('class') or ''} {source.partition('?')[0][:500]}"
    return not _ORNAMENT.search(names)


def _is_small(length: str | None) -> bool:
    found = _LENGTH.match(length or "")
    return found is not None and int(found[1]) <= _SMALL_PIXELS


def _name(picture: HtmlElement) -> str:
    """Return the file's name, or what the picture is called."""
    source = (picture.get("src") or picture.get("data-src") or "").partition("?")[0]
    name = ""
    if not source.startswith(("data:", "cid:")):
        name = unquote(source.rpartition("/")[2])
    name = name or picture.get("alt") or ""
    return " ".join(name.split())[:_NAME_CHARACTERS]
