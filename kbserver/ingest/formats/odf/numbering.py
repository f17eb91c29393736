"""The numbers before the items of lists and before headings: `2.2`, `(b)`, `Step 3:`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kbserver.ingest.formats.odf.package import FO, STYLE, TEXT, XML_ID, count_of, is_on
from kbserver.ingest.formats.office.ordinals import letters, roman
from kbserver.ingest.formats.office.runs import font_of_signs, telling_bullet

_LEVELS = 10
"""Of a list, and of headings."""
_LARGEST = 1_000_000
_FORMS: dict[str, Callable[[int], str]] = {
    "1": str,
    "a": letters,
    "A": lambda number: letters(number).upper(),
    "i": roman,
    "I": lambda number: roman(number).upper(),
}

Counters = list[int | None]


class Numbering:
    """Counts the items of the lists of a document in their order."""

    def __init__(self, lists: Mapping[str, Any]) -> None:
        """Begin with none.

        Args:
            lists: the styles of lists by name; that of headings is "".
        """
        self._levels = {name: _levels(style) for name, style in lists.items()}
        self._by_id: dict[str, Counters] = {}
        self._last: dict[str, Counters] = {}
        self._headings: Counters = [None] * _LEVELS

    def begin(self, element: Any, style: str) -> Counters:
        """Return the counters of a list that begins: new ones, or those it goes on with."""
        counters: Counters = [None] * _LEVELS
        before = element.get(f"{TEXT}continue-list")
        if before in self._by_id:
            counters = self._by_id[before]
        elif is_on(element.get(f"{TEXT}continue-numbering")):
            counters = self._last.get(style, counters)
        self._by_id[element.get(XML_ID, "")] = counters
        self._last[style] = counters
        return counters

    def label(self, counters: Counters, style: str, depth: int, item: Any) -> str:
        """Count an item and return what stands before it, "" for a bullet.

        Args:
            depth: of the item's list, from 1.
        """
        given = item.get(f"{TEXT}start-value")
        return self._next(counters, style, min(depth, _LEVELS), given)

    def heading(self, heading: Any, level: int) -> str:
        """Count a heading and return what stands before it."""
        if "" not in self._levels or is_on(heading.get(f"{TEXT}is-list-header")):
            return ""
        given = heading.get(f"{TEXT}start-value")
        return self._next(self._headings, "", min(level, _LEVELS), given)

    def _next(
        self, counters: Counters, style: str, level: int, given: str | None
    ) -> str:
        at = level - 1
        levels = self._levels.get(style, {})
        before = counters[at]
        if given is not None and given.isdecimal():
            counters[at] = min(int(given), _LARGEST)
        elif before is None:
            counters[at] = _start(levels.get(level))
        else:
            counters[at] = before + 1
        counters[level:] = [None] * (_LEVELS - level)
        return _label(counters, levels, level)


def _levels(style: Any) -> dict[int, Any]:
    """Return the levels of a list by their number, from 1."""
    return {
        count_of(level.get(f"{TEXT}level"), _LEVELS): level
        for level in style
        if isinstance(level.tag, str) and level.get(f"{TEXT}level")
    }


def _start(level: Any) -> int:
    if level is None:
        return 1
    return count_of(level.get(f"{TEXT}start-value"), _LARGEST)


def _font(level: Any) -> str:
    """Return the font of a bullet if it is one of signs, else ""."""
    properties = level.find(f"{STYLE}text-properties")
    if properties is None:
        return ""
    name = properties.get(f"{STYLE}font-name") or properties.get(f"{FO}font-family")
    return font_of_signs(name or "")


def _label(counters: Counters, levels: Mapping[int, Any], level: int) -> str:
    own = levels.get(level)
    if own is None:
        return ""
    bullet = own.get(f"{TEXT}bullet-char")
    if bullet:
        return telling_bullet(bullet, _font(own))
    if not own.get(f"{STYLE}num-format"):
        return ""
    shown = count_of(own.get(f"{TEXT}display-levels"), level)
    numbers: list[str] = []
    for at in range(level - shown + 1, level + 1):
        of = levels.get(at, own)
        form = of.get(f"{STYLE}num-format")
        if form:
            number = counters[at - 1] or _start(of)
            numbers.append(_FORMS.get(form, str)(number))
    before = own.get(f"{STYLE}num-prefix") or ""
    behind = own.get(f"{STYLE}num-suffix") or ""
    return f"{before}{'.'.join(numbers)}{behind}".strip()
