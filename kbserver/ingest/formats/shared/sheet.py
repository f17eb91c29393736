"""Sheets to documents: what CSV files and spreadsheets have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, counted, title_from
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.table import (
    Table,
    column_key,
    question_and_answer,
    side_by_side,
    split_caption,
    split_header,
    table_blocks,
)
from kbserver.ingest.formats.shared.visibility import (
    publication_column,
    withheld_because,
    withheld_note,
)
from kbserver.ingest.formats.text import prose_blocks

RECORD_ID_CHARACTERS = 64

_DEFAULT_NAME = re.compile(
    r"^(?:sheet|tabelle|feuil|hoja|foglio|blad)\s*\d+$", re.IGNORECASE
)
"""A sheet's name that a program gave it."""
_ERRORS = frozenset(
    "#N/A #REF! #VALUE! #DIV/0! #NAME? #NUM! #NULL! #SPILL! #CALC! #ERROR!".split()
)
"""What a spreadsheet writes where a formula fails."""
_ID_COLUMNS = ("id", "key", "slug")
_PHRASING_COLUMNS = (
    "questions",
    "alternatives",
    "phrasings",
    "variants",
    "also_asked_as",
)


def sheet_documents(
    source: str,
    sheets: Sequence[tuple[str | None, Table]],
    *,
    notes: tuple[str, ...] = (),
) -> list[Document]:
    """Return the documents of a file's sheets.

    Each question of a FAQ sheet is a document; all other sheets together are one.

    Args:
        source: the file's.
        sheets: name (None where the format has none) and cells of each.
        notes: what was noticed so far.
    """
    documents: list[Document] = []
    blocks: list[Block] = []
    checked = [(name, *_without_errors(cells)) for name, cells in sheets]
    errors = sum(number for _, _, number in checked)
    if errors:
        notes = (*notes, f"left out {counted(errors, 'cell')} with an error (#N/A)")
    for name, cells in _side_by_side(checked):
        table = split_caption(cells)
        if _is_faq(table):
            names, rows = split_header(Table(table.rows, 1))
            withheld: list[str] = []
            found = list(_questions(source, names, rows, withheld))
            if withheld:
                notes = (*notes, withheld_note(withheld))
            documents.extend(replace(one, notes=notes) for one in found)
            continue
        table, withdrawn = _without_withdrawn(table)
        if withdrawn:
            notes = (*notes, withheld_note(withdrawn))
        if name and not _DEFAULT_NAME.match(name):
            blocks.append(Block("heading", name, level=2))
        if table.caption:
            blocks.append(Block("paragraph", table.caption))
        blocks.extend(table_blocks(table))
    if not documents and not blocks and notes and "withheld" in notes[-1]:
        raise DocumentUnreadable(source, notes[-1])
    if blocks:
        documents.append(Document(source, title_from(source), tuple(blocks), {}, notes))
    return documents


def _without_withdrawn(table: Table) -> tuple[Table, list[str]]:
    """Return a table without the rows that say they are no longer, or not yet, in use.

    The column that says so goes with them.

    Returns:
        The table, and what each of those rows is called, with its reason.
    """
    if not table.rows:
        return table, []
    header, *rows = table.rows
    for at, name in enumerate(header):
        values = (row[at].strip() for row in rows if at < len(row))
        withdrawn = publication_column(name, values)
        if not withdrawn:
            continue
        kept: list[Sequence[str]] = [header]
        called: list[str] = []
        for row in rows:
            value = row[at].strip() if at < len(row) else ""
            if value in withdrawn:
                first = next((cell for cell in row if cell.strip()), "")
                called.append(f"{first.strip()} ({name.strip()}: {value})")
            else:
                kept.append(row)
        left = [[*row[:at], *row[at + 1 :]] for row in kept]
        if len(left) == 1:
            left = []
        return replace(table, rows=left), called
    return table, []


def _side_by_side(
    sheets: Iterable[tuple[str | None, Table, int]],
) -> Iterator[tuple[str | None, Table]]:
    """Yield each table by itself; a sheet's name stands above its first only."""
    for name, cells, _ in sheets:
        for table in side_by_side(cells):
            yield name, table
            name = None


def _without_errors(table: Table) -> tuple[Table, int]:
    """Return a table without the cells that say `#REF!`, and their number."""
    errors = 0
    rows: list[Sequence[str]] = []
    for row in table.rows:
        if not _ERRORS.isdisjoint(row):
            errors += sum(cell in _ERRORS for cell in row)
            row = ["" if cell in _ERRORS else cell for cell in row]
        rows.append(row)
    return replace(table, rows=rows), errors


class RecordIds:
    """The ids of a file's records; no two are the same."""

    def __init__(self) -> None:
        """Begin with all ids free."""
        self._taken: set[str] = set()
        # the last number given by the words of an id: counting from 1 for each of many
        # records with the same words would take time with the square of them
        self._numbers: dict[str, int] = {}

    def of(self, text: str) -> str:
        """Make an id for a record that stays the same when others come and go.

        Args:
            text: the id is made of its words, with a number if that id is taken.
        """
        words = re.sub(r"[^\w]+", "-", text.lower()).strip("-")
        words = words[:RECORD_ID_CHARACTERS].rstrip("-") or "record"
        name = words
        while name in self._taken:
            number = self._numbers.get(words, 1) + 1
            self._numbers[words] = number
            name = f"{words}-{number}"
        self._taken.add(name)
        return name

    def own(self, name: str) -> str:
        """Return an id as its author wrote it; a second record of it gets a number."""
        if name in self._taken:
            return self.of(name)
        self._taken.add(name)
        return name


def answer_blocks(answer: str) -> tuple[Block, ...]:
    """Return one block for a plain answer, so that it stays whole; else its structure."""
    blocks = prose_blocks(answer)
    if not blocks or any(block.kind != "paragraph" for block in blocks):
        return tuple(blocks)
    text = "\n".join(block.text for block in blocks)
    return (Block("record", text),)


def _is_faq(table: Table) -> bool:
    return bool(table.rows) and question_and_answer(table.rows[0]) is not None


def _questions(
    source: str,
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    withheld: list[str],
) -> Iterator[Document]:
    """Yield a document for each row of a FAQ sheet that has an answer.

    Args:
        withheld: gets the rows that are not meant for callers.
    """
    columns = question_and_answer(names)
    if columns is None:
        return
    question_at, answer_at = columns
    keys = [column_key(name) for name in names]
    ids = RecordIds()
    for row in rows:
        cells = [cell.strip() for cell in row]
        cells += [""] * (max(columns) + 1 - len(row))
        question = " ".join(cells[question_at].split())
        answer = cells[answer_at]
        if not answer:
            continue
        given: dict[str, object] = {}
        for at, (key, cell) in enumerate(zip(keys, cells, strict=False)):
            if key and key != "title" and at not in columns:
                given[key] = cell
        if reason := withheld_because(given):
            withheld.append(f"{question or answer} ({reason})")
            continue
        if any(key in given for key in _PHRASING_COLUMNS):
            given["questions"] = _phrasings(given)
        named = next((str(given[key]) for key in _ID_COLUMNS if given.get(key)), "")
        record = f"{source}#{ids.of(named or question or answer)}"
        metadata = normalise(record, given)
        yield Document(record, question, answer_blocks(answer), metadata)


def _phrasings(given: dict[str, object]) -> list[str]:
    """Take the columns of extra phrasings out of a row and return what they hold."""
    phrasings: list[str] = []
    for key in _PHRASING_COLUMNS:
        parts = re.split(r"[|;\n]", str(given.pop(key, "")))
        phrasings += [part.strip() for part in parts if part.strip()]
    return phrasings
