"""Markdown (CommonMark with tables): rendered to HTML, whose structure becomes blocks."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from kbserver.ingest.blocks import Block, Document, counted, title_from
from kbserver.ingest.formats.shared.frontmatter import split_front_matter
from kbserver.ingest.formats.shared.markup import parse_html, remove_hidden
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks

FOOTNOTE_CHARACTERS = 200  # a longer one would hide the sentence it stands in

_FOOTNOTE = re.compile(
    r"^ {0,3}\[\^(?P<name>[^\]\s]+)\]:[ \t]*(?P<text>\S.*(?:\n[ \t]{2,}\S.*)*)",
    re.MULTILINE,
)
_FOOTNOTE_MARK = re.compile(r"[ \t]*\[\^([^\]\s]+)\]")
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is the front matter's, else that of a heading at the top."""
    text, notes = file.text()
    metadata, body = split_front_matter(text, file.source)
    root = parse_html(_MARKDOWN.render(_with_footnotes(body)))
    blocks: list[Block] = []
    if root is not None:
        if hidden := remove_hidden(root):
            notes = (*notes, f"removed {counted(hidden, 'hidden character')}")
        blocks = html_blocks(root)
    title, blocks = title_of(blocks, str(metadata.get("title", "")))
    return [
        Document(
            file.source,
            title or title_from(file.source),
            tuple(blocks),
            metadata,
            notes,
        )
    ]


def _with_footnotes(text: str) -> str:
    """Put each short footnote in brackets where it belongs: alone at the end, nobody knows what it is about."""
    notes = {
        found["name"]: " ".join(found["text"].split())
        for found in _FOOTNOTE.finditer(text)
    }
    short = {
        name: note for name, note in notes.items() if len(note) <= FOOTNOTE_CHARACTERS
    }
    pointed_at = {
        name
        for name in _FOOTNOTE_MARK.findall(_FOOTNOTE.sub("", text))
        if name in notes
    }
    if not pointed_at:
        return text

    def left_out(found: re.Match[str]) -> str:
        name = found["name"]
        return "" if name in short and name in pointed_at else notes[name]

    def in_brackets(found: re.Match[str]) -> str:
        return (
            f" ({short[found[1]].rstrip('.')})"
            if found[1] in short
            else ""
            if found[1] in notes
            else found[0]
        )

    return _FOOTNOTE_MARK.sub(in_brackets, _FOOTNOTE.sub(left_out, text))


def title_of(blocks: list[Block], given: str = "") -> tuple[str, list[Block]]:
    """Return the title that a document's first heading gives it ("" if none does) and the blocks without it.

    A title given elsewhere is the title; a heading at the top that only repeats it is taken out.

    A heading titles the document if nothing stands before it, it is no minor one (a mere bold line counts as
    level 6) and no other heading is as high, or one as high comes at once: it has nothing else to be about.
    """
    if given:
        repeated = (
            bool(blocks)
            and blocks[0].kind == "heading"
            and blocks[0].text.casefold() == given.casefold()
        )
        return given, blocks[repeated:]
    if (
        not blocks
        or blocks[0].kind != "heading"
        or not blocks[0].text
        or blocks[0].level > 3
    ):
        return "", blocks
    rivals = [
        block.level for block in blocks[1:] if block.kind == "heading" and block.text
    ]
    alone = (
        len(blocks) > 1
        and blocks[1].kind == "heading"
        and blocks[1].level == blocks[0].level
        and blocks[1].text
    )
    if any(
        level < blocks[0].level or (level == blocks[0].level and not alone)
        for level in rivals
    ):
        return "", blocks
    return blocks[0].text, blocks[1:]
