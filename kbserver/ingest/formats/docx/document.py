"""Word documents: mammoth turns their styles into HTML, whose structure becomes blocks."""

from __future__ import annotations

from dataclasses import replace

import mammoth

from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.docx.prepass import ready
from kbserver.ingest.formats.ocr.embedded import Embedded
from kbserver.ingest.formats.office.prose import prose_document
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.source import SourceFile

_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='Subtitle'] => p:fresh
p[style-name='Caption'] => p:fresh
"""


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is a heading or Title paragraph at the top, else the file's name.
    """
    with open_checked_zip(file) as archive:
        prepared = ready(archive, Embedded(file))
    html = mammoth.convert_to_html(
        prepared.docx,
        style_map=_STYLES,
        convert_image=mammoth.images.img_element(lambda image: {}),
    )
    facts = prepared.facts
    documents = prose_document(html.value, file.source, prepared.notes, facts)
    return [
        replace(one, blocks=tuple(prepared.drawings.in_place(list(one.blocks))))
        for one in documents
    ]
