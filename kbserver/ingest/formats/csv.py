"""CSV and TSV: a FAQ sheet's rows become documents, any other sheet one document of sentences."""

from __future__ import annotations

import csv
import io
from collections import Counter

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.shared.sheet import sheet_documents
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.table import Table

SNIFF_CHARACTERS = 64 * 1024
MAX_CELL_CHARACTERS = (
    1024**2
)  # an answer may be long; a missing quote swallows the rest of the file


def convert(file: SourceFile) -> list[Document]:
    """Return one document for each row of a FAQ sheet, else one document whose rows are sentences.

    Raises:
        DocumentUnreadable: a quote is never closed, or a cell is over a million characters.
    """
    text, notes = file.text()
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.reader(
        io.StringIO(text, newline=""), dialect=_dialect(text, file), strict=False
    )
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as exc:
        raise DocumentUnreadable(file.source, f"line {reader.line_num}: {exc}") from exc
    return sheet_documents(file.source, [(None, Table(rows))], notes=notes)


def _dialect(text: str, file: SourceFile) -> type[csv.Dialect]:
    """The separator that cuts most of the first lines into rows of one width, captions or not; quotes are always
    double quotes.

    `csv.Sniffer` takes a letter for the separator of a one-column file and fails on quoted newlines.
    """

    class Dialect(csv.excel):
        delimiter = "\t" if file.path.suffix.lower() == ".tsv" else ","

    sample = text[:SNIFF_CHARACTERS]
    best = 0.0
    for delimiter in (Dialect.delimiter, ",", ";", "\t", "|"):
        try:
            rows = list(
                csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
            )[:200]
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if row)
        [(usual, count)] = widths.most_common(1) or [(0, 0)]
        score = count / max(1, widths.total())
        if usual > 1 and score > best:
            best, Dialect.delimiter = score, delimiter
    return Dialect
