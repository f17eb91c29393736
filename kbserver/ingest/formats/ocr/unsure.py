"""What may have been recognised wrongly goes, with the sentence or row it stands in. Pure.

Without a line of it, a sentence would say something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kbserver.ingest.blocks import Block, counted, not_spoken
from kbserver.ingest.formats.ocr.lines import UNSURE

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MOST_QUOTED = 3
_QUOTED_CHARACTERS = 60


def without_unsure(blocks: Iterable[Block]) -> tuple[list[Block], list[str]]:
    """Return the blocks without sentences and rows that hold `UNSURE`, and a note on them.

    Returns:
        Blocks, and [] or one note. A heading that goes still closes its level.
    """
    gone: list[str] = []
    return sure_blocks(blocks, gone), unsure_notes(gone)


def sure_blocks(blocks: Iterable[Block], gone: list[str]) -> list[Block]:
    """Return the blocks without sentences and rows that hold `UNSURE`.

    Args:
        gone: gets those sentences and rows.
    """
    kept: list[Block] = []
    for block in blocks:
        if UNSURE in block.lead_in:
            block = replace(block, lead_in="")
        if UNSURE in block.text:
            block = replace(block, text=_sure_part(block, gone))
        if block.text or block.kind == "heading":
            kept.append(block)
    return kept


def unsure_notes(gone: Sequence[str]) -> list[str]:
    """Return a note on the sentences and rows that went, [] if none did."""
    if not gone:
        return []
    quoted = ", ".join(
        f"“{plain(text)[:_QUOTED_CHARACTERS]}”" for text in gone[:_MOST_QUOTED]
    )
    if len(gone) > _MOST_QUOTED:
        quoted += ", …"
    what = f"{counted(len(gone), 'sentence or row')} recognised too unsurely ({quoted})"
    what = what.replace("sentence or rows", "sentences or rows")
    return [not_spoken(what, "scan it anew, or write in a text what callers need")]


def _sure_part(block: Block, gone: list[str]) -> str:
    """Return the sentences of a block that are sure; the others are added to `gone`."""
    if block.kind == "table_row":
        gone.append(block.text)
        return ""
    sentences = _SENTENCE.split(block.text)
    gone += [sentence for sentence in sentences if UNSURE in sentence]
    return " ".join(sentence for sentence in sentences if UNSURE not in sentence)


def plain(text: str) -> str:
    """Return a text without its marks."""
    return text.replace(UNSURE, "")
