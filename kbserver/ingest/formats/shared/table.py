"""Rows of cells to sentences: what CSV, spreadsheets, slides and HTML tables share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kbserver.ingest.blocks import Block

HEADER_CHARACTERS = 60
"""A longer cell in the first row is content, not a column's name."""

_QUESTION_COLUMNS = frozenset(
    "question questions q faq frage fragen pregunta prompt sample_question".split()
)
_ANSWER_COLUMNS = frozenset(
    "answer answers a response reply antwort antworten respuesta reponse réponse".split()
)
_DIGIT = re.compile(r"\d")


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
    only a header gives that row's text, so that none of its words is lost.
    """
    names, rows = split_header(table)
    if not rows:
        rows, names = [names], []
    sentences = (row_sentence(names, row) for row in rows)
    return [
        Block("table_row", sentence, lead_in=table.caption)
        for sentence in sentences
        if sentence
    ]


def split_caption(table: Table) -> Table:
    """Make a single cell above the columns (`Prices from May`) the table's caption."""
    rows = _filled_rows(table.rows)
    has_columns = any(_filled_cells(row) != 1 for row in rows)
    captions = [table.caption] if table.caption else []
    above = 0
    while has_columns and above < len(rows) - 1 and _filled_cells(rows[above]) == 1:
        captions.append(" ".join(" ".join(rows[above]).split()))
        above += 1
    return Table(rows[above:], table.header_rows, "\n".join(captions))


def split_header(table: Table) -> tuple[list[str], list[Sequence[str]]]:
    """Return the column names ([] if the table has none) and the rows below them."""
    rows = _filled_rows(table.rows)
    header_rows = table.header_rows
    if header_rows is None:
        header_rows = int(_looks_like_header(rows))
    if not header_rows or not rows:
        return [], rows
    # in order and each once, by column
    parts: list[dict[str, None]] = [{} for _ in range(max(map(len, rows)))]
    for row in rows[:header_rows]:
        for column, cell in enumerate(row):
            if cell.strip():
                parts[column][cell.strip()] = None
    names = [" ".join(column) for column in parts]
    return names, rows[header_rows:]


def row_sentence(names: Sequence[str], row: Sequence[str]) -> str:
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
    if text.endswith((".", "!", "?")):
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
    return sum(bool(cell.strip()) for cell in row)


def _looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row names columns: short, no digits, all different."""
    if len(rows) < 2:
        return False
    first = [cell.strip() for cell in rows[0]]
    if len(first) < 2 or not all(first[1:]) or len(set(first)) < len(first):
        return False
    return all(
        len(cell) <= HEADER_CHARACTERS and not _DIGIT.search(cell) for cell in first
    )


def _named_cells(names: Sequence[str], cells: Sequence[str]) -> str:
    """Return `name: cell` pairs; a merged cell comes once, not once a column."""
    pairs: dict[tuple[str, str], str] = {}
    for column, cell in enumerate(cells):
        name = ""
        if column < len(names):
            name = names[column].rstrip(":")
        if name and cell:
            pairs[name, cell] = f"{name}: {cell}"
        elif cell:
            pairs[name, cell] = cell
    return "; ".join(pairs.values())


def _place_of(wanted: frozenset[str], keys: Sequence[str]) -> int | None:
    return next((at for at, key in enumerate(keys) if key in wanted), None)
