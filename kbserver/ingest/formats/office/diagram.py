"""Diagrams of Office files (SmartArt): what their points say, as a list. Pure."""

from __future__ import annotations

from typing import Any

from kbserver.ingest.blocks import Block

DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def diagram_blocks(data: Any) -> list[Block]:
    """Return the points of a diagram in their order.

    Args:
        data: the `dgm:dataModel` element of lxml.

    Returns:
        [] if none says anything.
    """
    texts = (
        " ".join("".join(point.itertext(f"{_A}t")).split())
        for point in data.iter(f"{{{DIAGRAM}}}pt")
    )
    return [Block("list_item", f"- {text}", 1) for text in texts if text]
