"""Rows of cells to sentences: the part that CSV, spreadsheets, slides and HTML tables share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kbserver.ingest.blocks import Block

HEADER_CHARACTERS = 60  # a longer cell in the first row is content, not a column's name

_QUESTION_COLUMNS = frozenset(
    "question questions q faq frage fragen pregunta prompt sample_question".split()
)
_ANSWER_COLUMNS = frozenset(
    "answer answers a response reply antwort antworten respuesta reponse réponse".split()
)
_NUMBER = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by row, header rows first."""

    rows: Sequence[Sequence[str]]
    header_rows: int | None = None
    """None where the format does not say."""
    caption: str = ""
    """What the rows cannot be understood without; it becomes their lead-in."""


def table_blocks(table: Table) -> list[Block]:
    """Return one sentence-like block for each row: `Plan: Fibre 100; Price: $30 a month.`

    Without a header the first cell names its row: `Monday: 9 to 5.` A table that is nothing but a header
    comes back as that row's text, so that none of its words is lost.
    """
    names, rows = split_header(table)
    if not rows:
        rows, names = [names], []
    sentences = (row_sentence(names, row) for row in rows)
    return [
        Block("table_row", text, lead_in=table.caption) for text in sentences if text
    ]


def split_caption(table: Table) -> Table:
    """Take what stands in a single cell above the columns (`Prices from May`) for the table's caption."""
    rows = [row for row in table.rows if any(cell.strip() for cell in row)]
    above = []
    while len(rows) > 1 and sum(bool(cell.strip()) for cell in rows[0]) == 1:
        if all(sum(bool(cell.strip()) for cell in row) == 1 for row in rows):
            break  # one column only
        above.append(" ".join(" ".join(rows[0]).split()))
        rows = rows[1:]
    return Table(
        rows, table.header_rows, "\n".join([*filter(None, [table.caption]), *above])
    )


def split_header(table: Table) -> tuple[list[str], list[Sequence[str]]]:
    """Return the column names ([] if the table has none) and the rows below them."""
    rows = [row for row in table.rows if any(cell.strip() for cell in row)]
    header_rows = table.header_rows
    if header_rows is None:
        header_rows = 1 if _looks_like_header(rows) else 0
    if not header_rows:
        return [], rows
    width = max(len(row) for row in rows)
    names = []
    for column in range(width):
        parts = [row[column].strip() for row in rows[:header_rows] if column < len(row)]
        names.append(" ".join(dict.fromkeys(part for part in parts if part)))
    return names, rows[header_rows:]


def _looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: short, without figures, no two cells the same."""
    if len(rows) < 2:
        return False
    first = [cell.strip() for cell in rows[0]]
    if len(first) < 2 or not all(first[1:]) or len(set(first)) < len(first):
        return False
    return all(
        len(cell) <= HEADER_CHARACTERS and not _NUMBER.search(cell) for cell in first
    )


def row_sentence(names: Sequence[str], row: Sequence[str]) -> str:
    """Join one row into a sentence; empty cells are left out, "" if all are."""
    cells = [" ".join(cell.split()) for cell in row]
    if not any(cells):
        return ""
    if not names:
        filled = [cell for cell in cells if cell]
        text = filled[0].rstrip(":") + (
            ": " + "; ".join(filled[1:]) if len(filled) > 1 else ""
        )
    else:
        parts = []
        said: set[tuple[str, str]] = set()
        for column, cell in enumerate(cells):
            name = names[column].rstrip(":") if column < len(names) else ""
            if (
                cell and (name, cell) not in said
            ):  # a merged cell comes once for each column it covers
                said.add((name, cell))
                parts.append(f"{name}: {cell}" if name else cell)
        text = "; ".join(parts)
    return text if text.endswith((".", "!", "?")) else text + "."


def column_key(name: str) -> str:
    """Return a column's name as a metadata key: `Valid until` gives `valid_until`."""
    return re.sub(r"[^\w]+", "_", name.strip().lower()).strip("_")


def question_and_answer(names: Sequence[str]) -> tuple[int, int] | None:
    """Return the places of the question and the answer column, or None if this is no FAQ sheet."""
    keys = [column_key(name) for name in names]
    question = next(
        (at for at, key in enumerate(keys) if key in _QUESTION_COLUMNS), None
    )
    answer = next((at for at, key in enumerate(keys) if key in _ANSWER_COLUMNS), None)
    return (question, answer) if question is not None and answer is not None else None
