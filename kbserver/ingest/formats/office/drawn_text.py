"""Text in shapes of Office files (DrawingML), as slides and sheets have it, with its marks."""

from __future__ import annotations

from typing import Any

from kbserver.ingest.formats.office.runs import Marks, Runs, font_of_signs

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"


def shown_paragraph(paragraph: Any) -> tuple[str, int]:
    """Return what a paragraph shows, and how often text in it is struck out.

    Raised digits become raised characters, letters of a font of signs what they look like.

    Args:
        paragraph: the `a:p` element of lxml.
    """
    runs = Runs()
    for part in paragraph:
        if part.tag == f"{_A}br":
            runs.add(" ")
        elif part.tag in (f"{_A}r", f"{_A}fld"):
            runs.add(part.findtext(f"{_A}t") or "", _marks(part.find(f"{_A}rPr")))
    text, struck = runs.shown()
    return " ".join(text.split()), struck


def shown_text(body: Any) -> tuple[str, int]:
    """Return the paragraphs below an element as one text; the second as above."""
    found = [shown_paragraph(paragraph) for paragraph in body.iter(f"{_A}p")]
    texts = (text for text, _ in found)
    return " ".join(filter(None, texts)), sum(struck for _, struck in found)


def _marks(properties: Any) -> Marks:
    if properties is None:
        return Marks()
    height = properties.get("baseline", "0").rstrip("%")
    fonts = (properties.find(f"{_A}{kind}") for kind in ("sym", "latin"))
    names = [font.get("typeface", "") for font in fonts if font is not None]
    return Marks(
        struck=properties.get("strike", "noStrike") != "noStrike",
        raised=height not in ("", "0") and not height.startswith("-"),
        font=next(filter(None, map(font_of_signs, names)), ""),
    )
