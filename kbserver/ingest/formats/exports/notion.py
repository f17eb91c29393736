"""Notion's exports: a hash ends each name, properties stand above each page."""

from __future__ import annotations

import re
from pathlib import Path

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import NOTION_HASH
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.visibility import withheld_because

_COPY = "_all"
_LINK = re.compile(
    r"(?<!\])[ \t]?\((?:https?://(?:www\.)?notion\.so/[^()\s]*"
    r"|[^()\n]*[0-9a-f]{32}(?:_all)?\.(?:md|csv|html))\)"
)
_PROPERTY = re.compile(r"^(?P<name>[^\W\d][\w ()/&?'-]{0,40}): (?P<value>\S.*)$")
_BOOKKEEPING = frozenset(
    "owner status tags "
    "author assignee verification "
    "reviewer created updated "
    "id url "
    "date person people related".split()
)
_BOOKKEEPING_STARTS = ("created ", "last ", "updated ", "edited ", "reviewed ")
_ICON_CALLOUT = re.compile(r"(<aside>\s*\n)[^\w\s<(\[\"'$€£]+[ \t]+")


def is_notion(file: SourceFile) -> bool:
    """Return whether a file's name ends as Notion's exports do."""
    return NOTION_HASH.search(file.path.stem) is not None


def refuse_copy(file: SourceFile) -> None:
    """Refuse the table that Notion writes beside the one that its owner sees.

    Raises:
        DocumentUnreadable: the file is such a copy.
    """
    stem = file.path.stem
    if not is_notion(file) or not stem.endswith(_COPY):
        return
    seen = file.path.with_name(stem.removesuffix(_COPY) + file.path.suffix)
    if file.is_beside(seen):
        reason = f"left out: a copy of {seen.name} with rows that its view leaves out"
        raise DocumentUnreadable(file.source, reason)


def without_links(text: str) -> str:
    """Take the addresses of other pages out of a text: `Refunds (…/Refunds 0a1b.md)`."""
    return _LINK.sub("", text)


def page_text(text: str, file: SourceFile) -> tuple[dict[str, object], str]:
    """Return the properties that no caller asks for, and a page without them.

    Raises:
        DocumentUnreadable: the page is a draft or the like, or it has only properties
            that stand as a row in a table beside it.
    """
    if not is_notion(file):
        return {}, text
    lines = _ICON_CALLOUT.sub(r"\1", without_links(text)).strip().split("\n")
    head: list[str] = []
    if lines[0].startswith("# "):
        head = [lines.pop(0), ""]
    while lines and not lines[0].strip():
        lines.pop(0)
    properties: dict[str, object] = {}
    spoken: list[str] = []
    while lines and (found := _PROPERTY.match(lines[0])):
        name, value = found["name"], found["value"]
        if _is_bookkeeping(name):
            properties[name.lower().replace(" ", "_")] = value
        else:
            spoken += [lines[0], ""]
        lines.pop(0)
    if lines and lines[0].strip():  # a text whose first line has a colon
        return {}, without_links(text)
    if reason := withheld_because(properties):
        raise DocumentUnreadable(
            file.source, f"withheld, not meant for callers: {reason}"
        )
    has_text = any(line.strip() for line in lines)
    table = _table_of(file)
    if table is not None and (spoken or properties):
        if not has_text:
            raise DocumentUnreadable(file.source, f"left out: a row of {table.name}")
        spoken = []
    return properties, "\n".join([*head, *spoken, *lines])


def _is_bookkeeping(name: str) -> bool:
    lower = name.lower()
    return lower in _BOOKKEEPING or lower.startswith(_BOOKKEEPING_STARTS)


def _table_of(file: SourceFile) -> Path | None:
    """Return the table that a page is a row of, or None."""
    folder = file.path.parent
    for suffix in (".csv", f"{_COPY}.csv"):
        table = folder.with_name(folder.name + suffix)
        if NOTION_HASH.search(folder.name) and file.is_beside(table):
            return table
    return None
