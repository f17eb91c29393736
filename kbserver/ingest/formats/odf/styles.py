"""The styles of an OpenDocument file, as far as they decide what is read and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

from lxml import etree

from kbserver.ingest.formats.odf.package import (
    FO,
    NUMBER,
    OFFICE,
    STYLE,
    SVG,
    TABLE,
    TEXT,
)
from kbserver.ingest.formats.office.runs import Marks, font_of_signs

_DEEPEST = 20
"""Styles that may have parents; a damaged file has them in a ring."""
_BOLD = frozenset("bold 600 700 800 900".split())
_HEADER_CELL = "Table_20_Heading"
_TITLE = "Title"
_HEADING = re.compile(r"Heading_20_(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Look:
    """How a text looks; None where a style says nothing."""

    bold: bool | None = None
    struck: bool | None = None
    raised: int | None = None
    """1 above the line, -1 below it, 0 on it."""
    hidden: bool | None = None
    font: str | None = None

    def over(self, below: Look) -> Look:
        """Return this look where it says something, another where it does not."""
        if self is NO_LOOK:
            return below
        said = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) is not None
        }
        return replace(below, **said)

    @property
    def marks(self) -> Marks:
        """The marks of a run that looks so."""
        return Marks(
            bold=bool(self.bold),
            struck=bool(self.struck),
            raised=(self.raised or 0) > 0,
            lowered=(self.raised or 0) < 0,
            font=self.font or "",
        )


NO_LOOK = Look()
"""What a style looks like that says nothing."""


class Styles:
    """All styles by family and name."""

    def __init__(self, *roots: Any) -> None:
        """Read them from some parts of a file; those of the last hide the others."""
        self._styles: dict[tuple[str, str], Any] = {}
        self._fonts: dict[str, str] = {}
        self.lists: dict[str, Any] = {}
        """The styles of lists by name; the one of headings is called ""."""
        self.numbers: dict[str, Any] = {}
        """The styles of values by name."""
        self.masters: list[Any] = []
        """The pages with their headers and footers."""
        for root in dict.fromkeys(roots):
            for part in root.iterchildren(tag=etree.Element):
                if part.tag != f"{OFFICE}body":
                    for element in part.iter(etree.Element):
                        self._remember(element)
        self.look = lru_cache(maxsize=None)(self._look)

    def parents(self, family: str, name: str | None) -> Iterator[Any]:
        """Yield a style and those that it is made after."""
        for _ in range(_DEEPEST):
            style = self._styles.get((family, name or ""))
            if style is None:
                return
            yield style
            name = style.get(f"{STYLE}parent-style-name")

    def data_style(self, name: str | None, family: str = "table-cell") -> str:
        """Return the name of the style of a cell's or a chart's values, "" without one."""
        for style in self.parents(family, name):
            found = style.get(f"{STYLE}data-style-name")
            if found:
                return str(found)
        return ""

    def property(self, family: str, name: str | None, key: str) -> str | None:
        """Return a property of a style that is not one of text, or None."""
        for style in self.parents(family, name):
            for properties in style:
                value = properties.get(key) if isinstance(properties.tag, str) else None
                if value is not None:
                    return str(value)
        return None

    def heading_level(self, paragraph: str | None) -> int:
        """Return the level of paragraphs that are headings by their style, else 0."""
        for style in self.parents("paragraph", paragraph):
            level = style.get(f"{STYLE}default-outline-level", "")
            if level.isdecimal():
                return int(level)
            found = _HEADING.fullmatch(style.get(f"{STYLE}name", ""))
            if found is not None:
                return int(found[1])
        return 0

    def is_title(self, paragraph: str | None) -> bool:
        """Return whether paragraphs of a style are the title of the document."""
        return self._is_after(paragraph, _TITLE)

    def is_header_cell(self, paragraph: str | None) -> bool:
        """Return whether paragraphs of a style name columns of a table."""
        return self._is_after(paragraph, _HEADER_CELL)

    def _is_after(self, paragraph: str | None, name: str) -> bool:
        if paragraph == name:
            return True
        found = self.parents("paragraph", paragraph)
        return any(style.get(f"{STYLE}name") == name for style in found)

    def _look(self, family: str, name: str | None) -> Look:
        look = NO_LOOK
        for style in self.parents(family, name):
            properties = style.find(f"{STYLE}text-properties")
            if properties is not None:
                look = look.over(self._said(properties))
        return look

    def _said(self, properties: Any) -> Look:
        look = NO_LOOK
        weight = properties.get(f"{FO}font-weight")
        if weight:
            look = replace(look, bold=weight in _BOLD)
        line = properties.get(f"{STYLE}text-line-through-style")
        line = line or properties.get(f"{STYLE}text-line-through-type")
        if line:
            look = replace(look, struck=line != "none")
        position = properties.get(f"{STYLE}text-position")
        if position:
            look = replace(look, raised=_raised(position))
        display = properties.get(f"{TEXT}display")
        if display:
            look = replace(look, hidden=display == "none")
        font = properties.get(f"{STYLE}font-name")
        name = self._fonts.get(font or "", font) or properties.get(f"{FO}font-family")
        if name:
            look = replace(look, font=font_of_signs(name))
        return look

    def _remember(self, element: Any) -> None:
        name = element.get(f"{STYLE}name", "")
        tag = element.tag
        if tag == f"{STYLE}style":
            self._styles[element.get(f"{STYLE}family", ""), name] = element
        elif tag == f"{STYLE}font-face":
            self._fonts[name] = element.get(f"{SVG}font-family", name)
        elif tag == f"{STYLE}master-page":
            self.masters.append(element)
        elif tag == f"{TEXT}list-style":
            self.lists[name] = element
        elif tag == f"{TEXT}outline-style":
            self.lists[""] = element
        elif tag.startswith(NUMBER) and tag.endswith("-style"):
            self.numbers[name] = element


def is_shown(element: Any) -> bool:
    """Return whether a row or column of a table is shown: not hidden, nor filtered out."""
    return str(element.get(f"{TABLE}visibility", "visible")) == "visible"


def _raised(position: str) -> int:
    """Return where a text stands: `super 58%`, `sub`, `33% 58%`."""
    place = position.split()[0]
    if place in ("super", "sub"):
        return {"super": 1, "sub": -1}[place]
    try:
        percent = float(place.rstrip("%"))
    except ValueError:
        return 0
    return (percent > 0) - (percent < 0)
