"""The styles of a Word document, as far as they decide what is read and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DEEPEST = 20
"""Styles that may be based on each other; a damaged file has them in a ring."""


@dataclass(frozen=True, slots=True)
class Style:
    """One style, without what it inherits."""

    name: str = ""
    based_on: str = ""
    properties: Any = None
    """Its `w:rPr`, or None."""
    number_properties: Any = None
    """Its `w:numPr`, or None."""
    marks_first_row: bool = False
    """Whether a table's first row looks different."""


class Styles:
    """All styles by their id."""

    def __init__(self, root: Any = None) -> None:
        """Read `word/styles.xml`; without it no style says anything."""
        self._styles: dict[str, Style] = {}
        if root is None:
            return
        for style in root.iterfind(f"{W}style"):
            identity = style.get(f"{W}styleId", "")
            self._styles[identity] = _style(style)

    def name(self, identity: str) -> str:
        """Return a style's name in lower case, "" if it is not there."""
        style = self._styles.get(identity)
        return style.name.lower() if style else ""

    def chain(self, identity: str) -> list[tuple[str, Style]]:
        """Return a style and those that it is based on, each with its id."""
        found: list[tuple[str, Style]] = []
        while identity in self._styles and len(found) < _DEEPEST:
            style = self._styles[identity]
            found.append((identity, style))
            identity = style.based_on
        return found

    def is_raised(self, run: Any) -> bool:
        """Return whether a run is set higher by its style, or by a height of its own."""
        own = run.find(f"{W}rPr")
        if own is None or own.find(f"{W}vertAlign") is not None:
            return False
        height = value_of(own.find(f"{W}position"))
        if height.isdecimal() and int(height) and own.find(f"{W}sz") is not None:
            return True
        for _, style in self.chain(value_of(own.find(f"{W}rStyle"))):
            if style.properties is not None:
                place = style.properties.find(f"{W}vertAlign")
                if place is not None:
                    return value_of(place) == "superscript"
        return False

    def is_set(self, run: Any, mark: str, paragraph_style: str) -> bool:
        """Return whether a run has a mark: its own, its style's or its paragraph's."""
        own = run.find(f"{W}rPr")
        if own is not None:
            found = own.find(f"{W}{mark}")
            if found is not None:
                return is_on(found)
        run_style = own.find(f"{W}rStyle") if own is not None else None
        identities = [value_of(run_style), paragraph_style]
        for identity in identities:
            for _, style in self.chain(identity):
                found = None
                if style.properties is not None:
                    found = style.properties.find(f"{W}{mark}")
                if found is not None:
                    return is_on(found)
        return False


def value_of(element: Any) -> str:
    """Return an element's `w:val`, "" without either."""
    if element is None:
        return ""
    return str(element.get(f"{W}val", ""))


def is_on(element: Any) -> bool:
    """Return what a switch says; without a value it is on."""
    return element.get(f"{W}val", "true") not in ("false", "0", "off", "none")


def _style(element: Any) -> Style:
    first_row = [
        part
        for part in element.iterfind(f"{W}tblStylePr")
        if part.get(f"{W}type") == "firstRow" and len(part)
    ]
    return Style(
        name=value_of(element.find(f"{W}name")),
        based_on=value_of(element.find(f"{W}basedOn")),
        properties=element.find(f"{W}rPr"),
        number_properties=element.find(f"{W}pPr/{W}numPr"),
        marks_first_row=bool(first_row),
    )
