"""CSV and TSV: a FAQ sheet's rows become documents, any other sheet is one document."""

from __future__ import annotations

import csv
import io
from collections import Counter

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.exports import notion
from kbserver.ingest.formats.shared.sheet import sheet_documents
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table

SNIFF_CHARACTERS = 64 * 1024
SNIFF_ROWS = 200
MAX_CELL_CHARACTERS = 1024**2
"""An answer may be long; a missing quote swallows the rest of the file."""


def convert(file: SourceFile) -> list[Document]:
    """Return one document for each row of a FAQ sheet, else one of sentences.

    Raises:
        DocumentUnreadable: a quote is never closed, a cell is over a million
            characters, or the file is a copy.
    """
    notion.refuse_copy(file)
    text, notes = file.text()
    if notion.is_notion(file):
        text = notion.without_links(text)
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    usual = ","
    if file.path.suffix.lower() == ".tsv":
        usual = "\t"
    delimiter = _delimiter(text[:SNIFF_CHARACTERS], usual)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as exc:
        raise DocumentUnreadable(file.source, f"line {reader.line_num}: {exc}") from exc
    return sheet_documents(file.source, [(None, Table(rows))], notes=notes)


def _delimiter(sample: str, usual: str) -> str:
    """Return the delimiter that cuts most of the first rows into the same width.

    `csv.Sniffer` takes a letter for the delimiter of a one-column file and fails on
    quoted newlines.

    Args:
        usual: wins a tie, and if no delimiter cuts a row.
    """
    best = usual
    best_share = 0.0
    for delimiter in dict.fromkeys((usual, ",", ";", "\t", "|")):
        share = _share_of_one_width(sample, delimiter)
        if share > best_share:
            best, best_share = delimiter, share
    return best


def _share_of_one_width(sample: str, delimiter: str) -> float:
    """Return the share of rows that have the most usual width; 0.0 if that is one."""
    try:
        rows = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
    except csv.Error:
        return 0.0
    widths = Counter(len(row) for row in rows[:SNIFF_ROWS] if row)
    if not widths:
        return 0.0
    [(usual_width, count)] = widths.most_common(1)
    if usual_width < 2:
        return 0.0
    return count / widths.total()
