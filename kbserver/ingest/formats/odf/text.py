"""OpenDocument texts: headings, lists, tables and footnotes as a reader sees them.

Read here and not by odfpy or odfdo, which tell neither what is hidden nor the numbers
that stand before paragraphs.
"""

from __future__ import annotations

from typing import Any

from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.odf.markup import Markup
from kbserver.ingest.formats.odf.package import STYLE, TEXT, Package
from kbserver.ingest.formats.office.losses import Losses
from kbserver.ingest.formats.office.prose import prose_document
from kbserver.ingest.formats.shared.source import SourceFile

_MARGINS = {
    f"{STYLE}{kind}{pages}": kind
    for kind in ("header", "footer")
    for pages in ("", "-left", "-first")
}


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is a heading or Title paragraph at the top, else the file's name.

    Raises:
        DocumentUnreadable: protected by a password, corrupt, or no text.
    """
    package = Package(file)
    body = package.body("text")
    losses = Losses()
    writer = Markup(package, losses)
    markup = f"<html><body>{writer.blocks(body)}{writer.notes()}</body></html>"
    changes = f"{TEXT}tracked-changes//{TEXT}deletion"
    losses.left_out("deleted text", len(body.findall(changes)))
    for master in writer.styles.masters:
        _note_margins(master, losses)
    return prose_document(markup, file.source, losses.notes(), losses.facts())


def _note_margins(master: Any, losses: Losses) -> None:
    """Note the headers and footers of a kind of page."""
    for margin in master:
        kind = _MARGINS.get(margin.tag)
        if kind and margin.get(f"{STYLE}display") != "false":
            texts = ("".join(one.itertext()) for one in margin.iter(f"{TEXT}p"))
            losses.margin(kind, " ".join(texts))
