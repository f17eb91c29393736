"""A Word file made ready for mammoth: what it would lose or misread is written plainly.

Mammoth 1.13 reads hidden text like any other, and neither numbers, double strikes,
simple fields, text boxes without a fallback nor the look of a table's first row.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from lxml import etree

from kbserver.ingest.formats.docx.drawn import Drawings
from kbserver.ingest.formats.docx.numbering import Numbering
from kbserver.ingest.formats.docx.styles import Styles, W, value_of
from kbserver.ingest.formats.ocr.embedded import Embedded
from kbserver.ingest.formats.ocr.shown import MOST_BYTES
from kbserver.ingest.formats.office.losses import CONTENTS, Losses
from kbserver.ingest.formats.shared.signs import SIGN_FONTS
from kbserver.ingest.formats.shared.structure import LABEL_END

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_STORIES = frozenset((f"{W}document", f"{W}footnotes", f"{W}endnotes"))
_UNREAD = {
    "}chart": "chart",
    "}relIds": "diagram",
    "}oMath": "equation",
    "}OLEObject": "embedded object",
    "}altChunk": "embedded document",
    "}blip": "picture",
    "}imagedata": "picture",
}


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that mammoth reads rightly, and what it holds beside its text."""

    docx: BinaryIO
    """Without pictures: what is written on them stands in the text."""
    notes: tuple[str, ...]
    """What is left out."""
    drawings: Drawings
    facts: tuple[str, ...]
    """What headers and footers say that a caller may ask for."""


def ready(archive: zipfile.ZipFile, pictures: Embedded) -> Ready:
    """Make a file ready.

    Args:
        pictures: reads those of the file.
    """
    entries = {entry.filename: entry for entry in archive.infolist()}

    def media(name: str) -> bytes | None:
        entry = entries.get(name)
        if entry is None or entry.file_size > MOST_BYTES:
            return None
        return archive.read(entry)

    parts = {
        entry.filename: archive.read(entry)
        for entry in archive.infolist()
        if entry.filename.endswith((".xml", ".rels"))
    }
    styles = Styles(_parsed(parts.get("word/styles.xml")))
    numbering = Numbering(_parsed(parts.get("word/numbering.xml")), styles)
    prepass = _Prepass(styles, numbering, Drawings(parts, pictures, media))
    docx = io.BytesIO()
    with zipfile.ZipFile(docx, "w") as copy:
        for name, content in parts.items():
            copy.writestr(name, prepass.part(name, content))
    docx.seek(0)
    losses = prepass.losses
    notes = (*losses.notes(), *pictures.notes())
    return Ready(docx, notes, prepass.drawings, tuple(losses.facts()))


class _Prepass:
    """One pass over all parts of a file."""

    def __init__(
        self, styles: Styles, numbering: Numbering, drawings: Drawings
    ) -> None:
        self.drawings = drawings
        self._styles = styles
        self._numbering = numbering
        self.losses = Losses()

    def part(self, name: str, content: bytes) -> bytes:
        """Return a part as mammoth is to read it."""
        if not re.fullmatch(r"word/[^/]+\.xml", name):
            return content
        kind = name.rpartition("/")[2].rstrip("0123456789.xml")
        if kind in ("header", "footer"):
            self._note_margin(kind, content)
        elif kind == "comments":
            comments = _parsed(content).findall(f"{W}comment")
            self.losses.left_out("comment", len(comments))
        elif kind == "styles":
            return _names_of_styles(content)
        elif kind not in (
            "numbering",
            "settings",
            "fontTable",
            "webSettings",
        ):
            root = _parsed(content)
            if root.tag in _STORIES:
                self._story(root, name)
                return etree.tostring(root)
        return content

    def _story(self, root: Any, name: str) -> None:
        _remove_contents(root, self._styles)
        _move_text_boxes(root)
        _unwrap(root)
        read = self.drawings.mark(root, name)
        for element in root.iter():
            if not isinstance(element.tag, str) or element in read:
                continue
            for ending, thing in _UNREAD.items():
                if element.tag.endswith(ending):
                    self.losses.unread(thing)
        for paragraph in root.iter(f"{W}p"):
            self._paragraph(paragraph)
        for table in root.iter(f"{W}tbl"):
            self._table(table)

    def _paragraph(self, paragraph: Any) -> None:
        style = value_of(paragraph.find(f"{W}pPr/{W}pStyle"))
        for run in _own_runs(paragraph):
            self._run(run, style)
        label = self._numbering.label(paragraph)
        if label:
            run = etree.Element(f"{W}r")
            text = etree.SubElement(run, f"{W}t")
            text.text = f"{label}{LABEL_END} "
            text.set(_SPACE, "preserve")
            at = 1 if paragraph.find(f"{W}pPr") is not None else 0
            paragraph.insert(at, run)

    def _run(self, run: Any, paragraph_style: str) -> None:
        """Take out a hidden run; write what its style says as its own marks."""
        if self._styles.is_set(run, "vanish", paragraph_style):
            for text in run.findall(f"{W}t"):
                self.losses.hidden += len(text.text or "")
                run.remove(text)
            return
        is_struck = any(
            self._styles.is_set(run, mark, paragraph_style)
            for mark in ("strike", "dstrike")
        )
        properties = run.find(f"{W}rPr")
        if is_struck:
            if properties is None:
                properties = etree.Element(f"{W}rPr")
                run.insert(0, properties)
            for strike in properties.findall(f"{W}strike"):
                properties.remove(strike)
            etree.SubElement(properties, f"{W}strike")
        if properties is not None and self._styles.is_raised(run):
            place = properties.find(f"{W}vertAlign")
            if place is None:
                place = etree.SubElement(properties, f"{W}vertAlign")
            place.set(f"{W}val", "superscript")
        if properties is not None:
            fonts = properties.find(f"{W}rFonts")
            name = fonts.get(f"{W}ascii", "") if fonts is not None else ""
            for text in run.iterfind(f"{W}t"):
                text.text = (text.text or "").translate(
                    SIGN_FONTS.get(name.lower(), {})
                )

    def _table(self, table: Any) -> None:
        """Mark the first row as a header if the table's style makes it look like one."""
        first = table.find(f"{W}tr")
        if first is None or first.find(f"{W}trPr/{W}tblHeader") is not None:
            return
        look = table.find(f"{W}tblPr/{W}tblLook")
        style = value_of(table.find(f"{W}tblPr/{W}tblStyle"))
        is_marked = any(one.marks_first_row for _, one in self._styles.chain(style))
        if not is_marked or not _marks_first_row(look):
            return
        properties = first.find(f"{W}trPr")
        if properties is None:
            properties = etree.Element(f"{W}trPr")
            first.insert(0, properties)
        etree.SubElement(properties, f"{W}tblHeader")

    def _note_margin(self, kind: str, content: bytes) -> None:
        root = _parsed(content)
        _move_text_boxes(root)
        _unwrap(root)
        texts: list[str] = []
        for paragraph in root.iter(f"{W}p"):
            self._paragraph(paragraph)
            runs = _own_runs(paragraph)
            texts.append("".join(_run_text(run) for run in runs))
        self.losses.margin(kind, " ".join(texts))
        for mark in root.iter("{urn:schemas-microsoft-com:vml}textpath"):
            self.losses.margin("watermark", mark.get("string", ""))


def _parsed(content: bytes | None) -> Any:
    """Return the root of a part, None without one."""
    if content is None:
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.fromstring(content, parser)


def _names_of_styles(content: bytes) -> bytes:
    """Return a part of styles with what mammoth takes from it: names, and numbering.

    Its parser takes longer for the looks of the styles than for most documents.
    """
    root = _parsed(content)
    if root.tag != f"{W}styles":
        return content
    for child in list(root):
        if child.tag != f"{W}style":
            root.remove(child)
            continue
        kept = [f"{W}name"]
        if child.get(f"{W}type") == "numbering":
            kept.append(f"{W}pPr")
        for detail in list(child):
            if detail.tag not in kept:
                child.remove(detail)
    return etree.tostring(root)


def _own_runs(paragraph: Any) -> Iterator[Any]:
    """Yield the runs of a paragraph, those in links and fields too."""
    for child in paragraph:
        if child.tag == f"{W}r":
            yield child
        elif child.tag not in (f"{W}p", f"{W}tbl", f"{W}pPr"):
            yield from _own_runs(child)


def _run_text(run: Any) -> str:
    """Return what a run shows, nothing if it is struck out; a tab parts its words."""
    if run.find(f"{W}rPr/{W}strike") is not None:
        return ""
    texts: list[str] = []
    for one in run:
        if one.tag == f"{W}t":
            texts.append(one.text or "")
        elif one.tag in (f"{W}tab", f"{W}br"):
            texts.append(" ")
    return "".join(texts)


def _remove_contents(
    root: Any,
    styles: Styles,
) -> None:
    """Remove tables of contents: their lines repeat headings and page numbers."""
    for block in list(root.iter(f"{W}sdt")):
        gallery = block.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
        if value_of(gallery) == "Table of Contents":
            block.getparent().remove(block)
    for paragraph in list(root.iter(f"{W}p")):
        style = value_of(paragraph.find(f"{W}pPr/{W}pStyle"))
        if style and CONTENTS.match(styles.name(style)):
            paragraph.getparent().remove(paragraph)


def _move_text_boxes(root: Any) -> None:
    """Put the paragraphs of each text box behind the paragraph that it hangs on."""
    for choice in list(root.iter(f"{_MC}AlternateContent")):
        if choice.find(f"{_MC}Choice//{W}txbxContent") is not None:
            for fallback in choice.findall(f"{_MC}Fallback"):
                choice.remove(fallback)
    boxes = list(root.iter(f"{W}txbxContent"))
    for box in reversed(boxes):
        hosts = list(box.iterancestors(f"{W}p"))
        if hosts:
            for content in reversed(list(box)):
                hosts[-1].addnext(content)


def _unwrap(root: Any) -> None:
    """Put the content of simple fields, and of turned text, in their place."""
    for wrapper in list(root.iter(f"{W}fldSimple", f"{W}dir", f"{W}bdo")):
        parent = wrapper.getparent()
        at = parent.index(wrapper)
        for child in reversed(list(wrapper)):
            parent.insert(at, child)
        parent.remove(wrapper)


def _marks_first_row(look: Any) -> bool:
    if look is None:
        return True
    first_row = look.get(f"{W}firstRow")
    if first_row is not None:
        return first_row in ("1", "true", "on")
    try:
        return bool(int(value_of(look), 16) & 0x0020)
    except ValueError:
        return True
