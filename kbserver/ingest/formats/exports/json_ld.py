"""JSON-LD in a page: what its owner tells search engines, and its text does not say.

Answers and plain facts of a business are read; a price may be an old one, so that it and
everything else is only named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from lxml.html import HtmlElement

from kbserver.ingest.blocks import Block
from kbserver.ingest.cells import cells, truth
from kbserver.ingest.formats.exports.record import find_records
from kbserver.types import Cells

_ADDRESS = ("streetAddress", "postalCode", "addressLocality", "addressRegion")
_NAMED_ONLY = ("offers", "price", "priceRange", "aggregateRating", "review")
_DAYS = Cells().weekdays
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_MOST_DEEP = 20
_MOST_NAMED = 6


def json_ld_in(root: HtmlElement) -> list[object]:
    """Return what the JSON-LD of a page holds; a script that is no JSON says nothing."""
    found: list[object] = []
    for script in root.iter("script"):
        kind = (script.get("type") or "").split(";")[0].strip().lower()
        if kind == "application/ld+json":
            try:
                found.append(json.loads(script.text or ""))
            except (ValueError, RecursionError):
                continue
    return found


def json_ld_blocks(
    found: Iterable[object], seen: str
) -> tuple[list[Block], tuple[str, ...]]:
    """Return what a page's JSON-LD adds to its text, and notes on it.

    Args:
        found: by `json_ld_in`.
        seen: the text of the page; what stands there already is not said again.
    """
    if not found:
        return [], ()
    blocks: list[Block] = []
    added: list[str] = []
    left: list[str] = []
    known = _words(seen)
    for data in found:
        for record in find_records(data).records:
            for question in record.questions[:1]:
                answer = _plain(record.answer)
                if _words(answer) not in known:
                    blocks += (Block("heading", question, 6), Block("record", answer))
                    blocks.append(Block("heading", "", 6))
                    added.append("an answer")
        for name, value in _properties(data, 0):
            text = _said(name, value)
            if name in _NAMED_ONLY:
                left.append(name)
            elif text and _words(text) not in known:
                blocks.append(Block("record", f"{cells().facts[name]}: {text}."))
                added.append(name)
    notes: list[str] = []
    if added:
        notes.append(f"read from JSON-LD, not in the page's text: {_list(added)}")
    if left:
        notes.append(f"left out of the JSON-LD: {_list(left)}; write it in the page")
    return list(dict.fromkeys(blocks)), tuple(notes)


def _properties(data: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield the properties that are said or named, wherever they stand."""
    if depth > _MOST_DEEP:
        return
    if isinstance(data, list):
        for one in data:
            yield from _properties(one, depth + 1)
    if isinstance(data, Mapping):
        for name, value in data.items():
            if name in cells().facts or name in _NAMED_ONLY:
                yield name, value
            elif isinstance(value, Mapping | list):
                yield from _properties(value, depth + 1)


def _said(name: str, value: object) -> str:
    """Return the value of a property as words; "" if it is none that is said."""
    if name == "address" and isinstance(value, Mapping):
        parts = [value.get(part) for part in _ADDRESS]
        return ", ".join(str(part) for part in parts if isinstance(part, str | int))
    if name.endswith("HoursSpecification") and isinstance(value, Mapping):
        return _hours(value)
    if isinstance(value, list):
        return ", ".join(filter(None, (_said(name, one) for one in value)))
    if isinstance(value, bool):
        return truth(value)
    if isinstance(value, str | int | float):
        return _plain(str(value)).rstrip(".")
    return ""


def _hours(value: Mapping[str, object]) -> str:
    """Return when a place is open: `Saturday and Sunday 10:00 to 16:00`.

    The dates from and to which that holds stand before it, or behind its days in brackets.
    """
    days = value.get("dayOfWeek") or ()
    if not isinstance(days, list | tuple):
        days = (days,)
    names = [_day(day.rpartition("/")[2]) for day in days if isinstance(day, str)]
    said = cells().joint.join(names)
    ends = (value.get("validFrom"), value.get("validThrough"))
    dates = " – ".join(dict.fromkeys(end[:10] for end in ends if isinstance(end, str)))
    if dates:
        said = f"{said} ({dates})" if said else dates
    opens, closes = value.get("opens"), value.get("closes")
    if not said or not isinstance(opens, str) or not isinstance(closes, str):
        return ""
    form = cells().hours
    if opens[:5] == closes[:5]:
        form = cells().closed
    return form.format(days=said, opens=opens[:5], closes=closes[:5])


def _day(name: str) -> str:
    """Return a day of schema.org, `Monday`, in the language; another name as it is."""
    days = cells().weekdays
    if name in _DAYS and days:
        return days[_DAYS.index(name)]
    return name


def _plain(text: str) -> str:
    """Return a text without the tags that may stand in it."""
    if "<" not in text:
        return " ".join(text.split())
    from_tags: list[str] = []
    for part in text.split("<"):
        _, _, rest = part.rpartition(">")
        from_tags.append(rest)
    return " ".join(" ".join(from_tags).split())


def _words(text: str) -> str:
    return _BETWEEN_WORDS.sub(" ", text.lower()).strip()


def _list(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = ", …" if len(unique) > _MOST_NAMED else ""
    return ", ".join(unique[:_MOST_NAMED]) + more
