"""HTML structure to blocks: the one builder behind Markdown, HTML, DOCX, EPUB, RST and mail."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lxml.html import HtmlElement

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.shared.markup import DROPPED_TAGS, SPACE
from kbserver.ingest.formats.shared.table import Table, table_blocks

LEAD_IN_CHARACTERS = 200  # a longer paragraph is text of its own; only its last sentence may introduce a list
STRONG_HEADING_CHARACTERS = (
    80  # a bold paragraph up to this long is taken for a heading
)

_BREAK = (
    "\0"  # stands for <br> until white space is collapsed; cannot occur in parsed HTML
)
_BREAKS = re.compile(rf" ?{_BREAK}(?: ?{_BREAK})* ?")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")

_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_BLOCK_TAGS = frozenset(
    "address article aside blockquote body center dd div dl dt fieldset figcaption figure footer form header "
    "hr html legend li main menu nav ol p section table tbody td tfoot th thead tr ul details summary".split()
)


def html_blocks(root: HtmlElement) -> list[Block]:
    """Return the blocks of an element in reading order; hidden elements must be gone already."""
    builder = _Builder()
    builder.visit(root)
    builder.flush()
    return builder.blocks


def inline_text(element: HtmlElement) -> str:
    """Return an element's text as one line, dropped tags left out."""
    builder = _Builder()
    builder.inline(element)
    return " ".join(builder.take().split("\n"))


class _Builder:
    """Walks a tree once; text gathers in a buffer that every block boundary empties."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._buffer: list[str] = []
        self._marker = ""  # of the list item whose first text has not come yet
        self._item_level = 0
        self._item_lead_in = ""
        self._item_at = (
            -1
        )  # where the open item's block stands, -1 before its first text

    def visit(self, element: HtmlElement) -> None:
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
            self.flush()
            if (
                tag == "p"
                and (title := _strong_title(element))
                and not self._item_level
            ):
                self.blocks.append(Block("heading", title, level=6))
                return
            self._children(element)
            self.flush()
        else:
            self._children(element)

    def _children(self, element: HtmlElement) -> None:
        if element.text:
            self._buffer.append(element.text)
        for child in element:
            self.visit(child)
            if child.tail:
                self._buffer.append(child.tail)

    def inline(self, element: HtmlElement) -> None:
        """Gather all text below an element, block tags as mere spaces."""
        if element.text:
            self._buffer.append(element.text)
        for child in element:
            if isinstance(child.tag, str) and child.tag not in DROPPED_TAGS:
                self._buffer.append(
                    _BREAK
                    if child.tag == "br"
                    else " "
                    if child.tag in _BLOCK_TAGS
                    else ""
                )
                self.inline(child)
                self._buffer.append(" " if child.tag in _BLOCK_TAGS else "")
            if child.tail:
                self._buffer.append(child.tail)

    def take(self) -> str:
        """Empty the buffer: white space collapsed, one newline for each run of line breaks but a blank line
        for two or more."""
        if not self._buffer:
            return ""
        text = SPACE.sub(" ", "".join(self._buffer))
        self._buffer.clear()
        if _BREAK in text:
            text = _BREAKS.sub(
                lambda found: "\n" * min(found[0].count(_BREAK), 2), text
            )
        return text.strip()

    def flush(self) -> None:
        """End the text block that is being gathered, if there is one."""
        text = self.take()
        if not text:
            return
        if not self._item_level:
            self.blocks.extend(
                Block("paragraph", part) for part in text.split("\n\n") if part
            )
            return
        text = text.replace("\n\n", "\n")
        if (
            self._item_at == len(self.blocks) - 1 and self._item_at >= 0
        ):  # a further paragraph of this item
            begun = self.blocks[self._item_at]
            self.blocks[self._item_at] = Block(
                "list_item", f"{begun.text}\n{text}", begun.level, begun.lead_in
            )
            return
        self._item_at = len(self.blocks)
        self.blocks.append(
            Block(
                "list_item", self._marker + text, self._item_level, self._item_lead_in
            )
        )
        self._marker = ""

    def _heading(self, element: HtmlElement, level: int) -> None:
        self.flush()
        text = inline_text(element).rstrip("¶# ").strip()
        if text:
            self.blocks.append(Block("heading", text, level))

    def _list(self, element: HtmlElement, *, ordered: bool) -> None:
        self.flush()
        outer = (self._marker, self._item_level, self._item_lead_in, self._item_at)
        lead_in = self._lead_in()
        number = _integer(element.get("start"), 1)
        for child in element:
            if not isinstance(child.tag, str):
                continue
            if (
                child.tag != "li"
            ):  # misplaced content, a nested list without its item among it
                self._marker, self._item_level, self._item_lead_in, self._item_at = (
                    outer
                )
                self.visit(child)
                self.flush()
                continue
            number = _integer(child.get("value"), number)
            self._marker = f"{number}. " if ordered else "- "
            self._item_level, self._item_lead_in, self._item_at = (
                outer[1] + 1,
                lead_in,
                -1,
            )
            self._children(child)
            self.flush()
            number += 1
        self._marker, self._item_level, self._item_lead_in, self._item_at = outer

    def _lead_in(self) -> str:
        """The text just before a list or table, if it introduces it."""
        if not self.blocks:
            return ""
        before = self.blocks[-1]
        if before.kind == "list_item":  # a list below an item
            text = re.sub(r"^(?:- |\d+\. )", "", before.text)
            return text if len(text) <= LEAD_IN_CHARACTERS else before.lead_in
        if before.kind != "paragraph":
            return ""
        if len(before.text) <= LEAD_IN_CHARACTERS:
            return before.text
        last = _SENTENCE_END.split(before.text)[-1]
        return last if last.endswith(":") and len(last) <= LEAD_IN_CHARACTERS else ""

    def _table(self, element: HtmlElement) -> None:
        self.flush()
        grid = _grid(element)
        if grid is None:  # there for the layout: its cells are ordinary content
            for cell in element.iter("caption", "td", "th"):
                if next(cell.iterancestors("table"), None) is element:
                    self._children(cell)
                    self.flush()
            return
        rows, header_rows = grid
        if caption := next(
            (inline_text(found) for found in element.iter("caption")), ""
        ):
            self.blocks.append(Block("paragraph", caption))
        lead_in = self._lead_in()
        self.blocks.extend(
            table_blocks(
                Table(
                    rows,
                    header_rows,
                    lead_in if caption or lead_in.endswith(":") else "",
                )
            )
        )

    def _code(self, element: HtmlElement) -> None:
        self.flush()
        text = "".join(_code_text(element)).strip("\n").rstrip()
        if text:
            self.blocks.append(Block("code", text))

    def _definitions(self, element: HtmlElement) -> None:
        """`<dl>`: a short definition becomes one item, a long one a section below its term."""
        self.flush()
        before = self._lead_in()
        lead_in = before if before.endswith(":") else ""
        terms: list[str] = []
        for child in element.iter("dt", "dd"):
            if next(child.iterancestors("dl"), None) is not element:
                continue
            if child.tag == "dt":
                terms.append(inline_text(child).rstrip("¶ "))
                continue
            term = ", ".join(terms)
            terms.clear()
            inner = [
                one.tag
                for one in child
                if isinstance(one.tag, str) and one.tag in _BLOCK_TAGS | {"pre"}
            ]
            structured = inner not in ([], ["p"])
            if term and (structured or term.endswith("?")):
                self._section(term, child)
            elif text := inline_text(child):
                self.blocks.append(
                    Block(
                        "list_item",
                        f"{term.rstrip(':')}: {text}" if term else text,
                        1,
                        lead_in,
                    )
                )
            elif term:
                self.blocks.append(Block("paragraph", term))
        if terms:
            self.blocks.append(Block("paragraph", ", ".join(terms)))

    def _details(self, element: HtmlElement) -> None:
        self.flush()
        summary = next((child for child in element if child.tag == "summary"), None)
        title = inline_text(summary) if summary is not None else ""
        if summary is not None:
            summary.drop_tree()
        if title:
            self._section(title, element)
        else:
            self._children(element)
            self.flush()

    def _section(self, title: str, content: HtmlElement) -> None:
        """A heading that reigns over one element only, so it is closed behind it."""
        self.blocks.append(Block("heading", title, level=6))
        self._children(content)
        self.flush()
        self.blocks.append(Block("heading", "", level=6))


def _strong_title(paragraph: HtmlElement) -> str:
    """The text of a paragraph that is bold from end to end and short: a heading in all but name."""
    if (
        len(paragraph) != 1
        or paragraph[0].tag not in ("strong", "b")
        or (paragraph.text or "").strip()
    ):
        return ""
    if (paragraph[0].tail or "").strip():
        return ""
    text = inline_text(paragraph)
    if len(text) > STRONG_HEADING_CHARACTERS or text.endswith((".", "!", ",", ";")):
        return ""
    return text.rstrip(": ")


def _code_text(element: HtmlElement) -> Iterable[str]:
    yield element.text or ""
    for child in element:
        if child.tag == "br":
            yield "\n"
        elif isinstance(child.tag, str) and child.tag not in DROPPED_TAGS:
            yield from _code_text(child)
        yield child.tail or ""


def _grid(table: HtmlElement) -> tuple[list[list[str]], int | None] | None:
    """Return a data table's cells and its number of header rows (None: not said); None for a layout table."""
    laid_out = any(
        inner is not table for inner in table.iter("table", "h1", "h2", "h3")
    )
    if laid_out or table.get("role") in ("presentation", "none"):
        return None
    rows: list[list[str]] = []
    header_rows = 0
    in_header = True
    spans: dict[int, tuple[int, str]] = {}  # column → (rows still to fill, text)
    for tr in table.iter("tr"):
        cells = [cell for cell in tr if cell.tag in ("td", "th")]
        row: list[str] = []

        def fill(row: list[str] = row) -> None:
            while len(row) in spans:
                left, text = spans.pop(len(row))
                if left > 1:
                    spans[len(row)] = (left - 1, text)
                row.append(text)

        for cell in cells:
            fill()
            text = inline_text(cell)
            height = min(_integer(cell.get("rowspan"), 1), 1000)
            for _ in range(min(max(_integer(cell.get("colspan"), 1), 1), 100)):
                if height > 1:
                    spans[len(row)] = (height - 1, text)
                row.append(text)
        fill()
        if not any(row):
            continue
        parent = tr.getparent()
        says_header = (parent is not None and parent.tag == "thead") or all(
            cell.tag == "th" for cell in cells
        )
        in_header = in_header and says_header
        header_rows += in_header
        rows.append(row)
    if not rows or max(len(row) for row in rows) < 2:
        return None
    return rows, header_rows or None


def _integer(value: str | None, default: int) -> int:
    try:
        return int(value) if value else default
    except ValueError:
        return default
