"""Charts of OpenDocument: the numbers they draw, with the formats that they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.odf.number_style import code_of
from kbserver.ingest.formats.odf.package import CHART, OFFICE, TABLE, TEXT
from kbserver.ingest.formats.odf.styles import Styles
from kbserver.ingest.formats.shared.chart import drawn_blocks
from kbserver.ingest.formats.shared.number_format import (
    is_moment,
    plain_number,
    shown_number,
)

MAX_POINTS = 2_000
"""More are a curve, whose points say nothing."""


def chart_blocks(root: Any) -> list[Block]:
    """Return a row for each category that a chart draws; [] if that cannot be told.

    Args:
        root: of the chart's own document, or None.
    """
    if root is None:
        return []
    chart = root.find(f".//{CHART}chart")
    if chart is None:
        return []
    table = chart.find(f"{TABLE}table")
    if table is None:
        return []
    codes = _codes(chart, Styles(root))
    rows = [
        list(row.iterchildren(f"{TABLE}table-cell"))
        for row in table.iter(f"{TABLE}table-row")
    ]
    if codes is None or not 1 < len(rows) <= MAX_POINTS:
        return []
    names, *points = rows
    columns = [
        (_words(name), _values(points, column, codes))
        for column, name in enumerate(names[1:], start=1)
    ]
    labels = {at: _words(cells[0]) for at, cells in enumerate(points) if cells}
    return drawn_blocks(columns, labels, _words(chart.find(f"{CHART}title")))


def _codes(chart: Any, styles: Styles) -> list[str] | None:
    """Return the format code of each series, "" for none; None if one is not known."""
    axes = {
        axis.get(f"{CHART}dimension"): axis.get(f"{CHART}style-name")
        for axis in chart.iter(f"{CHART}axis")
    }
    codes: list[str] = []
    for series in chart.iter(f"{CHART}series"):
        own = styles.data_style(series.get(f"{CHART}style-name"), "chart")
        name = own or styles.data_style(axes.get("y"), "chart")
        code: str | None = ""
        if name in styles.numbers:
            code = code_of(styles.numbers[name], styles.numbers)
        if code is None or is_moment(code):
            return None
        codes.append(code)
    return codes


def _values(
    points: Sequence[Sequence[Any]], column: int, codes: Sequence[str]
) -> dict[int, str]:
    """Return what a series draws, by the place of its category."""
    code = codes[column - 1] if column <= len(codes) else ""
    texts = {
        at: _cell(cells[column], code)
        for at, cells in enumerate(points)
        if column < len(cells)
    }
    return {at: text for at, text in texts.items() if text}


def _cell(cell: Any, code: str) -> str:
    """Return a cell as the chart shows it; a gap in a curve is no cell."""
    try:
        number = float(cell.get(f"{OFFICE}value", ""))
    except ValueError:
        return _words(cell)
    if not math.isfinite(number):
        return ""
    if not code:
        return plain_number(number)
    return shown_number(number, code) or plain_number(number)


def _words(element: Any) -> str:
    if element is None:
        return ""
    texts = ("".join(one.itertext()) for one in element.iter(f"{TEXT}p"))
    return " ".join(" ".join(texts).split())
