"""Charts of Office files: the numbers they draw, by category. Pure.

A chart keeps what it draws beside the sheet that it comes from, with the number formats.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.number_format import (
    is_moment,
    plain_number,
    shown_moment,
    shown_number,
)

MAX_POINTS = 2_000
"""Of one series; more are a curve, whose points say nothing."""

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DAY_0 = dt.datetime(1899, 12, 30)
_LEAST_DAY, _MOST_DAY = 1, 2_958_465


def chart_blocks(space: Any) -> list[Block]:
    """Return a row for each category, `January: Snow depth in cm 85; Visitors 300`.

    Args:
        space: the `c:chartSpace` element of lxml.

    Returns:
        [] if it draws nothing that can be read.
    """
    columns: list[tuple[str, dict[int, str]]] = []
    labels: dict[int, str] = {}
    for series in space.iter(f"{_C}ser"):
        values = _points(_first(series, "val", "yVal"))
        for at, text in _points(_first(series, "cat", "xVal")).items():
            labels.setdefault(at, text)
        name = " ".join(_points(series.find(f"{_C}tx")).values())
        columns.append((name, values))
    title = _words(space.find(f"{_C}chart/{_C}title"))
    return drawn_blocks(columns, labels, title, axis=_axis_title(space))


def drawn_blocks(
    columns: Sequence[tuple[str, Mapping[int, str]]],
    labels: Mapping[int, str],
    title: str,
    *,
    axis: str = "",
) -> list[Block]:
    """Return a row for each category of a chart.

    Args:
        columns: name and shown values of each series, by the place of their category.
        labels: of the categories, by their place.
        axis: what categories are that are numbers.
    """
    blocks: list[Block] = []
    for at in sorted({at for _, values in columns for at in values}):
        drawn = [
            f"{name} {values[at]}".strip() for name, values in columns if at in values
        ]
        label = labels.get(at, str(at + 1))
        if label.isdecimal() and axis:
            label = f"{axis} {label}"
        text = f"{label}: {'; '.join(drawn)}."
        blocks.append(Block("table_row", text, lead_in=title))
    return blocks


def _first(series: Any, *names: str) -> Any:
    """Return the first of some children that is there, or None."""
    for name in names:
        child = series.find(f"{_C}{name}")
        if child is not None:
            return child
    return None


def _points(source: Any) -> dict[int, str]:
    """Return the texts that a part of a chart draws, by their place; {} without one."""
    if source is None:
        return {}
    levels = [_cached(level) for level in source.iter(f"{_C}lvl")]
    if levels:
        return _joined(levels)
    for kind in ("strCache", "numCache", "strLit", "numLit"):
        cache = next(source.iter(f"{_C}{kind}"), None)
        if cache is not None:
            return _cached(cache)
    value = source.findtext(f"{_C}v")
    if value:
        return {0: " ".join(value.split())}
    return {}


def _cached(cache: Any) -> dict[int, str]:
    code = cache.findtext(f"{_C}formatCode") or "General"
    texts: dict[int, str] = {}
    for point in cache.iterfind(f"{_C}pt"):
        at = point.get("idx", "")
        text = " ".join((point.findtext(f"{_C}v") or "").split())
        if not at.isdecimal() or not text or len(texts) == MAX_POINTS:
            continue
        if cache.tag.startswith(f"{_C}num"):
            text = _shown(text, point.get("formatCode", code))
        texts[int(at)] = text
    return texts


def _shown(text: str, code: str) -> str:
    """Return a number as the chart shows it."""
    try:
        value = float(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    if is_moment(code) and _LEAST_DAY <= value <= _MOST_DAY:
        moment = _DAY_0 + dt.timedelta(days=value)
        return shown_moment(moment, value, code) or moment.date().isoformat()
    return shown_number(value, code) or plain_number(value)


def _joined(levels: list[dict[int, str]]) -> dict[int, str]:
    """Return labels of several levels as one: the outer ones first.

    Args:
        levels: the innermost first; an outer label holds until the next one.
    """
    joined: dict[int, str] = {}
    for at in sorted(levels[0]):
        texts = [levels[0][at]]
        for outer in levels[1:]:
            above = [place for place in outer if place <= at]
            if above:
                texts.insert(0, outer[max(above)])
        joined[at] = " ".join(texts)
    return joined


def _axis_title(space: Any) -> str:
    for kind in ("catAx", "dateAx"):
        axis = next(space.iter(f"{_C}{kind}"), None)
        if axis is not None:
            return _words(axis.find(f"{_C}title"))
    return ""


def _words(title: Any) -> str:
    if title is None:
        return ""
    return " ".join("".join(title.itertext(f"{_A}t")).split())
