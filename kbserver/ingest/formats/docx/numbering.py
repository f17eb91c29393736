"""The numbers that Word writes before paragraphs: `2.2`, `(b)`, `Step 3:`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from kbserver.ingest.formats.docx.styles import Styles, W, is_on, value_of
from kbserver.ingest.formats.office.ordinals import letters, roman
from kbserver.ingest.formats.office.runs import font_of_signs, telling_bullet

_LEVELS = 9
"""Of a list. Source: ECMA-376 part 1, 17.9.6 (lvl)."""
_PLACE = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    start: int = 1
    form: str = "decimal"
    text: str = ""
    style: str = ""
    font: str = ""
    """Of a bullet, if it is one of signs."""
    is_legal: bool = False
    """Whether all numbers in its text are written as decimals."""


@dataclass(slots=True)
class _List:
    """A definition of levels with the counters of all lists made after it."""

    levels: dict[int, _Level] = field(default_factory=dict)
    counters: list[int | None] = field(default_factory=lambda: [None] * _LEVELS)


class Numbering:
    """Counts the numbered paragraphs of a document in their order."""

    def __init__(self, root: Any, styles: Styles) -> None:
        """Read `word/numbering.xml`; without it no paragraph is numbered."""
        self._styles = styles
        self._lists: dict[str, _List] = {}
        self._list_of: dict[str, str] = {}
        self._restarts: dict[str, dict[int, int]] = {}
        if root is None:
            return
        for definition in root.iterfind(f"{W}abstractNum"):
            identity = definition.get(f"{W}abstractNumId", "")
            self._lists[identity] = _read_list(definition)
        for number in root.iterfind(f"{W}num"):
            identity = number.get(f"{W}numId", "")
            self._list_of[identity] = value_of(number.find(f"{W}abstractNumId"))
            self._restarts[identity] = _restarts(number)

    def label(self, paragraph: Any) -> str:
        """Return what Word writes before the next paragraph, "" for bullets or nothing."""
        number, level = self._place(paragraph)
        numbered = self._lists.get(self._list_of.get(number, ""))
        if numbered is None or level not in numbered.levels:
            return ""
        counters = numbered.counters
        restart = self._restarts.get(number, {}).pop(level, None)
        before = counters[level]
        if restart is not None:
            counters[level] = restart
        elif before is None:
            counters[level] = numbered.levels[level].start
        else:
            counters[level] = before + 1
        counters[level + 1 :] = [None] * (_LEVELS - level - 1)
        return _label(numbered, level)

    def _place(self, paragraph: Any) -> tuple[str, int]:
        """Return the id of a paragraph's list, "" if it is in none, and its level."""
        properties = paragraph.find(f"{W}pPr")
        if properties is None:
            return "", 0
        style = value_of(properties.find(f"{W}pStyle"))
        own = properties.find(f"{W}numPr")
        number = value_of(own.find(f"{W}numId")) if own is not None else ""
        level = value_of(own.find(f"{W}ilvl")) if own is not None else ""
        for identity, inherited in self._styles.chain(style):
            given = inherited.number_properties
            if given is None:
                continue
            number = number or value_of(given.find(f"{W}numId"))
            level = level or value_of(given.find(f"{W}ilvl"))
            level = level or self._level_of_style(number, identity)
        if not level.isdecimal() or int(level) >= _LEVELS:
            return number, 0
        return number, int(level)

    def _level_of_style(self, number: str, style: str) -> str:
        numbered = self._lists.get(self._list_of.get(number, ""))
        if numbered is None:
            return ""
        for at, level in numbered.levels.items():
            if level.style == style:
                return str(at)
        return ""


def _read_list(definition: Any) -> _List:
    read = _List()
    for level in definition.iterfind(f"{W}lvl"):
        at = level.get(f"{W}ilvl", "0")
        if not at.isdecimal() or int(at) >= _LEVELS:
            continue
        start = value_of(level.find(f"{W}start"))
        legal = level.find(f"{W}isLgl")
        read.levels[int(at)] = _Level(
            start=int(start) if start.isdecimal() else 1,
            form=value_of(level.find(f"{W}numFmt")) or "decimal",
            text=value_of(level.find(f"{W}lvlText")),
            style=value_of(level.find(f"{W}pStyle")),
            font=_font(level),
            is_legal=legal is not None and is_on(legal),
        )
    return read


def _font(level: Any) -> str:
    fonts = level.find(f"{W}rPr/{W}rFonts")
    if fonts is None:
        return ""
    return font_of_signs(fonts.get(f"{W}ascii", ""))


def _restarts(number: Any) -> dict[int, int]:
    """Return at which number each level of a list begins anew."""
    found: dict[int, int] = {}
    for override in number.iterfind(f"{W}lvlOverride"):
        start = value_of(override.find(f"{W}startOverride"))
        level = override.get(f"{W}ilvl", "")
        if start.isdecimal() and level.isdecimal():
            found[int(level)] = int(start)
    return found


def _label(
    numbered: _List,
    level: int,
) -> str:
    own = numbered.levels[level]
    if own.form == "bullet":
        return telling_bullet(own.text, own.font)
    if own.form == "none":
        return ""

    def number(found: re.Match[str]) -> str:
        at = int(found[1]) - 1
        of = numbered.levels.get(at, own)
        count = numbered.counters[at]
        if count is None:
            count = of.start
        form = "decimal" if own.is_legal else of.form
        return _FORMS.get(form, str)(count)

    return _PLACE.sub(number, own.text).strip()


_FORMS: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda number: f"{number:02}",
    "lowerLetter": letters,
    "upperLetter": lambda number: letters(number).upper(),
    "lowerRoman": roman,
    "upperRoman": lambda number: roman(number).upper(),
    "none": lambda number: "",
}
