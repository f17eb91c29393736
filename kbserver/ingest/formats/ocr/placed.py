"""Blocks made beside a document's text, which are to stand at a place in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from kbserver.ingest.blocks import Block, least

_MARK = "\ufdd3"
"""Around the number of what is placed, where it is to stand; it is in no text."""
_MARKS = re.compile(rf"{_MARK}(\d+){_MARK}")


class Placed:
    """What is to stand at a place in one document, by number."""

    def __init__(self) -> None:
        self._blocks: list[list[Block]] = []

    def mark(self, blocks: list[Block]) -> str:
        """Return the text to write where these blocks are to stand."""
        self._blocks.append(blocks)
        return f"{_MARK}{len(self._blocks) - 1}{_MARK}"

    def in_place(self, blocks: Iterable[Block]) -> list[Block]:
        """Return blocks with what is placed instead of its mark."""
        if not self._blocks:
            return list(blocks)
        placed: list[Block] = []
        for block in blocks:
            if _MARK in block.lead_in:
                block = replace(block, lead_in=_MARKS.sub("", block.lead_in).strip())
            whole = _MARKS.fullmatch(block.text)
            if whole is not None:
                placed += self._blocks[int(whole[1])]
            elif _MARK in block.text:  # in a cell or an item
                placed.append(self._filled(block))
            else:
                placed.append(block)
        return placed

    def _filled(self, block: Block) -> Block:
        """Return a block with the sentences of what is placed inside of its text."""
        numbers = [int(found) for found in _MARKS.findall(block.text)]
        sure = [one.confidence for number in numbers for one in self._blocks[number]]
        return replace(
            block,
            text=_MARKS.sub(self._sentences, block.text),
            confidence=least((block.confidence, *sure)),
        )

    def _sentences(self, mark: re.Match[str]) -> str:
        texts = (block.text.rstrip(".") for block in self._blocks[int(mark[1])])
        return "; ".join(text.removeprefix("- ") for text in texts)
