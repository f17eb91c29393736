"""Which rows of a table name its columns, where the format does not say."""

from __future__ import annotations

import re
from collections.abc import Sequence

HEADER_CHARACTERS = 60
"""A longer cell in the first row is content, not a column's name."""

_MOST_HEADER_ROWS = 3
_YEARS = range(1900, 2101)
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_NUMBERS = re.compile(r"\d+(?:[.,]\d+)?")
_MARKS = frozenset("x X ✓ ✔ ✗ ✘ - – — ➖ − ● ○ • ☐ ☑ ☒ ✅ ❌".split())
_MEASURE = re.compile(r"\d\s?(?:[^\W\d_]{1,3}[²³]?|°[CF]?|:\d\d)$")
"""A number with a unit, or a time; no price."""
# A number with the sign of a currency, a percent, a date, a time or a unit.
_VALUE = re.compile(
    r"""[~≈<>≤≥±(+−–-]{0,3}\s?
    (?:[$€£¥₹]|[A-Z]{3}\b|kr\.?|Fr\.?)?\s?[-−]?
    \d[\d.,'\u00a0\u202f\ /:–-]*
    [⁰¹²³⁴-⁹*)]{0,3}\s?
    (?:%|[$€£¥₹¢]|[A-Z]{3}\b|kr\.?|zł|[AaPp]\.?[Mm]\.?|°[CF]?
      |(?:[kcm]?m|k?g|lb|oz|m?l|k?W|kWh|h|min|s|GB|MB|TB)(?:[²³]|\b))?
    [⁰¹²³⁴-⁹*)]{0,3}""",
    re.VERBOSE,
)
_UNIT = re.compile(
    r"""[(\[]?\s*(?:%|[$€£¥₹°]|°[CF]|[A-Z]{3}|kr|zł
    |[µmckdM]?m[²³23]?|[mk]?g|t|lbs?|oz|st|[mcd]?l|gal|ft[²³]?|in|yd|mi|"|'
    |[hs]|min|ms|hrs?|hours?|days?|weeks?|months?|years?|minutes?|seconds?
    |[mkM]?W|kWh|MWh|[mk]?V|m?A|[kMG]?Hz|[kMGT]B|[kMG]bit/s|Mbps|kcal|kJ|bar|hPa|psi
    |pcs?|pieces?|units?|people|persons?|metres?|meters?|litres?|liters?
    |kilos?|kilograms?|grams?)\s*[)\]]?""",
    re.VERBOSE,
)


def is_value(cell: str) -> bool:
    """Return whether a cell is a number, price, share, date or time, nothing more."""
    text = cell.strip()
    return len(text) <= HEADER_CHARACTERS and _VALUE.fullmatch(text) is not None


def is_unit(cell: str) -> bool:
    """Return whether a cell is only a unit: `kg`, `(m)`, `€`."""
    return _UNIT.fullmatch(cell.strip()) is not None


def is_year(cell: str) -> bool:
    """Return whether a cell is only a year of our time."""
    text = cell.strip()
    return len(text) == 4 and text.isdecimal() and int(text) in _YEARS


def header_height(
    rows: Sequence[Sequence[str]],
    known: int | None = None,
) -> int:
    """Return how many rows at the top name the columns, 0 if none does.

    Args:
        rows: cells without blank rows.
        known: how many the format names; the row below one that names groups of columns
            is a header, too.
    """
    if known != 1 and known is not None:
        return known
    if len(rows) < 2:
        return known or 0
    height = _group_rows(rows)
    if height:
        return height
    return known or int(_names_columns(rows))


def with_groups(
    row: Sequence[str],
    below: Sequence[str],
) -> list[str]:
    """Write the name of each group above every column of it that the row below names."""
    cells = _padded(row, len(below))
    names = _padded(below, len(cells))
    for at in range(1, len(cells)):
        if not cells[at] and names[at] and names[at - 1]:
            cells[at] = cells[at - 1]
    return cells


def _group_rows(rows: Sequence[Sequence[str]]) -> int:
    """Return how many rows name columns together, 0 unless they are two or three.

    The rows above the last name groups of columns: one name stands above several
    columns that the next row tells apart.
    """
    height = 0
    while height < min(_MOST_HEADER_ROWS - 1, len(rows) - 2):
        if not _has_groups(rows[height], rows[height + 1]):
            break
        height += 1
    if height and _has_values(rows[height + 1 :]):
        return height + 1
    return 0


def _has_groups(
    row: Sequence[str],
    below: Sequence[str],
) -> bool:
    """Return whether a row names groups of the columns that the row below names."""
    if not ((_is_text(row) or _is_years(row)) and _is_text(below)):
        return False
    cells = with_groups(row, below)
    names = _padded(below, len(cells))
    if len({cell for cell in cells if cell}) < 2:
        return False
    pairs = [pair for pair in zip(cells, names, strict=True) if all(pair)]
    groups = {cell for cell, _ in pairs}
    return len(groups) < len(pairs) == len(set(pairs))


def _names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names columns.

    It does if it is text above columns of values, or short, without digits and all
    different, or a row of years or of names that differ in a number only.
    """
    first, *below = ([cell.strip() for cell in row] for row in rows)
    filled = [cell for cell in first if cell]
    width = max(map(len, below))
    if len(first) < 2 or len(filled) * 2 < max(width, 2):
        return False
    if any(len(cell) > HEADER_CHARACTERS for cell in filled):
        return False
    if len(filled) > 1 and len(set(filled)) == 1:
        return False  # a merged cell, which names the rows below it
    if _is_series(first, below):
        return True
    if any(is_value(cell) for cell in filled):
        return False
    if _stands_above_values(first, below):
        return True
    if not all(first[1:]) or len(set(first)) < len(first):
        return False
    return not any(map(_DIGIT.search, first)) and not _comes_again(first, below)


def _stands_above_values(
    first: Sequence[str],
    below: Sequence[list[str]],
) -> bool:
    """Return whether most cells of a column are values and its first is none."""
    columns: list[list[str]] = [[] for _ in range(max(map(len, below)))]
    for row in below:
        for column, cell in zip(columns, row, strict=False):
            if cell:
                column.append(cell)
    return any(
        cell and cell not in _MARKS and sum(map(is_value, column)) * 2 > len(column)
        for cell, column in zip(first[1:], columns[1:], strict=False)
    )


def _is_series(
    first: Sequence[str],
    below: Sequence[list[str]],
) -> bool:
    """Return whether the names are years, or the same but for a number."""
    names = [cell for cell in first[1:] if cell]
    if len(names) < 2 or len(set(names)) < len(names) or is_value(first[0]):
        return False
    shapes = {_DIGITS.sub("0", name) for name in names}
    if len(shapes) > 1 or not all(map(_DIGIT.search, names)):
        return False
    body = [cell for row in below for cell in row[1:] if cell]
    if all(map(is_year, names)):
        return not all(map(is_year, body))
    if is_value(names[0]):
        return _are_sizes(names, body)
    return not any(_DIGITS.sub("0", cell) in shapes for cell in body)


def _are_sizes(
    names: Sequence[str],
    body: Sequence[str],
) -> bool:
    """Return whether the names are one measure, `1 kg`, `5 kg`, of what is no measure."""
    shapes = {_NUMBERS.sub("0", name) for name in names}
    if len(shapes) > 1 or not _MEASURE.search(names[0]):
        return False
    if any(_NUMBERS.sub("0", cell) in shapes for cell in body):
        return False
    return sum(map(is_value, body)) * 2 > len(body)


def _comes_again(
    first: Sequence[str],
    below: Sequence[list[str]],
) -> bool:
    """Return whether each name comes again in its column: `closed` does, `Price` not."""
    missing = dict(enumerate(first))
    del missing[0]
    for row in below:
        for at, cell in enumerate(row):
            if missing.get(at) == cell:
                del missing[at]
    return not missing


def _is_text(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell.strip()]
    return bool(filled) and not any(
        is_value(cell) or cell.strip() in _MARKS or len(cell) > HEADER_CHARACTERS
        for cell in filled
    )


def _is_years(row: Sequence[str]) -> bool:
    """Return whether the cells behind the first are years, two at least."""
    filled = [cell for cell in row[1:] if cell.strip()]
    return len(filled) > 1 and all(map(is_year, filled))


def _has_values(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the rows below a header hold values or marks at all."""
    return any(
        is_value(cell) or cell.strip() in _MARKS for row in rows for cell in row[1:]
    )


def _padded(
    row: Sequence[str],
    width: int,
) -> list[str]:
    cells = [cell.strip() for cell in row]
    return cells + [""] * (width - len(cells))
