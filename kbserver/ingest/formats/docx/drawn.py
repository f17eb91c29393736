"""Charts and diagrams of a Word file: said where they stand, like those of PowerPoint."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.docx.styles import W
from kbserver.ingest.formats.office.diagram import DIAGRAM, diagram_blocks
from kbserver.ingest.formats.shared.chart import chart_blocks

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM = f"{{{DIAGRAM}}}relIds"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_MARK = "\ufdd3"
"""Around the number of a drawing where its text is to stand; it is in no text."""
_MARKS = re.compile(rf"{_MARK}(\d+){_MARK}")


class Drawings:
    """The charts and diagrams of a file, by number."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        """Begin with none.

        Args:
            parts: XML of the file by name.
        """
        self._parts = parts
        self._blocks: list[list[Block]] = []

    def mark(self, story: Any, name: str) -> set[Any]:
        """Put a paragraph with a mark behind each drawing that says something.

        Args:
            story: root of a part.
            name: the part's.

        Returns:
            The elements that say something.
        """
        targets = self._targets(name)
        read: set[Any] = set()
        for element in list(story.iter(_CHART, _DIAGRAM)):
            is_chart = element.tag == _CHART
            reference = element.get(f"{_RELATION}{'id' if is_chart else 'dm'}", "")
            root = self._root(targets.get(reference, ""))
            host = next(element.iterancestors(f"{W}p"), None)
            if root is None or host is None:
                continue
            blocks = chart_blocks(root) if is_chart else diagram_blocks(root)
            if blocks:
                read.add(element)
                host.addnext(self._marked(blocks))
        return read

    def in_place(self, blocks: Iterable[Block]) -> list[Block]:
        """Return blocks with those of each drawing instead of its mark."""
        placed: list[Block] = []
        for block in blocks:
            whole = _MARKS.fullmatch(block.text)
            if whole is not None:
                placed += self._blocks[int(whole[1])]
            elif _MARK in block.text:  # in a cell or an item
                text = _MARKS.sub(self._sentences, block.text)
                placed.append(Block(block.kind, text, block.level, block.lead_in))
            else:
                placed.append(block)
        return placed

    def _sentences(self, mark: re.Match[str]) -> str:
        texts = (block.text.rstrip(".") for block in self._blocks[int(mark[1])])
        return "; ".join(text.removeprefix("- ") for text in texts)

    def _marked(self, blocks: list[Block]) -> Any:
        paragraph = etree.Element(f"{W}p")
        text = etree.SubElement(etree.SubElement(paragraph, f"{W}r"), f"{W}t")
        text.text = f"{_MARK}{len(self._blocks)}{_MARK}"
        self._blocks.append(blocks)
        return paragraph

    def _targets(self, name: str) -> dict[str, str]:
        """Return the names of the parts that a part points at, by their ids."""
        folder, _, file = name.rpartition("/")
        root = self._root(f"{folder}/_rels/{file}.rels")
        if root is None:
            return {}
        return {
            one.get("Id", ""): posixpath.normpath(
                posixpath.join("/", folder, one.get("Target", ""))
            ).lstrip("/")
            for one in root
            if isinstance(one.tag, str)
        }

    def _root(self, name: str) -> Any:
        content = self._parts.get(name)
        if content is None:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True)
        return etree.fromstring(content, parser)
