"""What stands on a sheet beside its cells: text boxes, and the margins of its printed pages."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from kbserver.ingest.formats.office.drawn_text import shown_text

_XDR = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_SHAPE = f"{_XDR}sp"
_BODY = f"{_XDR}txBody"
_NAMED = f"*/{_XDR}cNvPr"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
"""What older programs show in place of a thing: a line that says so."""
_MARGIN_CODES = re.compile(r'&(?:"[^"]*"|K[0-9A-F]{6}|\d{1,3}|[A-Z&])')
"""Of fonts, places and fields in a header or footer.

Source: ECMA-376 part 1, 18.3.1.46.
"""
_PAGE_NUMBER = re.compile("&[PN]")
_MOST_BOXES = 500


def related(archive: zipfile.ZipFile, path: str, kind: str) -> Iterator[Any]:
    """Yield the parts that a sheet names, as elements of lxml.

    Args:
        archive: the workbook.
        path: of the sheet's part.
        kind: `table` or `drawing`.
    """
    folder, name = posixpath.split(path)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.namelist():
        return
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for relation in etree.fromstring(archive.read(relations), parser):
        if not str(relation.get("Type")).endswith(f"/{kind}"):
            continue
        target = posixpath.join(f"/{folder}", str(relation.get("Target")))
        part = posixpath.normpath(target).lstrip("/")
        if part in archive.namelist():
            yield etree.fromstring(archive.read(part), parser)


def text_boxes(archive: zipfile.ZipFile, path: str) -> tuple[list[str], int]:
    """Return the texts of a sheet's boxes, and how many texts in them are struck out."""
    texts: list[str] = []
    total = 0
    for drawing in related(archive, path, "drawing"):
        for shape in list(drawing.iter(_SHAPE))[:_MOST_BOXES]:
            body = shape.find(_BODY)
            if body is None or not _is_seen(shape):
                continue
            text, struck = shown_text(body)
            total += struck
            if text:
                texts.append(text)
    return texts, total


def _is_seen(shape: Any) -> bool:
    """Return whether neither a shape nor a group around it is hidden."""
    for element in (shape, *shape.iterancestors()):
        named = element.find(_NAMED)
        is_hidden = named is not None and named.get("hidden") in ("1", "true")
        if is_hidden or element.tag == _FALLBACK:
            return False
    return True


def margin_texts(element: Any) -> Iterator[str]:
    """Yield what a `headerFooter` element says on the printed pages of its sheet."""
    for part in element:
        text = _MARGIN_CODES.sub(" ", _PAGE_NUMBER.sub("1", part.text or ""))
        text = " ".join(text.split())
        if any(character.isalpha() for character in text):
            yield text
