"""Word documents: mammoth turns their styles into HTML, whose structure becomes blocks."""

from __future__ import annotations

import mammoth

from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.docx.prepass import ready
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.office.running import fact_blocks
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text

_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Caption'] => p:fresh
"""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is a heading or Title paragraph at the top, else the file's name.
    """
    with open_checked_zip(file.path, file.source) as archive:
        prepared = ready(archive)
    html = mammoth.convert_to_html(
        prepared.docx,
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda image: {}),
    )
    root = parse_html(html.value)
    if root is None:
        return []
    for box in root.iter("input"):
        box.set("disabled", "")  # ticked in the file, not by its reader
    notes = (*prepared.notes, *settle(root))
    title = ""
    titled = root.find(".//h1[@class='title']")
    if titled is not None:
        title = inline_text(titled)
        titled.drop_tree()
    blocks = html_blocks(root)
    if not title:
        title, blocks = title_of(blocks)
    title = title or title_from(file.source)
    blocks = [*prepared.drawings.in_place(blocks), *fact_blocks(prepared.facts)]
    return [Document(file.source, title, tuple(blocks), {}, notes)]
