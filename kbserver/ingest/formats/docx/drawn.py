"""Charts, diagrams and pictures of a Word file: said where they stand, like those of PowerPoint."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from lxml import etree

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.docx.styles import W
from kbserver.ingest.formats.ocr.embedded import WHOLE, Crop, Embedded
from kbserver.ingest.formats.ocr.placed import Placed
from kbserver.ingest.formats.office.diagram import DIAGRAM, diagram_blocks
from kbserver.ingest.formats.shared.chart import chart_blocks

_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart"
_DIAGRAM = f"{{{DIAGRAM}}}relIds"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_BLIP = f"{_A}blip"
_IMAGE = "{urn:schemas-microsoft-com:vml}imagedata"
_PICTURES = (_BLIP, _IMAGE)
_PER_WHOLE = 100_000
"""Thousandths of a percent, in which DrawingML says what is cropped."""

Media: TypeAlias = Callable[[str], bytes | None]


class Drawings:
    """The charts, diagrams and pictures of a file that are said where they stand."""

    def __init__(
        self, parts: Mapping[str, bytes], pictures: Embedded, media: Media
    ) -> None:
        """Begin with none.

        Args:
            parts: XML of the file by name.
            pictures: reads those of the file.
            media: returns the content of a picture by the name of its part.
        """
        self._parts = parts
        self._pictures = pictures
        self._media = media
        self._placed = Placed()

    def mark(self, story: Any, name: str) -> set[Any]:
        """Put a paragraph with a mark behind each drawing that says something.

        Args:
            story: root of a part.
            name: the part's.

        Returns:
            The elements that were read.
        """
        targets = self._targets(name)
        read: set[Any] = set()
        # the last of several drawings of one paragraph
        behind: dict[Any, Any] = {}
        for element in list(story.iter(_CHART, _DIAGRAM, *_PICTURES)):
            host = next(element.iterancestors(f"{W}p"), None)
            if host is None or _is_hidden(element):
                continue
            blocks = self._said_by(element, targets)
            if blocks is None:
                continue
            read.add(element)
            if blocks:
                marked = self._marked(blocks)
                behind.get(host, host).addnext(marked)
                behind[host] = marked
        return read

    def in_place(self, blocks: Iterable[Block]) -> list[Block]:
        """Return blocks with those of each drawing instead of its mark."""
        return self._placed.in_place(blocks)

    def _said_by(self, element: Any, targets: Mapping[str, str]) -> list[Block] | None:
        """Return what a drawing says; None if that cannot be read."""
        if element.tag in _PICTURES:
            return self._picture(element, targets)
        is_chart = element.tag == _CHART
        reference = element.get(f"{_RELATION}{'id' if is_chart else 'dm'}", "")
        root = self._root(targets.get(reference, ""))
        if root is None:
            return None
        blocks = chart_blocks(root) if is_chart else diagram_blocks(root)
        return blocks or None

    def _picture(self, element: Any, targets: Mapping[str, str]) -> list[Block] | None:
        crop = _crop(element)
        if crop is None:
            return None
        is_blip = element.tag == _BLIP
        reference = element.get(f"{_RELATION}{'embed' if is_blip else 'id'}", "")
        name = targets.get(reference, "")
        return self._pictures.blocks(
            lambda: self._media(name), posixpath.basename(name), crop=crop
        )

    def _marked(self, blocks: list[Block]) -> Any:
        paragraph = etree.Element(f"{W}p")
        text = etree.SubElement(etree.SubElement(paragraph, f"{W}r"), f"{W}t")
        text.text = self._placed.mark(blocks)
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


def _is_hidden(element: Any) -> bool:
    """Return whether a drawing was deleted, or stands where nothing is shown."""
    if next(element.iterancestors(f"{W}del", f"{W}moveFrom"), None) is not None:
        return True
    run = next(element.iterancestors(f"{W}r"), None)
    vanish = run.find(f"{W}rPr/{W}vanish") if run is not None else None
    if vanish is not None:
        return vanish.get(f"{W}val") not in ("0", "false", "off")
    drawing = next(element.iterancestors(f"{W}drawing"), None)
    shown = drawing.find(f"*/{_WP}docPr") if drawing is not None else None
    return shown is not None and shown.get("hidden") in ("1", "true")


def _crop(element: Any) -> Crop | None:
    """Return what of a picture is not shown; None if that is written in no known way."""
    if any(name.startswith("crop") for name in element.attrib):
        return None  # of an old drawing, whose shares have many notations
    cut = element.getparent().find(f"{_A}srcRect")
    if cut is None:
        return WHOLE
    try:
        return Crop(*(_share(cut.get(side, "0")) for side in "ltrb"))
    except ValueError:
        return None


def _share(text: str) -> float:
    """Return a share as DrawingML writes it: `25000`, or `25%` in strict files."""
    if text.endswith("%"):
        return float(text[:-1]) / 100
    return int(text) / _PER_WHOLE
