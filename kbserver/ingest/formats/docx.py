"""Word documents: mammoth turns their styles into HTML, whose structure becomes blocks."""

from __future__ import annotations

import mammoth

from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.archive import open_checked_zip
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.markup import parse_html
from kbserver.ingest.formats.source import SourceFile
from kbserver.ingest.formats.structure import html_blocks, inline_text

_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Caption'] => p:fresh
comment-reference =>
"""


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is a heading or Title paragraph at the top, else the file's name."""
    open_checked_zip(file.path, file.source).close()
    with file.path.open("rb") as docx:
        markup = mammoth.convert_to_html(
            docx, style_map=_STYLES, convert_image=mammoth.images.img_element(lambda image: {})
        ).value
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
    return [Document(file.source, title or title_from(file.source), tuple(blocks))]
