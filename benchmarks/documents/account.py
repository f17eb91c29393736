"""Whether an ingest accounts for every page, table and picture of a folder.

Other people's tools count them: `pdfinfo` and `pdfimages` (poppler-utils), python-docx, openpyxl,
python-pptx, Beautiful Soup. A page or table is accounted for if its words are in what is spoken,
or a note of the report names it; a picture, if a note names pictures; a file, also if the report
says why it was skipped.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import docx
import openpyxl
import pptx
from bs4 import BeautifulSoup

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.conversion import Conversion, ConversionLimits, ahead
from kbserver.ingest.walk import FoundFile, walk

_SHARE = 0.8
"""Of the words of a page or table that are spoken: running lines and marks are not."""
_WORD = re.compile(r"[^\W_]+")
_PICTURE = re.compile(r"picture|image|scanned|logo|drawing|diagram", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a reader of a file sees."""

    kind: str
    """`page`, `table` or `picture`."""
    where: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmentioned:
    """What is neither spoken nor named."""

    file: str
    seen: Seen


def account(folder: Path) -> tuple[Counter[tuple[str, str, str]], list[Unmentioned]]:
    """Count what is seen by format, kind and outcome; return what is unmentioned too."""
    files = [found for found in walk([folder]) if isinstance(found, FoundFile)]
    counts: Counter[tuple[str, str, str]] = Counter()
    unmentioned: list[Unmentioned] = []
    with Conversion.of(files, ConversionLimits()) as conversion:
        begun = ((file, conversion.convert(file)) for file in files)
        for file, converted in ahead(begun, itemgetter(0)):
            form = file.path.suffix.removeprefix(".")
            count = _COUNTED.get(form)
            if count is None:
                continue
            counts[form, "file", ""] += 1
            try:
                documents = converted.result()
            except DocumentUnreadable:
                counts[form, "file", "skipped with a reason"] += 1
                continue
            for seen, outcome in _outcomes(file.path, count, documents):
                counts[form, seen.kind, outcome] += 1
                if outcome == "unmentioned":
                    unmentioned.append(Unmentioned(file.source, seen))
    return counts, unmentioned


def _outcomes(
    path: Path,
    count: Callable[[Path], Iterable[Seen]],
    documents: Sequence[Document],
) -> Iterator[tuple[Seen, str]]:
    notes = " ".join(note for one in documents for note in one.notes)
    texts = [
        block.text + " " + block.lead_in for one in documents for block in one.blocks
    ]
    said = set(_words(" ".join((*texts, *(one.title for one in documents)))))
    try:
        things = list(count(path))
    except Exception:
        yield Seen("file", "the counting tool does not open it"), "not counted"
        return
    for seen in things:
        if seen.kind == "picture":
            is_named = _PICTURE.search(notes) is not None
            is_spoken = bool(seen.words) and _share(seen.words, said) >= _SHARE
        else:
            is_spoken = _share(seen.words, said) >= _SHARE
            is_named = bool(notes)
        outcome = "unmentioned"
        if is_spoken:
            outcome = "spoken"
        elif is_named:
            outcome = "named"
        yield seen, outcome


def _share(words: Sequence[str], said: set[str]) -> float:
    if not words:
        return 1.0
    return sum(word in said for word in words) / len(words)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _pdf(path: Path) -> Iterator[Seen]:
    """Yield pages by their text, and pictures larger than a sign."""
    pages = _output("pdftotext", "-q", path, "-").split("\f")[:-1]
    for number, page in enumerate(pages, 1):
        yield Seen("page", f"page {number}", tuple(_words(page)))
    for line in _output("pdfimages", "-list", path).splitlines()[2:]:
        page, _, kind, width, height, *_ = line.split()
        if kind == "image" and int(width) > 100 and int(height) > 100:
            yield Seen("picture", f"page {page}")


def _output(*command: str | Path) -> str:
    done = subprocess.run(list(command), capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


def _docx(path: Path) -> Iterator[Seen]:
    document = docx.Document(str(path))
    for number, table in enumerate(document.tables, 1):
        text = " ".join(cell.text for row in table.rows for cell in row.cells)
        yield Seen("table", f"table {number}", tuple(_words(text)))
    for number, _ in enumerate(document.element.body.xpath(".//pic:pic"), 1):
        yield Seen("picture", f"picture {number}")


def _xlsx(path: Path) -> Iterator[Seen]:
    """Yield sheets by their text cells: how a number is shown is not openpyxl's."""
    book = openpyxl.load_workbook(path, data_only=True)
    for sheet in book.worksheets:
        texts = [cell for row in sheet.values for cell in row if isinstance(cell, str)]
        yield Seen("table", sheet.title, tuple(_words(" ".join(texts))))
        for number, _ in enumerate(getattr(sheet, "_images", ()), 1):
            yield Seen("picture", f"{sheet.title}, picture {number}")


def _pptx(path: Path) -> Iterator[Seen]:
    deck = pptx.Presentation(str(path))
    for number, slide in enumerate(deck.slides, 1):
        texts = [
            shape.text_frame.text for shape in slide.shapes if shape.has_text_frame
        ]
        yield Seen("page", f"slide {number}", tuple(_words(" ".join(texts))))
        for shape in slide.shapes:
            if shape.has_table:
                cells = [cell.text for row in shape.table.rows for cell in row.cells]
                where = f"slide {number}, {shape.name}"
                yield Seen("table", where, tuple(_words(" ".join(cells))))
            elif hasattr(shape, "image"):
                yield Seen("picture", f"slide {number}, {shape.name}")


def _html(path: Path) -> Iterator[Seen]:
    """Yield tables of data, and pictures of the page's main part.

    Left out are the tables of DocBook's page navigation, pictures that are the button of
    a link, and those whose author gave them an empty text.
    """
    page = BeautifulSoup(path.read_bytes(), "lxml")
    body = page.find("main") or page.find(attrs={"role": "main"}) or page.body or page
    for number, table in enumerate(body.find_all("table"), 1):
        is_navigation = "Navigation" in str(table.get("summary", ""))
        if table.find("table") is None and not is_navigation:
            yield Seen("table", f"table {number}", tuple(_words(table.get_text(" "))))
    for picture in body.find_all("img"):
        if picture.get("alt") == "" or picture.find_parent("a") is not None:
            continue
        where = str(picture.get("src", ""))[:60]
        yield Seen("picture", where, tuple(_words(str(picture.get("alt", "")))))


_COUNTED: dict[str, Callable[[Path], Iterable[Seen]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "html": _html,
}


def table(counts: Counter[tuple[str, str, str]]) -> str:
    """Return the counts as Markdown."""
    lines = [
        "| format | what | seen | spoken | named | unmentioned |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for form, kind in sorted({(form, kind) for form, kind, _ in counts}):
        if kind == "file":
            continue
        each = [
            counts[form, kind, outcome]
            for outcome in ("spoken", "named", "unmentioned")
        ]
        cells = " | ".join(map(str, each))
        lines.append(f"| {form} | {kind}s | {sum(each)} | {cells} |")
    return "\n".join(lines)
