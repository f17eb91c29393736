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
    """Return one document; its title is a heading or Title paragraph at the top, else the file's name."""
    with open_checked_zip(file.path, file.source) as archive:
        docx, hidden = _without_hidden(archive)
    markup = mammoth.convert_to_html(
        docx,
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda image: {}),
    ).value
    notes = (f"removed {counted(hidden, 'hidden character')}",) if hidden else ()
    root = parse_html(markup)
    if root is None:
        return []
    title = ""
    if (titled := root.find(".//h1[@class='title']")) is not None:
        title = inline_text(titled)
        titled.drop_tree()
    blocks = html_blocks(root)
    if not title:
        title, blocks = title_of(blocks)
    return [
        Document(
            file.source, title or title_from(file.source), tuple(blocks), {}, notes
        )
    ]


def _without_hidden(archive: zipfile.ZipFile) -> tuple[BinaryIO, int]:
    """Return the document's XML without text set as hidden, which mammoth reads like any other, and how many
    characters that was. Pictures, which nobody reads, are left out."""
    hidden = 0
    docx = io.BytesIO()
    with zipfile.ZipFile(docx, "w") as copy:
        for entry in archive.infolist():
            if entry.filename.endswith((".xml", ".rels")):
                content = archive.read(entry)
                if b"vanish" in content:
                    content, removed = _shown(content)
                    hidden += removed
                copy.writestr(entry.filename, content)
    docx.seek(0)
    return docx, hidden


def _shown(xml: bytes) -> tuple[bytes, int]:
    root = etree.fromstring(
        xml, etree.XMLParser(resolve_entities=False, no_network=True)
    )
    hidden = 0
    for run in root.iterfind(f".//{_W}r"):
        mark = run.find(f"{_W}rPr/{_W}vanish")
        if mark is not None and mark.get(f"{_W}val", "true") not in (
            "false",
            "0",
            "off",
        ):
            for text in run.findall(f"{_W}t"):
                hidden += len(text.text or "")
                run.remove(text)
    return etree.tostring(root), hidden
