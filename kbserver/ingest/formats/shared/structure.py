"""HTML structure to blocks: one builder behind Markdown, HTML, DOCX, EPUB, RST and mail."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from lxml.html import HtmlElement

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.office.ordinals import letters, roman
from kbserver.ingest.formats.shared.footnotes import placed
from kbserver.ingest.formats.shared.markup import DROPPED_TAGS, SPACE
from kbserver.ingest.formats.shared.table import (
    Table,
    only_cell,
    split_caption,
    table_blocks,
)

LEAD_IN_CHARACTERS = 200
"""A longer paragraph is text of its own; only its last sentence may introduce a list."""
_END_CHARACTERS = LEAD_IN_CHARACTERS + 20
"""Of a text; enough for a sentence that introduces, or to see that it is too long."""
STRONG_HEADING_CHARACTERS = 80
"""A bold paragraph up to this long is taken for a heading."""

LABEL_END = "\ufdd2"
"""Ends the number or letter of its own that a list item begins with, `(b)`; this
noncharacter is in no text."""

_MOST_ROWS_SPANNED = 1000
_MOST_COLUMNS_SPANNED = 100

_BREAK = "\0"
"""Stands for <br> until white space is collapsed; cannot occur in parsed HTML."""
_BREAKS = re.compile(rf" ?{_BREAK}(?: ?{_BREAK})* ?")
_SENTENCE_END = re.compile(r"(?<=[.!?।])\s+")
_MARKER = re.compile(r"^(?:- |(?:\d+|[a-z]{1,4}|[A-Z]{1,4})\. )")
_LIST_TYPES: dict[str, Callable[[int], str]] = {
    "a": letters,
    "A": lambda number: letters(number).upper(),
    "i": roman,
    "I": lambda number: roman(number).upper(),
}
"""How an ordered list counts, by its `type`."""
_LIST_STYLE = re.compile(r"(?:lower|upper)[-_]?(?:alpha|latin|roman)", re.I)

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_BLOCK_TAGS = frozenset(
    "address article aside blockquote body center dd div dl dt fieldset figcaption "
    "figure footer form header hr html legend li main menu nav ol p section table tbody "
    "td tfoot th thead tr ul details summary".split()
)
_PARTED_TAGS = _BLOCK_TAGS | _HEADINGS.keys()
"""Elements whose text never goes on in what stands beside them."""


def html_blocks(root: HtmlElement) -> list[Block]:
    """Return the blocks of an element in reading order; hidden ones are gone already."""
    builder = _Builder()
    builder.visit(root)
    builder.flush()
    builder.end_item()
    return builder.blocks


def inline_text(element: HtmlElement) -> str:
    """Return an element's text as one line, dropped tags left out."""
    builder = _Builder()
    builder.inline(element)
    return " ".join(builder.take().split("\n"))


class _Item(NamedTuple):
    """The list item that text belongs to."""

    level: int = 0
    """Depth of its list; 0 outside any list."""
    lead_in: str = ""
    marker: str = ""
    """Waits for the item's first text."""
    at: int = -1
    """Where the item's block stands; -1 before its first text."""


class _Builder:
    """Walks a tree once; text gathers in a buffer that every block boundary empties."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._buffer: list[str] = []
        self._item = _Item()
        self._lists = 0
        # further paragraphs of the item that is the last block
        self._further: list[str] = []
        self._is_labelled = False

    def visit(self, element: HtmlElement) -> None:
        """Add the blocks of an element; text without a block boundary stays gathered."""
        tag = element.tag
        if not isinstance(tag, str) or tag in DROPPED_TAGS:
            return
        if tag == "br":
            self._buffer.append(_BREAK)
        elif tag in _HEADINGS:
            self._heading(element, _HEADINGS[tag])
        elif tag in ("ul", "ol", "menu"):
            self._list(element, ordered=tag == "ol")
        elif tag == "table":
            self._table(element)
        elif tag in ("pre", "xmp", "listing"):
            self._code(element)
        elif tag == "dl":
            self._definitions(element)
        elif tag == "details":
            self._details(element)
        elif tag in _BLOCK_TAGS:
            self._block(element)
        else:
            self._children(element)

    def inline(self, element: HtmlElement) -> None:
        """Gather all text below an element, block tags as mere spaces."""
        if element.text:
            self._buffer.append(element.text)
        for child in element:
            tag = child.tag
            if isinstance(tag, str) and tag not in DROPPED_TAGS:
                if tag == "br":
                    self._buffer.append(_BREAK)
                elif tag in _PARTED_TAGS:
                    self._buffer.append(" ")
                if tag == "table":
                    self._buffer.append(_table_text(child))
                else:
                    self.inline(child)
                if tag in _PARTED_TAGS:
                    self._buffer.append(" ")
            if child.tail:
                self._buffer.append(child.tail)

    def take(self) -> str:
        """Empty the buffer and return its text, white space collapsed.

        A line break is a newline; two or more are a blank line.
        """
        if not self._buffer:
            return ""
        text = SPACE.sub(" ", "".join(self._buffer))
        self._buffer.clear()
        if _BREAK in text:
            text = _BREAKS.sub(_newlines, text)
        self._is_labelled = LABEL_END in text
        return placed(text.replace(LABEL_END, "")).strip()

    def add(self, block: Block) -> None:
        """Add a block; the item before it is whole."""
        self.end_item()
        self.blocks.append(block)

    def end_item(self) -> None:
        """Put the further paragraphs of the last item below its first."""
        if self._further:
            begun = self.blocks[-1]
            text = "\n".join((begun.text, *self._further))
            self.blocks[-1] = replace(begun, text=text)
            self._further.clear()

    def flush(self) -> None:
        """End the text block that is being gathered, if there is one."""
        text = self.take()
        if not text:
            return
        if not self._item.level:
            for part in text.split("\n\n"):
                if part:
                    self.add(Block("paragraph", part))
            return
        text = text.replace("\n\n", "\n")
        at = self._item.at
        if at >= 0 and at == len(self.blocks) - 1:
            self._further.append(text)
            return
        level, lead_in, marker, _ = self._item
        if self._is_labelled:
            marker = ""
        self._item = _Item(level, lead_in, at=len(self.blocks))
        self.add(Block("list_item", marker + text, level, lead_in))

    def _children(self, element: HtmlElement) -> None:
        if element.text:
            self._buffer.append(element.text)
        for child in element:
            self.visit(child)
            if child.tail:
                self._buffer.append(child.tail)

    def _block(self, element: HtmlElement) -> None:
        self.flush()
        if element.tag == "p" and not self._item.level:
            title = _strong_title(element)
            if title:
                self.add(Block("heading", title, level=6))
                return
        self._children(element)
        self.flush()

    def _heading(self, element: HtmlElement, level: int) -> None:
        self.flush()
        text = inline_text(element).rstrip("¶# ").strip()
        if text:
            self.add(Block("heading", text, level))

    def _list(self, element: HtmlElement, *, ordered: bool) -> None:
        self.flush()
        outer = self._item
        lead_in = self._lead_in(of_list=True)
        number = _integer(element.get("start"), 1)
        counted = _LIST_TYPES.get(_list_type(element), str)
        self._lists += 1
        for child in element:
            if not isinstance(child.tag, str):
                continue
            if child.tag != "li":
                # misplaced, like a nested list without its item
                self._item = outer
                self.visit(child)
                self.flush()
                continue
            number = _integer(child.get("value"), number)
            marker = "- "
            if ordered:
                marker = f"{counted(number)}. "
            self._item = _Item(outer.level + 1, lead_in, marker)
            self._children(child)
            self.flush()
            number += 1
        self._lists -= 1
        self._item = outer

    def _lead_in(self, *, of_list: bool = False) -> str:
        """Return the text just before a list or table, if it introduces it.

        A list behind another may go on with it.
        """
        if not self.blocks:
            return ""
        before = self.blocks[-1]
        # of a long text the end alone, since many empty lists may stand below it
        parts = (before.text, *self._further[-_END_CHARACTERS:])
        end = "\n".join(part[-_END_CHARACTERS:] for part in parts)[-_END_CHARACTERS:]
        if before.kind == "list_item":
            is_below = self._lists or end.endswith(":")
            if not is_below:  # the list before is over
                goes_on = of_list and before.level == 1
                return before.lead_in if goes_on else ""
            text = _MARKER.sub("", end)
            if len(text) <= LEAD_IN_CHARACTERS:
                return text
            return before.lead_in
        if before.kind != "paragraph":
            return ""
        if len(end) <= LEAD_IN_CHARACTERS:
            return end
        last = _SENTENCE_END.split(end)[-1]
        if last.endswith(":") and len(last) <= LEAD_IN_CHARACTERS:
            return last
        return ""

    def _announcement(self) -> str:
        """Return the text just before if it ends with a colon, else ""."""
        lead_in = self._lead_in()
        if lead_in.endswith(":"):
            return lead_in
        return ""

    def _table(self, element: HtmlElement) -> None:
        self.flush()
        grid = _grid(element)
        if grid is None:
            # there for the layout: its cells are ordinary content
            for cell in element.iter("caption", "td", "th"):
                if next(cell.iterancestors("table"), None) is element:
                    self._children(cell)
                    self.flush()
            return
        rows, header_rows = grid
        caption = next((inline_text(one) for one in element.iter("caption")), "")
        table = split_caption(Table(rows, header_rows, caption))
        if table.caption:
            self.add(Block("paragraph", table.caption))
            lead_in = self._lead_in()
        else:
            lead_in = self._announcement()
        for block in table_blocks(replace(table, caption=lead_in)):
            self.add(block)

    def _code(self, element: HtmlElement) -> None:
        self.flush()
        text = "".join(_code_text(element)).strip("\n").rstrip()
        if text:
            self.add(Block("code", text))

    def _definitions(self, element: HtmlElement) -> None:
        """Add a `<dl>`: a short definition is an item, a long one a section."""
        self.flush()
        terms: list[str] = []
        self._terms_and_definitions(element, terms, self._announcement())
        self._end_terms(terms)

    def _terms_and_definitions(
        self, element: HtmlElement, terms: list[str], lead_in: str
    ) -> None:
        """Add what a `<dl>`, or a `<div>` in it, holds; `terms` wait for a definition."""
        if element.text:
            self._buffer.append(element.text)
        for child in element:
            if child.tag in ("dt", "dd", "div"):
                self.flush()
            if child.tag == "dt":
                terms.append(inline_text(child).rstrip("¶ "))
            elif child.tag == "dd":
                self._definition(", ".join(terms), child, lead_in)
                terms.clear()
            elif child.tag == "div":
                self._terms_and_definitions(child, terms, lead_in)
            elif isinstance(child.tag, str):
                self._end_terms(terms)
                self.visit(child)
            if (child.tail or "").strip():
                self._end_terms(terms)
                self._buffer.append(child.tail)
        self.flush()

    def _end_terms(self, terms: list[str]) -> None:
        """Add the terms that no definition follows."""
        if terms:
            self.add(Block("paragraph", ", ".join(terms)))
            terms.clear()

    def _definition(self, term: str, element: HtmlElement, lead_in: str) -> None:
        if term and (term.endswith("?") or _is_structured(element)):
            self._section(term, element)
            return
        text = inline_text(element)
        if text:
            if term:
                text = f"{term.rstrip(':')}: {text}"
            self.add(Block("list_item", text, 1, lead_in))
        elif term:
            self.add(Block("paragraph", term))

    def _details(self, element: HtmlElement) -> None:
        self.flush()
        title = ""
        for child in element:
            if child.tag == "summary":
                title = inline_text(child)
                child.drop_tree()
                break
        if title:
            self._section(title, element)
        else:
            self._children(element)
            self.flush()

    def _section(self, title: str, content: HtmlElement) -> None:
        """Add a heading for one element only: an empty heading closes it behind."""
        self.add(Block("heading", title, level=6))
        self._children(content)
        self.flush()
        self.add(Block("heading", "", level=6))


def _list_type(ordered: HtmlElement) -> str:
    """Return the `type` of an ordered list, also where its style or class says it."""
    if kind := ordered.get("type"):
        return str(kind)
    names = f"{ordered.get('class') or ''} {ordered.get('style') or ''}"
    found = _LIST_STYLE.search(names)
    if found is None:
        return ""
    kind = "i" if "roman" in found[0].lower() else "a"
    return kind.upper() if found[0].lower().startswith("upper") else kind


def _newlines(breaks: re.Match[str]) -> str:
    return "\n" * min(breaks[0].count(_BREAK), 2)


def _strong_title(paragraph: HtmlElement) -> str:
    """Return the text of a short paragraph that is bold from end to end, else "".

    It is a heading in all but name.
    """
    if len(paragraph) != 1 or (paragraph.text or "").strip():
        return ""
    [child] = paragraph
    if child.tag not in ("strong", "b") or (child.tail or "").strip():
        return ""
    text = inline_text(paragraph)
    if len(text) > STRONG_HEADING_CHARACTERS or text.endswith((".", "!", ",", ";")):
        return ""
    return text.rstrip(": ")


def _is_structured(definition: HtmlElement) -> bool:
    """Return whether a definition holds more blocks than one paragraph."""
    inner = [
        child.tag
        for child in definition
        if isinstance(child.tag, str)
        and (child.tag in _BLOCK_TAGS or child.tag == "pre")
    ]
    return inner not in ([], ["p"])


def _code_text(element: HtmlElement) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == "br":
            yield "\n"
        elif isinstance(child.tag, str) and child.tag not in DROPPED_TAGS:
            yield from _code_text(child)
        yield child.tail or ""


def _grid(table: HtmlElement) -> tuple[list[list[str]], int | None] | None:
    """Return a data table's cells and its number of header rows.

    None instead of the number if the table does not say it; None for a layout table.
    """
    if table.get("role") in ("presentation", "none"):
        return None
    if next(table.iterdescendants("h1", "h2", "h3"), None) is not None:
        return None
    if table.find(".//table") is not None and not _names_its_rows(table):
        return None
    spans = _Spans()
    rows: list[list[str]] = []
    kinds: list[str] = []
    for tr in _own_rows(table):
        cells = [cell for cell in tr if cell.tag in ("td", "th")]
        row = spans.row(cells)
        if not any(row):
            continue
        kinds.append(_row_kind(tr, cells))
        rows.append(row)
    if max((len(row) for row in rows), default=0) < 2:
        return None
    titles = sum(1 for _ in takewhile(only_cell, rows))
    kinds = kinds[titles:] or [""]
    header_rows = sum(1 for _ in takewhile("header".__eq__, kinds))
    if not header_rows and kinds[0] == "bold" and kinds[1:2] != ["bold"]:
        header_rows = 1
    return rows, header_rows or None


def _row_kind(tr: HtmlElement, cells: list[HtmlElement]) -> str:
    """Return whether a row is a `header`, `bold` from end to end, or plain: ""."""
    parent = tr.getparent()
    if parent is not None and parent.tag == "thead":
        return "header"
    filled = [cell for cell in cells if cell.text_content().strip()]
    if len(filled) < min(2, len(cells)):
        return ""
    if all(cell.tag == "th" for cell in filled):
        return "header"
    if all(cell.tag == "th" or _is_bold(cell) for cell in filled):
        return "bold"
    return ""


def _is_bold(cell: HtmlElement) -> bool:
    """Return whether all of a cell's text is bold."""
    while not (cell.text or "").strip() and len(cell) == 1:
        [cell] = cell
        if (cell.tail or "").strip():
            return False
        if cell.tag in ("strong", "b"):
            return True
    return False


def _own_rows(table: HtmlElement) -> Iterator[HtmlElement]:
    """Yield the rows of a table, those of tables inside it left out."""
    for part in table:
        if part.tag == "tr":
            yield part
        elif part.tag in ("thead", "tbody", "tfoot"):
            yield from part.iterchildren("tr")


def _names_its_rows(table: HtmlElement) -> bool:
    """Return whether a table with tables inside is one of data, not for the layout.

    Its columns have names, or each row begins with a short text of its own.
    """
    rows = [
        [cell for cell in tr if cell.tag in ("td", "th")] for tr in _own_rows(table)
    ]
    rows = [cells for cells in rows if cells]
    if max(map(len, rows), default=0) < 2:
        return False
    if len(rows) > 1 and any(cell.tag == "th" for cell in rows[0]):
        return True
    return all(
        len(cells) > 1
        and cells[0].find(".//table") is None
        and 0 < len(inline_text(cells[0])) <= STRONG_HEADING_CHARACTERS
        for cells in rows
    )


def _table_text(table: HtmlElement) -> str:
    """Return a table inside a cell as one text: `Adult: $24; Child: $12`."""
    grid = _grid(table)
    if grid is None:
        cells = (cell for tr in _own_rows(table) for cell in tr)
        return " ".join(inline_text(cell) for cell in cells if cell.tag in ("td", "th"))
    sentences = (block.text.rstrip(".") for block in table_blocks(Table(*grid)))
    return "; ".join(sentences)


class _Spans:
    """Cells that reach into further rows."""

    def __init__(self) -> None:
        # by column: (rows still to fill, text)
        self._open: dict[int, tuple[int, str]] = {}

    def row(self, cells: list[HtmlElement]) -> list[str]:
        """Return a row's texts; a merged cell stands in each place it covers."""
        row: list[str] = []
        for cell in cells:
            self._fill(row)
            text = inline_text(cell)
            height = min(_integer(cell.get("rowspan"), 1), _MOST_ROWS_SPANNED)
            width = max(_integer(cell.get("colspan"), 1), 1)
            for _ in range(min(width, _MOST_COLUMNS_SPANNED)):
                if height > 1:
                    self._open[len(row)] = (height - 1, text)
                row.append(text)
        self._fill(row)
        return row

    def _fill(self, row: list[str]) -> None:
        """Append the cells of rows above that reach here."""
        while len(row) in self._open:
            left, text = self._open.pop(len(row))
            if left > 1:
                self._open[len(row)] = (left - 1, text)
            row.append(text)


def _integer(value: str | None, default: int) -> int:
    """Return an attribute as a number; the default if it is missing or no number."""
    try:
        return int(value or default)
    except ValueError:
        return default
