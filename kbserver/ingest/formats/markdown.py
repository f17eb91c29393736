"""Markdown (CommonMark with tables): rendered to HTML, whose structure becomes blocks."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.exports import notion
from kbserver.ingest.formats.exports.dialects import plain_markdown
from kbserver.ingest.formats.exports.pictures import PagePictures
from kbserver.ingest.formats.shared import footnotes
from kbserver.ingest.formats.shared.frontmatter import split_front_matter
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks

_MINOR_LEVEL = 4
"""Headings of this level and below title nothing."""

_FOOTNOTE = re.compile(
    r"^ {0,3}\[\^(?P<name>[^\]\s]+)\]:[ \t]*(?P<text>\S.*(?:\n[ \t]{2,}\S.*)*)",
    re.MULTILINE,
)
# Begins where blanks begin and ends before another mark: searched for from each blank
# or mark on, a long run of them would take time with its square.
_FOOTNOTE_MARK = re.compile(r"(?<![ \t])[ \t]*\[\^([^\[\]\s]+)\]")
# As GitHub reads it; a number after the first is an estimate: `~5 km`.
_STRUCK_BY_ONE = re.compile(
    r"(?<![\w~`\\])~(?=[^\s~\d])([^~\n`]{0,80}[^\s~`])~(?![\w~`])"
)
_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Its title is the front matter's, else a heading's at the top, else the file's name.
    """
    text, notes = file.text()
    metadata, body = split_front_matter(text, file.source)
    properties, body = notion.page_text(body, file)
    metadata = {**normalise(file.source, properties), **metadata}
    body, left_out = plain_markdown(body, metadata)
    notes = (*notes, *left_out)
    body = _STRUCK_BY_ONE.sub(r"~~\1~~", body)
    root = parse_html(_MARKDOWN.render(_with_footnotes(body)))
    blocks: list[Block] = []
    pictures = PagePictures(file)
    if root is not None:
        notes = (*notes, *settle(root), *pictures.read(root))
        blocks = pictures.in_place(html_blocks(root))
    title, blocks = title_of(blocks, str(metadata.get("title", "")))
    title = title or title_from(file.source)
    return [
        Document(
            file.source, title, tuple(blocks), metadata, notes, shown=pictures.shown
        )
    ]


def title_of(blocks: list[Block], given: str = "") -> tuple[str, list[Block]]:
    """Return a document's title ("" if there is none) and the blocks without it.

    A heading titles the document if nothing stands before it, it is no minor one (a
    mere bold line counts as level 6), and no other heading is as high. It does so, too,
    if one as high follows at once: it has nothing else to be about.

    Args:
        given: a title from elsewhere, which wins; a heading at the top that only
            repeats it is removed.
    """
    if not blocks or blocks[0].kind != "heading":
        return given, blocks
    first, *rest = blocks
    if given:
        is_repeated = first.text.casefold() == given.casefold()
        return given, rest if is_repeated else blocks
    if not first.text or first.level >= _MINOR_LEVEL:
        return "", blocks
    levels = [block.level for block in rest if block.kind == "heading" and block.text]
    highest = min(levels, default=first.level + 1)
    if highest < first.level:
        return "", blocks
    if highest == first.level and not _follows_at_once(blocks):
        return "", blocks
    return first.text, rest


def _follows_at_once(blocks: list[Block]) -> bool:
    """Return whether the second block is a heading as high as the first."""
    first, second = blocks[:2]
    return (
        second.kind == "heading" and second.level == first.level and second.text != ""
    )


def _with_footnotes(text: str) -> str:
    """Put each short footnote where its mark is.

    Alone at the end of the document, it would not say what it is about.
    """
    notes = {
        found["name"]: " ".join(found["text"].split())
        for found in _FOOTNOTE.finditer(text)
    }
    marks = _FOOTNOTE_MARK.findall(_FOOTNOTE.sub("", text))
    pointed_at = {name for name in marks if name in notes}
    if not pointed_at:
        return text

    def is_short(name: str) -> bool:
        return len(notes[name]) <= footnotes.FOOTNOTE_CHARACTERS

    def at_the_end(found: re.Match[str]) -> str:
        name = found["name"]
        if name in pointed_at and is_short(name):
            return ""
        return notes[name]

    def at_the_mark(found: re.Match[str]) -> str:
        name = found[1]
        if name not in notes:
            return found[0]
        if not is_short(name):
            return ""
        return footnotes.mark(notes[name])

    return _FOOTNOTE_MARK.sub(at_the_mark, _FOOTNOTE.sub(at_the_end, text))
