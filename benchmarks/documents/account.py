"""Whether an ingest accounts for every page, table and picture of a folder.

Other people's tools count them: poppler-utils, python-docx, openpyxl, python-pptx, Beautiful Soup
and docutils; tables and pictures of Markdown are counted by their marks. A page or table is
accounted for if its words are in what is spoken, or a note of the report names it; a picture, if a
note names pictures, or if it is a scan whose text the file holds; a file, also if the report says
why it was skipped.
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
from docutils import nodes
from docutils.core import publish_doctree

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.conversion import Conversion, ConversionLimits, ahead
from kbserver.ingest.walk import FoundFile, walk

_SHARE = 0.8
"""Of the words of a page or table that are spoken: running lines and marks are not."""
_SIGN_SHARE = 0.02
"""Of a slide; smaller pictures are signs."""
_SCAN_SHARE = 0.5
"""Of a page that a scan covers."""
_SCAN_WORDS = 30
"""Of a page: its scan was recognised before, and the text lies below it."""
_POINTS = 72
_PIPED = re.compile(
    r"(?m)^[ \t>]*\|?.*\|.*\n[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*\n"
    r"(?:^[^\n]*\|[^\n]*(?:\n|$))+"
)
"""A table of Markdown."""
_BADGE = re.compile(r"badge|shield|travis|codecov", re.IGNORECASE)
_ICON = re.compile(r"\bicons?\b|/ico", re.IGNORECASE)
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
    return sum(_is_said(word, said) for word in words) / len(words)


def _is_said(word: str, said: set[str]) -> bool:
    """Return whether a word is said, or its two halves: pdftotext joins `SSH-` and `link`."""
    if word in said:
        return True
    halves = ((word[:at], word[at:]) for at in range(2, len(word) - 1))
    return any(first in said and second in said for first, second in halves)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _pdf(path: Path) -> Iterator[Seen]:
    """Yield pages by their text, and pictures larger than a sign.

    The words of a scan with a layer of text are those of its page.
    """
    pages = _output("pdftotext", "-q", path, "-").split("\f")[:-1]
    words = [tuple(_words(page)) for page in pages]
    for number, found in enumerate(words, 1):
        yield Seen("page", f"page {number}", found)
    area = _page_area(path)
    for line in _output("pdfimages", "-list", path).splitlines()[2:]:
        page, _, kind, width, height, *_, across, down, _, _ = line.split()
        if kind != "image" or int(width) <= 100 or int(height) <= 100:
            continue
        sides = int(width) / int(across) * int(height) / int(down) * _POINTS**2
        of_page = words[int(page) - 1]
        is_scan = sides > _SCAN_SHARE * area and len(of_page) > _SCAN_WORDS
        yield Seen("picture", f"page {page}", of_page if is_scan else ())


def _page_area(path: Path) -> float:
    """Return the area of the first page, in square points."""
    found = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", _output("pdfinfo", path))
    if found is None:
        return float("inf")
    return float(found[1]) * float(found[2])


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
    """Yield slides, tables without the names of empty columns, and pictures, no signs."""
    deck = pptx.Presentation(str(path))
    area = deck.slide_width * deck.slide_height
    for number, slide in enumerate(deck.slides, 1):
        texts = [
            shape.text_frame.text for shape in slide.shapes if shape.has_text_frame
        ]
        yield Seen("page", f"slide {number}", tuple(_words(" ".join(texts))))
        for shape in slide.shapes:
            if shape.has_table:
                rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
                columns = [one for one in zip(*rows, strict=True) if any(one[1:])]
                text = " ".join(cell for column in columns for cell in column)
                where = f"slide {number}, {shape.name}"
                yield Seen("table", where, tuple(_words(text)))
            elif not hasattr(shape, "image"):
                continue
            elif shape.width * shape.height > _SIGN_SHARE * area:
                yield Seen("picture", f"slide {number}, {shape.name}")


def _html(path: Path) -> Iterator[Seen]:
    """Yield tables of data, and pictures of the page's main part.

    Left out are the tables of DocBook's page navigation, pictures that are the button of
    a link, icons, and those whose author gave them an empty text.
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
        if _ICON.search(f"{where} {picture.get('alt', '')}"):
            continue
        yield Seen("picture", where, tuple(_words(str(picture.get("alt", "")))))


def _csv(path: Path) -> Iterator[Seen]:
    """Yield all words of the cells as those of one table."""
    text = path.read_bytes().decode("utf-8-sig", "replace")
    yield Seen("table", "all of it", tuple(_words(text)))


def _md(path: Path) -> Iterator[Seen]:
    """Yield the tables and pictures outside of code, by their marks."""
    text = path.read_bytes().decode("utf-8", "replace")
    text = re.sub(r"(?ms)^[ \t]*(```|~~~).*?^[ \t]*\1", "", text)
    for number, found in enumerate(_PIPED.finditer(text), 1):
        words = re.sub(r"<[^>]*>|\]\([^)]*\)|https?://\S+", " ", found[0])
        yield Seen("table", f"table {number}", tuple(_words(words)))
    for found in re.finditer(r"!\[([^\]]+)\]\(([^)\s]+)", text):
        if _BADGE.search(found[0]) is None:
            yield Seen("picture", found[2][:60], tuple(_words(found[1])))


def _rst(path: Path) -> Iterator[Seen]:
    """Yield the tables and pictures that docutils finds."""
    text = path.read_bytes().decode("utf-8", "replace")
    quiet = {"report_level": 5, "halt_level": 6, "file_insertion_enabled": False}
    tree = publish_doctree(text, settings_overrides=quiet)
    for number, found in enumerate(tree.findall(nodes.table), 1):
        yield Seen("table", f"table {number}", tuple(_words(found.astext())))
    for picture in tree.findall(nodes.image):
        alt = tuple(_words(str(picture.get("alt", ""))))
        yield Seen("picture", str(picture.get("uri", ""))[:60], alt)


_COUNTED: dict[str, Callable[[Path], Iterable[Seen]]] = {
    "pdf": _pdf,
    "docx": _docx,
    "xlsx": _xlsx,
    "pptx": _pptx,
    "html": _html,
    "csv": _csv,
    "md": _md,
    "rst": _rst,
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
