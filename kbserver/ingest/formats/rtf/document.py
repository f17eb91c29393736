"""Rich Text Format: what a reader of the document sees, as HTML, whose structure becomes blocks.

Read here and not by striprtf, which tells neither what is hidden, deleted or struck out
nor where a table has its header.
"""

from __future__ import annotations

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.office.prose import prose_document
from kbserver.ingest.formats.rtf.reader import Reader
from kbserver.ingest.formats.shared.source import SourceFile

_BEGIN = b"{\\rtf"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is a heading or Title paragraph at the top, else the file's name.

    Raises:
        DocumentUnreadable: no RTF.
    """
    data = file.bytes().removeprefix(_BYTE_ORDER_MARK).lstrip()
    if not data.startswith(_BEGIN):
        reason = "not an RTF file: it does not begin with {\\rtf"
        raise DocumentUnreadable(file.source, reason)
    losses = Losses()
    markup = Reader(losses).html(data)
    return prose_document(markup, file.source, losses.notes(), losses.facts())


def rtf_html(data: bytes) -> str:
    """Return the text of a mail that is written in RTF as HTML."""
    return Reader(Losses()).html(data)
