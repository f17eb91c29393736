"""Word documents: mammoth turns their styles into HTML, whose structure becomes blocks."""

from __future__ import annotations

import io
import zipfile
from typing import BinaryIO

import mammoth
from lxml import etree

from kbserver.ingest.blocks import Document, counted, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Caption'] => p:fresh
comment-reference =>
"""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is a heading or Title paragraph at the top, else the file's name.
    """
    with open_checked_zip(file.path, file.source) as archive:
        docx, hidden = _without_hidden(archive)
    html = mammoth.convert_to_html(
        docx,
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda image: {}),
    )
    root = parse_html(html.value)
    if root is None:
        return []
    notes: tuple[str, ...] = ()
    if hidden:
        notes = (f"removed {counted(hidden, 'hidden character')}",)
    title = ""
    titled = root.find(".//h1[@class='title']")
    if titled is not None:
        title = inline_text(titled)
        titled.drop_tree()
    blocks = html_blocks(root)
    if not title:
        title, blocks = title_of(blocks)
    title = title or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), {}, notes)]


def _without_hidden(archive: zipfile.ZipFile) -> tuple[BinaryIO, int]:
    """Return a copy without hidden text, and the number of characters of that.

    Mammoth reads text set as hidden like any other. The copy has no pictures, because
    nothing reads them.
    """
    hidden = 0
    docx = io.BytesIO()
    with zipfile.ZipFile(docx, "w") as copy:
        for entry in archive.infolist():
            if not entry.filename.endswith((".xml", ".rels")):
                continue
            content = archive.read(entry)
            if b"vanish" in content:
                content, removed = _without_hidden_runs(content)
                hidden += removed
            copy.writestr(entry.filename, content)
    docx.seek(0)
    return docx, hidden


def _without_hidden_runs(xml: bytes) -> tuple[bytes, int]:
    """Return the XML without the texts of hidden runs, and their characters."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(xml, parser)
    hidden = 0
    for run in root.iterfind(f".//{_W}r"):
        if not _is_hidden(run):
            continue
        for text in run.findall(f"{_W}t"):
            hidden += len(text.text or "")
            run.remove(text)
    return etree.tostring(root), hidden


def _is_hidden(run: etree._Element) -> bool:
    mark = run.find(f"{_W}rPr/{_W}vanish")
    if mark is None:
        return False
    return mark.get(f"{_W}val", "true") not in ("false", "0", "off")
