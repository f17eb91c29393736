"""The text of OpenDocument as HTML, the model in which all formats of prose meet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from lxml import etree

from kbserver.ingest.formats.odf.chart import chart_blocks
from kbserver.ingest.formats.odf.numbering import Counters, Numbering
from kbserver.ingest.formats.odf.package import (
    DRAW,
    FORM,
    LOEXT,
    OFFICE,
    PRESENTATION,
    SVG,
    TABLE,
    TEXT,
    XML_ID,
    Package,
    count_of,
    is_on,
)
from kbserver.ingest.formats.odf.styles import Look, Styles, is_shown
from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.office.runs import BREAK, Runs, note_list, note_mark
from kbserver.ingest.formats.shared.structure import LABEL_END

_MOST_REPEATED = 1_000
"""Copies of a row or cell that are written out."""
_BLANKS = re.compile(r"\s+")
_CONTENTS = frozenset(
    f"{TEXT}{name}"
    for name in (
        "table-of-content illustration-index table-index object-index user-index "
        "alphabetical-index"
    ).split()
)
"""They repeat headings with the numbers of their pages."""
_SILENT = frozenset(
    (
        f"{OFFICE}annotation-end",
        f"{TEXT}script",
        f"{TEXT}tracked-changes",
        f"{TEXT}ruby-text",
        f"{PRESENTATION}notes",
        f"{TABLE}tracked-changes",
        f"{TABLE}shapes",
        f"{SVG}title",
        f"{SVG}desc",
    )
)
_UNREAD = {
    f"{DRAW}image": "picture",
    f"{DRAW}object-ole": "embedded object",
    f"{DRAW}plugin": "film or sound",
    f"{DRAW}applet": "embedded object",
    f"{DRAW}floating-frame": "embedded document",
}
_GROUPS = frozenset((f"{DRAW}g", f"{DRAW}a", f"{TEXT}numbered-paragraph"))
_VALUES = frozenset(
    f"{FORM}{name}"
    for name in "text textarea formatted-text number date time combobox".split()
)

_FIELD = "{urn:openoffice:names:experimental:ooo-ms-interop:xmlns:field:1.0}"
_FIELD_TYPE = f"{_FIELD}type"
_FIELD_VALUE = f"{_FIELD}value"
"""Of the fields of a form that a Word document had."""

OnUnread = Callable[[str, Any], None]
"""Called with a kind of thing that cannot be read, and the element that shows it."""


class Markup:
    """Writes parts of one file as HTML, in their order."""

    def __init__(
        self, package: Package, losses: Losses, on_unread: OnUnread | None = None
    ) -> None:
        """Begin with nothing.

        Args:
            losses: gets what is left out.
            on_unread: gets pictures, charts and the like instead of `losses`; without it
                charts are said where they stand.
        """
        self.styles = Styles(package.styles, package.content)
        self._package = package
        self._losses = losses
        self._says_charts = on_unread is None
        self._on_unread = on_unread or (lambda kind, frame: losses.unread(kind))
        self._numbering = Numbering(self.styles.lists)
        self._notes: list[str] = []
        self._controls = {
            control.get(key): control
            for control in package.content.iter(f"{FORM}*")
            for key in (XML_ID, f"{FORM}id")
            if control.get(key)
        }

    def blocks(self, parent: Any) -> str:
        """Return what an element holds as HTML."""
        return "".join(map(self.block, elements(parent)))

    def notes(self) -> str:
        """Return the footnotes of what was written since they were last asked for."""
        notes, self._notes = self._notes, []
        return note_list(notes)

    def block(self, element: Any) -> str:
        """Return one element as HTML."""
        tag = element.tag
        if tag in _SILENT or tag in _CONTENTS:
            return ""
        if tag in (f"{TEXT}p", f"{TEXT}h"):
            return self._paragraph(element)
        if tag == f"{TEXT}list":
            return self._list(element)
        if tag == f"{TABLE}table":
            return self._table(element)
        if tag in (f"{TEXT}section", f"{TEXT}bibliography"):
            return self._section(element)
        if tag == f"{OFFICE}annotation":
            self._losses.left_out("comment")
            return ""
        if tag.startswith(DRAW):
            return self._drawn(element)
        if tag in _GROUPS or tag == f"{TEXT}index-body":
            return self.blocks(element)
        return ""

    def shown(self, paragraph: Any, look: Look) -> tuple[str, int]:
        """Return a paragraph as plain text without what is struck out.

        Args:
            look: of the cell around it.

        Returns:
            The text, raised digits as raised characters, and how often it is struck out.
        """
        runs = Runs()
        behind: list[str] = []
        style = paragraph.get(f"{TEXT}style-name")
        look = self.styles.look("paragraph", style).over(look)
        self._inline(paragraph, look, runs, behind)
        return runs.shown()

    def _section(self, section: Any) -> str:
        display = section.get(f"{TEXT}display")
        is_hidden = display == "none"
        is_hidden = is_hidden or is_on(section.get(f"{TEXT}is-hidden"))
        if is_hidden:
            self._losses.left_out("hidden section")
            return ""
        return self.blocks(section)

    def _paragraph(self, paragraph: Any, label: str = "") -> str:
        for hidden in paragraph.iter(f"{TEXT}hidden-paragraph"):
            if is_on(hidden.get(f"{TEXT}is-hidden")):
                self._losses.hidden += _length(paragraph)
                return ""
        style = paragraph.get(f"{TEXT}style-name")
        runs = Runs()
        behind: list[str] = []
        self._inline(paragraph, self.styles.look("paragraph", style), runs, behind)
        level = self.styles.heading_level(style)
        if paragraph.tag == f"{TEXT}h":
            level = count_of(paragraph.get(f"{TEXT}outline-level"), 10)
            label = label or self._numbering.heading(paragraph, level)
        tag = f"h{min(level, 6)}" if level else "p"
        start = f"<{tag}>"
        if self.styles.is_title(style):
            tag, start = "h1", "<h1 class='title'>"
        before = f"{escape(label)}{LABEL_END} " if label else ""
        return f"{start}{before}{runs.html()}</{tag}>{''.join(behind)}"

    def _inline(self, parent: Any, look: Look, runs: Runs, behind: list[str]) -> None:
        """Append what stands in a paragraph.

        Args:
            behind: gets what hangs on the paragraph and stands beside its text.
        """
        self._text(parent.text, look, runs)
        for child in parent:
            if isinstance(child.tag, str):
                self._piece(child, look, runs, behind)
            self._text(child.tail, look, runs)

    def _piece(self, child: Any, look: Look, runs: Runs, behind: list[str]) -> None:
        tag = child.tag
        match tag.rpartition("}")[2]:
            case "s" if tag == f"{TEXT}s":
                runs.add(" ", look.marks)
            case "tab" if tag == f"{TEXT}tab":
                runs.add(" ", look.marks)
            case "line-break" if tag == f"{TEXT}line-break":
                runs.add(BREAK, look.marks)
            case "note" if tag == f"{TEXT}note":
                self._note(child, look, runs)
            case "annotation" if tag == f"{OFFICE}annotation":
                self._losses.left_out("comment")
            case "fieldmark" if child.get(_FIELD_TYPE, "").endswith("CHECKBOX"):
                values = {one.get(_FIELD_VALUE) for one in child}
                runs.add("☑" if "true" in values else "☐")
            case "control" if tag == f"{DRAW}control":
                runs.add(self._control(child))
            case _ if tag.startswith((DRAW, TABLE)):
                self._hung(child, runs, behind)
            case _ if tag.startswith((TEXT, LOEXT)) and tag not in _SILENT:
                self._styled(child, look, runs, behind)

    def _styled(self, child: Any, look: Look, runs: Runs, behind: list[str]) -> None:
        """Append a span, link or field."""
        is_hidden = is_on(child.get(f"{TEXT}is-hidden"))
        if is_hidden or child.get(f"{TEXT}display") == "none":
            self._losses.hidden += _length(child)
            return
        style = child.get(f"{TEXT}style-name")
        if style is not None:
            look = self.styles.look("text", style).over(look)
        self._inline(child, look, runs, behind)

    def _text(self, text: str | None, look: Look, runs: Runs) -> None:
        if not text:
            return
        if look.hidden:
            self._losses.hidden += len(text.strip())
            return
        runs.add(_BLANKS.sub(" ", text), look.marks)

    def _note(self, note: Any, look: Look, runs: Runs) -> None:
        body = note.find(f"{TEXT}note-body")
        if body is None or look.hidden:
            return
        self._notes.append(self.blocks(body))
        runs.add_markup(note_mark(len(self._notes)))

    def _hung(self, drawn: Any, runs: Runs, behind: list[str]) -> None:
        """Append a drawing: a picture in the line, all else behind the paragraph."""
        markup = self.block(drawn)
        if markup.startswith("<img"):
            runs.add_markup(markup)
        else:
            behind.append(markup)

    def _drawn(self, drawn: Any) -> str:
        """Return what a drawing says, and remember what it shows."""
        if drawn.tag == f"{DRAW}control":
            text = self._control(drawn)
            return f"<p>{escape(text)}</p>" if text else ""
        if drawn.tag != f"{DRAW}frame":
            return self.blocks(drawn)
        for child in elements(drawn):
            if child.tag == f"{DRAW}text-box":
                return self.blocks(child)
            if child.tag == f"{TABLE}table":
                return self._table(child)
            if child.tag == f"{DRAW}object":
                chart = self._chart(child)
                if not chart:
                    self._on_unread(self._package.kind_of(child), drawn)
                return chart
            if child.tag in _UNREAD:
                self._on_unread(_UNREAD[child.tag], drawn)
                return _image(drawn)
        return ""

    def _chart(self, drawn: Any) -> str:
        """Return the rows of a chart in a text, "" if its numbers are not known."""
        if not self._says_charts:
            return ""
        rows = chart_blocks(self._package.chart(drawn))
        return "".join(f"<p>{escape(row.text)}</p>" for row in rows)

    def _control(self, drawn: Any) -> str:
        """Return what a field of a form shows."""
        control = self._controls.get(drawn.get(f"{DRAW}control"))
        if control is None:
            return ""
        label = control.get(f"{FORM}label") or ""
        if control.tag in (f"{FORM}checkbox", f"{FORM}radio"):
            state = control.get(f"{FORM}current-state") or control.get(f"{FORM}state")
            selected = control.get(f"{FORM}current-selected")
            selected = selected or control.get(f"{FORM}selected")
            is_ticked = state == "checked" or is_on(selected)
            return f"{'☑' if is_ticked else '☐'} {label}"
        if control.tag == f"{FORM}listbox":
            options = control.iterfind(f"{FORM}option")
            chosen = (
                one.get(f"{FORM}label") or ""
                for one in options
                if is_on(one.get(f"{FORM}current-selected"))
            )
            return ", ".join(chosen)
        if control.tag in _VALUES:
            value = control.get(f"{FORM}current-value") or control.get(f"{FORM}value")
            return value or ""
        if control.tag == f"{FORM}fixed-text":
            return label
        return ""

    def _list(
        self,
        element: Any,
        style: str = "",
        depth: int = 1,
        counters: Counters | None = None,
    ) -> str:
        style = element.get(f"{TEXT}style-name") or style
        if counters is None:
            counters = self._numbering.begin(element, style)
        items: list[str] = []
        for item in elements(element):
            label = ""
            if item.tag == f"{TEXT}list-item" and _has_own_text(item):
                label = self._numbering.label(counters, style, depth, item)
            parts: list[str] = []
            for child in elements(item):
                if child.tag == f"{TEXT}list":
                    parts.append(self._list(child, style, depth + 1, counters))
                elif child.tag in (f"{TEXT}p", f"{TEXT}h"):
                    parts.append(self._paragraph(child, label))
                    label = ""
                else:
                    parts.append(self.block(child))
            items.append(f"<li>{''.join(parts)}</li>")
        return f"<ul>{''.join(items)}</ul>"

    def _table(self, table: Any) -> str:
        hidden = _hidden_columns(table)
        lines: list[str] = []
        for row, is_header in rows_of(table):
            if not is_shown(row):
                self._losses.left_out("hidden row")
                continue
            line = self._row(row, hidden, is_header=is_header)
            copies = 1
            if row.find(f".//{TEXT}p") is not None:
                copies = count_of(
                    row.get(f"{TABLE}number-rows-repeated"), _MOST_REPEATED
                )
            lines += [line] * copies
        self._losses.left_out("hidden column", len(hidden))
        return f"<table>{''.join(lines)}</table>"

    def _row(self, row: Any, hidden: set[int], *, is_header: bool) -> str:
        cells: list[str] = []
        column = 0
        for cell in elements(row):
            width = count_of(
                cell.get(f"{TABLE}number-columns-repeated"), _MOST_REPEATED
            )
            for _ in range(width):
                if cell.tag == f"{TABLE}table-cell" and column not in hidden:
                    cells.append(self._cell(cell, is_header=is_header))
                column += 1
        return f"<tr>{''.join(cells)}</tr>"

    def _cell(self, cell: Any, *, is_header: bool) -> str:
        styles = [
            paragraph.get(f"{TEXT}style-name")
            for paragraph in cell.iterfind(f"{TEXT}p")
        ]
        if styles and all(map(self.styles.is_header_cell, styles)):
            is_header = True
        tag = "th" if is_header else "td"
        spans = ""
        for name, attribute in (("rows", "rowspan"), ("columns", "colspan")):
            reach = count_of(cell.get(f"{TABLE}number-{name}-spanned"), _MOST_REPEATED)
            if reach > 1:
                spans += f" {attribute}='{reach}'"
        return f"<{tag}{spans}>{self.blocks(cell)}</{tag}>"


def elements(parent: Any) -> Iterator[Any]:
    """Yield the children of an element, comments and instructions left out."""
    return iter(parent.iterchildren(tag=etree.Element))


def rows_of(parent: Any, *, is_header: bool = False) -> Iterator[tuple[Any, bool]]:
    """Yield the rows of a table, in groups or not, and whether each names columns."""
    for child in elements(parent):
        if child.tag == f"{TABLE}table-row":
            yield child, is_header
        elif child.tag == f"{TABLE}table-header-rows":
            yield from rows_of(child, is_header=True)
        elif child.tag in (f"{TABLE}table-rows", f"{TABLE}table-row-group"):
            yield from rows_of(child, is_header=is_header)


def _hidden_columns(table: Any) -> set[int]:
    """Return the places of the columns that are not shown, from 0."""
    hidden: set[int] = set()
    at = 0
    for column in table.iter(f"{TABLE}table-column", f"{TABLE}table-row"):
        if column.tag == f"{TABLE}table-row":
            break
        width = count_of(column.get(f"{TABLE}number-columns-repeated"), _MOST_REPEATED)
        if not is_shown(column):
            hidden.update(range(at, at + width))
        at += width
    return hidden


def _has_own_text(item: Any) -> bool:
    """Return whether an item says something before a list in it begins."""
    first = next(elements(item), None)
    return first is not None and first.tag != f"{TEXT}list"


def _image(frame: Any) -> str:
    """Return a picture with the words that stand for it."""
    names = (frame.findtext(f"{SVG}{name}") for name in ("title", "desc"))
    name = " ".join(next(filter(None, names), "").split())
    return f'<img alt="{escape(name)}">' if name else ""


def _length(element: Any) -> int:
    return len(_BLANKS.sub(" ", "".join(element.itertext())).strip())
