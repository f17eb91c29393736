"""Rows of cells to sentences: what CSV, spreadsheets, slides and HTML tables share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.footnotes import starred, stars_in, with_starred
from kbserver.ingest.formats.shared.header import (
    header_height,
    is_unit,
    is_value,
    with_groups,
)
from kbserver.ingest.formats.shared.signs import is_sign, spoken_marks

LABEL_CHARACTERS = 60
"""A longer cell alone in its row is a remark, not the name of the rows below it."""

_QUESTION_COLUMNS = frozenset(
    "question questions q faq frage fragen pregunta prompt sample_question".split()
)
_ANSWER_COLUMNS = frozenset(
    "answer answers a response reply antwort antworten respuesta reponse réponse".split()
)
_TOTAL = re.compile(r"(?:sub-?|grand )?total\b|sum\b|gesamt|summe", re.IGNORECASE)
_IN_BRACKETS = re.compile(r"^\(([$€£¥]?\d[\d.,]*(?: ?[$€£¥])?)\)$")
"""An amount that accounts write so because it is below zero."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by row, header rows first."""

    rows: Sequence[Sequence[str]]
    header_rows: int | None = None
    """None where the format does not say."""
    caption: str = ""
    """What the rows cannot be understood without; it becomes their lead-in."""


def table_blocks(table: Table) -> list[Block]:
    """Return one sentence-like block for each row, `Plan: Fibre 100; Price: $30`.

    Without a header the first cell names its row: `Monday: 9 to 5.` A table that is
    only a header gives that row's text, so that none of its words is lost. A row that
    only names the rows below it stands in each of them.
    """
    table = replace(table, rows=_with_footnotes(table.rows))
    return [
        Block("table_row", sentence, lead_in=piece.caption)
        for piece in side_by_side(table)
        for sentence in _sentences(piece)
    ]


def _with_footnotes(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Say `* only at night`, a row of its own, in the cells that have its star."""
    notes: dict[str, str] = {}
    others: list[Sequence[str]] = []
    for row in rows:
        star, text = starred(only_cell(row))
        if star and star not in notes:
            notes[star] = text
        else:
            others.append(row)
    if not notes:
        return rows
    used = {star for row in others for cell in row for star in stars_in(cell)}
    if not used.issuperset(notes):
        return rows
    return [[with_starred(cell, notes) for cell in row] for row in others]


def side_by_side(table: Table) -> list[Table]:
    """Return the tables that stand beside each other.

    A blank column is between them, or the names of the columns come again from the
    first on. A blank column within one table separates nothing: what is at its right
    does not begin with names of its own.
    """
    rows = table.rows
    width = max(map(len, rows), default=0)
    period = _period(rows)
    if period:
        starts = [*range(0, width, period), width]
        return [_part(table, start, end) for start, end in pairwise(starts)]
    filled = [False] * width
    for row in rows:
        if all(filled):
            return [table]
        for at, cell in enumerate(row):
            filled[at] = filled[at] or bool(cell.strip())
    starts = [0]
    for at in range(2, width - 1):
        if filled[at - 1] or not filled[at]:
            continue
        if at - starts[-1] > 2 and _begins_a_table([row[at : at + 2] for row in rows]):
            starts.append(at)
    if len(starts) == 1:
        return [table]
    return [_part(table, start, end) for start, end in pairwise([*starts, width])]


def _part(
    table: Table,
    start: int,
    end: int,
) -> Table:
    """Return some columns of a table as one of its own."""
    return replace(table, rows=_filled_rows([row[start:end] for row in table.rows]))


def _period(rows: Sequence[Sequence[str]]) -> int:
    """Return after how many columns the names come again, 0 if they do not.

    Each time, the first of these columns names its rows.
    """
    if len(rows) < 2:
        return 0
    names = [cell.strip() for cell in rows[0]]
    if len(names) < 4 or names[0] not in names[2:] or not all(names):
        return 0
    period = names.index(names[0], 1)
    times, rest = divmod(len(names), period)
    if period < 2 or rest or names != names[:period] * times:
        return 0
    starts = range(0, len(names), period)
    named = all(_begins_a_table([row[at : at + 2] for row in rows]) for at in starts)
    return period if named else 0


def split_caption(table: Table) -> Table:
    """Make a single cell above the columns (`Prices from May`) the table's caption."""
    rows = _filled_rows(table.rows)
    has_columns = any(not only_cell(row) for row in rows)
    has_columns = has_columns and not _begins_with_a_label(rows)
    captions = [table.caption] if table.caption else []
    above = 0
    while has_columns and above < len(rows) - 1 and only_cell(rows[above]):
        captions.append(" ".join(only_cell(rows[above]).split()))
        above += 1
    return Table(rows[above:], table.header_rows, "\n".join(captions))


def _begins_with_a_label(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names those below it, as others further down do.

    All are merged, short and above rows of values: `Starters`, `Soup | 6`, `Mains`, …
    """
    if not only_cell(rows[0]) or only_cell(rows[1]):
        return False
    singles = [at for at, row in enumerate(rows) if only_cell(row)]
    if len(singles) < 2:
        return False
    merged = all(_filled_cells(rows[at]) > 1 for at in singles)
    return merged and header_height(rows[1:]) == 0


def split_header(table: Table) -> tuple[list[str], list[Sequence[str]]]:
    """Return the column names ([] if the table has none) and the rows below them.

    The cells below a row of units carry them: `31 kg`.
    """
    rows = _filled_rows(table.rows)
    height = header_height(rows, table.header_rows)
    if not height or not rows:
        return [], rows
    header = [list(row) for row in rows[:height]]
    for above, below in pairwise(range(len(header))):
        header[above] = with_groups(header[above], header[below])
    # in order and each once, by column
    parts: list[dict[str, None]] = [{} for _ in range(max(map(len, rows)))]
    for row in header:
        for column, cell in enumerate(row):
            if cell.strip():
                parts[column][cell.strip()] = None
    names = [" ".join(column) for column in parts]
    return names, _with_units(rows[height:])


def row_sentence(
    names: Sequence[str],
    row: Sequence[str],
) -> str:
    """Join one row into a sentence without its empty cells; "" if all are empty."""
    cells = [" ".join(cell.split()) for cell in row]
    if not any(cells):
        return ""
    if names:
        text = _named_cells(names, cells)
    else:
        first, *others = [cell for cell in cells if cell]
        text = first.rstrip(":")
        if others:
            text += f": {'; '.join(others)}"
    if text.endswith((".", "!", "?", "।")):
        return text
    return f"{text}."


def column_key(name: str) -> str:
    """Return a column's name as a metadata key: `Valid until` gives `valid_until`."""
    return re.sub(r"[^\w]+", "_", name.strip().lower()).strip("_")


def question_and_answer(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the places of the question and the answer column; None without both."""
    keys = [column_key(name) for name in names]
    question = _place_of(_QUESTION_COLUMNS, keys)
    answer = _place_of(_ANSWER_COLUMNS, keys)
    if question is None or answer is None:
        return None
    return question, answer


def _filled_rows(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    return [row for row in rows if _filled_cells(row)]


def _filled_cells(row: Sequence[str]) -> int:
    return sum(map(bool, map(str.strip, row)))


def only_cell(row: Sequence[str]) -> str:
    """Return the text of the only cell of a row, merged or not; "" if there are more."""
    first, second = (cell.strip() for cell in (*row[:2], "", "")[:2])
    if first and second and first != second:
        return ""  # true of most rows
    texts = [cell.strip() for cell in row if cell.strip()]
    is_merged = len(texts) > 1 and len(texts) == len(row) and len(set(texts)) == 1
    if len(texts) != 1 and not is_merged:
        return ""
    if is_merged and (is_value(texts[0]) or is_sign(texts[0])):
        return ""
    return texts[0]


def _begins_a_table(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first of two columns names rows, below a name of its own."""
    first = [row[0].strip() for row in rows if row]
    filled = [cell for cell in first[1:] if cell]
    if not first or not first[0] or not filled:
        return False
    if max(sum(map(bool, row)) for row in rows) < 2:
        return False
    return not any(is_value(cell) or is_sign(cell) for cell in filled)


def _with_units(rows: list[Sequence[str]]) -> list[Sequence[str]]:
    """Give each number the unit that the first row has for its column."""
    if len(rows) < 2:
        return rows
    units = [cell.strip() for cell in rows[0]]
    if not any(units[1:]) or not all(is_unit(unit) for unit in units if unit):
        return rows
    columns = [at for at, unit in enumerate(units) if unit]
    if any(map(is_value, units)) or not all(_has_value(rows[1:], at) for at in columns):
        return rows
    units = [unit.strip("()[] ") for unit in units]
    return [
        [_measured(cell, unit) for cell, unit in zip_longest(row, units, fillvalue="")]
        for row in rows[1:]
    ]


def _has_value(
    rows: Sequence[Sequence[str]],
    column: int,
) -> bool:
    return any(column < len(row) and is_value(row[column]) for row in rows)


def _measured(
    cell: str,
    unit: str,
) -> str:
    if not unit or not is_value(cell) or not cell.strip()[-1].isdigit():
        return cell
    if unit in ("$", "£", "¥"):
        return f"{unit}{cell.strip()}"
    return f"{cell.strip()} {unit}"


def _sentences(table: Table) -> Iterator[str]:
    names, rows = split_header(table)
    if not rows:
        rows, names = [names], []
    label = ""
    rows = _filled_down(spoken_marks(names, _with_minus(rows)))
    labels = _labels(rows)
    for at, row in enumerate(rows):
        if at in labels:
            label = f"{' '.join(only_cell(row).split())}; "
        elif sentence := row_sentence(names, row):
            yield label + sentence


def _with_minus(rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Write a negative amount in brackets with its sign: `(250.00)` beside `120.00`."""
    in_brackets = {
        at
        for row in rows
        for at, cell in enumerate(row)
        if cell[:1] == "(" and _IN_BRACKETS.fullmatch(cell)
    }
    signed = [at for at in in_brackets if _has_plain_value(rows, at)]
    if not signed:
        return rows
    written: list[Sequence[str]] = []
    for row in rows:
        cells = list(row)
        for at in signed:
            if at < len(cells):
                cells[at] = _IN_BRACKETS.sub(r"-\1", cells[at])
        written.append(cells)
    return written


def _has_plain_value(rows: Sequence[Sequence[str]], column: int) -> bool:
    cells = (row[column] for row in rows if column < len(row))
    return any(cell[:1] != "(" and is_value(cell) for cell in cells)


def _labels(rows: Sequence[Sequence[str]]) -> set[int]:
    """Return the places of the rows that only name the rows below them.

    A merged cell does. One cell without the others may also be a row with nothing to
    say; it names the rows below only if the first row is such a row, none is last or
    next to another, and of two columns there are two such rows among values.
    """
    width = max(map(len, rows), default=0)
    found: set[int] = set()
    single: set[int] = set()
    for at, row in enumerate(rows[:-1]):
        text = only_cell(row)
        is_name = 0 < len(text) <= LABEL_CHARACTERS and text[-1] not in ".!?;"
        if not is_name or width < 2 or is_value(text) or only_cell(rows[at + 1]):
            continue
        if _filled_cells(row) > 1:
            found.add(at)
        elif row[0].strip():
            single.add(at)
    if 0 not in single or (width < 3 and not _are_sections(rows, single)):
        return found
    alone = {at for at, row in enumerate(rows) if _filled_cells(row) == 1}
    if alone == single:
        found |= single
    return found


def _are_sections(
    rows: Sequence[Sequence[str]],
    single: set[int],
) -> bool:
    """Return whether a list of two columns has names for parts of it, all of values."""
    others = [row for at, row in enumerate(rows) if at not in single]
    return len(single) > 1 and all(len(row) > 1 and is_value(row[1]) for row in others)


def _filled_down(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Write the name of a row into the rows below that have none of their own."""
    filled: list[Sequence[str]] = []
    name = ""
    for row in rows:
        if row and row[0].strip():
            name = row[0]
        elif _goes_on(row[1:], filled):
            row = [name, *row[1:]]
        else:
            name = ""
        filled.append(row)
    return filled


def _goes_on(
    others: Sequence[str],
    above: Sequence[Sequence[str]],
) -> bool:
    """Return whether a row without a name says more about the row above it."""
    if not above or not others or not others[0].strip() or _TOTAL.match(others[0]):
        return False
    return _filled_cells(others) >= _filled_cells(above[-1][1:]) > 0


def _named_cells(
    names: Sequence[str],
    cells: Sequence[str],
) -> str:
    """Return `name: cell` pairs; a merged cell comes once, not once a column."""
    pairs: dict[tuple[str, str], str] = {}
    for name, cell in zip_longest(names, cells, fillvalue=""):
        name = name.rstrip(":")
        if name and cell:
            pairs[name, cell] = f"{name}: {cell}"
        elif cell:
            pairs[name, cell] = cell
    return "; ".join(pairs.values())


def _place_of(
    wanted: frozenset[str],
    keys: Sequence[str],
) -> int | None:
    return next((at for at, key in enumerate(keys) if key in wanted), None)
