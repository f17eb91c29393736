"""Sheets to documents: what CSV files and spreadsheets have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.table import (
    Table,
    column_key,
    question_and_answer,
    split_caption,
    split_header,
    table_blocks,
)
from kbserver.ingest.formats.text import prose_blocks

RECORD_ID_CHARACTERS = 64

_NO_NAME = re.compile(
    r"^(?:sheet|tabelle|feuil|hoja|foglio|blad)\s*\d+$", re.IGNORECASE
)
_ID_COLUMNS = frozenset(("id", "_id", "key", "slug"))
_PHRASING_COLUMNS = frozenset(
    ("questions", "alternatives", "phrasings", "variants", "also_asked_as")
)


def sheet_documents(
    source: str,
    sheets: Sequence[tuple[str | None, Table]],
    *,
    notes: tuple[str, ...] = (),
) -> list[Document]:
    """Return the documents of a file's sheets: one for each question of a FAQ sheet, one for all the others.

    Args:
        source: the file's.
        sheets: name (None where the format has none) and cells of each.
        notes: what was noticed so far.
    """
    documents: list[Document] = []
    blocks: list[Block] = []
    for name, cells in sheets:
        table = split_caption(cells)
        if _is_faq(table):
            names, rows = split_header(Table(table.rows, 1))
            documents.extend(_questions(source, names, rows, notes))
            continue
        if name and not _NO_NAME.match(name):
            blocks.append(Block("heading", name, level=2))
        if table.caption:
            blocks.append(Block("paragraph", table.caption))
        blocks.extend(table_blocks(table))
    if blocks:
        documents.append(Document(source, title_from(source), tuple(blocks), {}, notes))
    return documents


def record_id(text: str, taken: set[str]) -> str:
    """Make a name for a record that stays the same when others come and go: its words, and a number if taken."""
    words = (
        re.sub(r"[^\w]+", "-", text.lower())
        .strip("-")[:RECORD_ID_CHARACTERS]
        .rstrip("-")
        or "record"
    )
    name, number = words, 1
    while name in taken:
        number += 1
        name = f"{words}-{number}"
    taken.add(name)
    return name


def _is_faq(table: Table) -> bool:
    return bool(table.rows) and question_and_answer(table.rows[0]) is not None


def _questions(
    source: str,
    names: Sequence[str],
    rows: Iterable[Sequence[str]],
    notes: tuple[str, ...],
) -> Iterable[Document]:
    columns = question_and_answer(names)
    if columns is None:
        return
    question_at, answer_at = columns
    keys = [column_key(name) for name in names]
    taken: set[str] = set()
    for row in rows:
        cells = [*(cell.strip() for cell in row), *[""] * (len(names) - len(row))]
        question, answer = " ".join(cells[question_at].split()), cells[answer_at]
        if not answer:
            continue
        given: dict[str, object] = {
            key: cell
            for at, (key, cell) in enumerate(zip(keys, cells, strict=False))
            if key and at not in columns and key != "title"
        }
        for key in _PHRASING_COLUMNS & given.keys():
            given["questions"] = [
                part.strip()
                for part in re.split(r"[|;\n]", str(given.pop(key)))
                if part.strip()
            ]
        named = next((str(given[key]) for key in _ID_COLUMNS if given.get(key)), "")
        record = record_id(named or question or answer, taken)
        yield Document(
            f"{source}#{record}",
            question,
            answer_blocks(answer),
            normalise(f"{source}#{record}", given),
            notes,
        )


def answer_blocks(answer: str) -> tuple[Block, ...]:
    """One block for a plain answer, so that it stays in one piece; its structure where it has one."""
    blocks = prose_blocks(answer)
    if all(block.kind == "paragraph" for block in blocks):
        return (
            (Block("record", "\n".join(block.text for block in blocks)),)
            if blocks
            else ()
        )
    return tuple(blocks)
