"""A document of prose as HTML to blocks: the end of the way for Word, RTF and OpenDocument."""

from __future__ import annotations

from collections.abc import Iterable

from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.office.running import fact_blocks
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text


def prose_document(
    markup: str,
    source: str,
    notes: tuple[str, ...] = (),
    facts: Iterable[str] = (),
) -> list[Document]:
    """Return one document, none without any markup.

    Its title is an `h1` of the class `title` or a heading at the top, else the file's name.

    Args:
        facts: of headers and footers, which are said at the end.
    """
    root = parse_html(markup)
    if root is None:
        return []
    for box in root.iter("input"):
        box.set("disabled", "")  # ticked in the file, not by its reader
    notes = (*notes, *settle(root))
    title = ""
    titled = root.find(".//h1[@class='title']")
    if titled is not None:
        title = inline_text(titled)
        titled.drop_tree()
    blocks = html_blocks(root)
    if not title:
        title, blocks = title_of(blocks)
    title = title or title_from(source)
    whole = (*blocks, *fact_blocks(facts))
    return [Document(source, title, whole, {}, notes)]
