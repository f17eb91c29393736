"""Markdown (CommonMark with tables): rendered to HTML, whose structure becomes blocks."""

from __future__ import annotations

from markdown_it import MarkdownIt

from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.frontmatter import split_front_matter
from kbserver.ingest.formats.markup import parse_html, remove_hidden
from kbserver.ingest.formats.source import SourceFile
from kbserver.ingest.formats.structure import html_blocks

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is the front matter's, else that of a heading at the top."""
    text, notes = file.text()
    metadata, body = split_front_matter(text, file.source)
    root = parse_html(_MARKDOWN.render(body))
    blocks: list[Block] = []
    if root is not None:
        if hidden := remove_hidden(root):
            notes = (*notes, f"removed {hidden} hidden characters")
        blocks = html_blocks(root)
    title = str(metadata.get("title", ""))
    if not title:
        title, blocks = title_of(blocks)
    return [Document(file.source, title or title_from(file.source), tuple(blocks), metadata, notes)]


def title_of(blocks: list[Block]) -> tuple[str, list[Block]]:
    """Return the title that a document's first heading gives it ("" if none does) and the blocks without it.

    A heading titles the document if nothing stands before it, it is no minor one (a mere bold line counts as
    level 6) and no other heading is as high, or one as high comes at once: it has nothing else to be about.
    """
    if not blocks or blocks[0].kind != "heading" or not blocks[0].text or blocks[0].level > 3:
        return "", blocks
    rivals = [block.level for block in blocks[1:] if block.kind == "heading" and block.text]
    alone = len(blocks) > 1 and blocks[1].kind == "heading" and blocks[1].level == blocks[0].level and blocks[1].text
    if any(level < blocks[0].level or (level == blocks[0].level and not alone) for level in rivals):
        return "", blocks
    return blocks[0].text, blocks[1:]
