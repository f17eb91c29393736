"""EPUB: a zip of XHTML chapters, read in the order of the book's spine."""

from __future__ import annotations

import posixpath
import zipfile
from urllib.parse import unquote

from lxml import etree

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, counted, title_from
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.encoding import decode
from kbserver.ingest.formats.shared.markup import (
    parse_html,
    remove_hidden,
    without_declaration,
)
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks

# Source: EPUB 3.3 (W3C), sections 4.2.6.3.1 container.xml and 5 package document.
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_NAMESPACES = {
    "c": "urn:oasis:names:tc:opendocument:xmlns:container",
    "opf": "http://www.idpf.org/2007/opf",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def convert(file: SourceFile) -> list[Document]:
    """Return the book as one document, its table of contents left out.

    Raises:
        DocumentUnreadable: no EPUB, or encrypted (DRM).
    """
    with open_checked_zip(file.path, file.source) as archive:
        if _ENCRYPTION in archive.namelist() and b"html" in archive.read(
            _ENCRYPTION
        ):  # fonts alone may well be
            raise DocumentUnreadable(file.source, "protected by DRM")
        found = _xml(archive, _CONTAINER, file.source).find(
            ".//c:rootfile", _NAMESPACES
        )
        package_path = found.get("full-path", "") if found is not None else ""
        package = _xml(archive, package_path, file.source)
        blocks: list[Block] = []
        hidden = 0
        for href in _spine(package):
            path = posixpath.normpath(
                posixpath.join(posixpath.dirname(package_path), unquote(href))
            )
            markup, _ = decode(_read(archive, path, file.source), file.source)
            root = parse_html(without_declaration(markup))
            if root is not None:
                hidden += remove_hidden(root)
                body = root.find("body")
                blocks.extend(html_blocks(root if body is None else body))
    title = " ".join((package.findtext(".//dc:title", "", _NAMESPACES) or "").split())
    notes = (f"removed {counted(hidden, 'hidden character')}",) if hidden else ()
    return [
        Document(
            file.source, title or title_from(file.source), tuple(blocks), {}, notes
        )
    ]


def _spine(package: etree._Element) -> list[str]:
    """The chapters' paths in reading order, without the navigation document."""
    items = {
        item.get("id"): item
        for item in package.iterfind(".//opf:manifest/opf:item", _NAMESPACES)
    }
    order = [
        items.get(entry.get("idref"))
        for entry in package.iterfind(".//opf:spine/opf:itemref", _NAMESPACES)
    ]
    return [
        str(item.get("href"))
        for item in order
        if item is not None
        and item.get("media-type") in _CHAPTERS
        and "nav" not in (item.get("properties") or "").split()
    ]


def _xml(archive: zipfile.ZipFile, path: str, source: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(_read(archive, path, source), parser)


def _read(archive: zipfile.ZipFile, path: str, source: str) -> bytes:
    try:
        return archive.read(path)
    except KeyError as exc:
        raise DocumentUnreadable(
            source, f"not a whole EPUB: {path or 'the package document'} is missing"
        ) from exc
