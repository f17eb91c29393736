"""EPUB: a zip of XHTML chapters, read in the order of the book's spine."""

from __future__ import annotations

import posixpath
import re
import zipfile
from urllib.parse import unquote

from lxml import etree

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, title_from
from kbserver.ingest.formats.exports.pictures import noted, picture_names
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.encoding import decode
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import (
    parse_html,
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
_JUNK_TITLE = re.compile(r"(?:(?:unknown|untitled|no)(?: title| document)?)?", re.I)
"""What a program writes where its user gave no title."""
_CHAPTERS = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")


def convert(file: SourceFile) -> list[Document]:
    """Return the book as one document, its table of contents left out.

    Raises:
        DocumentUnreadable: no EPUB, or encrypted (DRM).
    """
    blocks: list[Block] = []
    notes: list[str] = []
    pictures: list[str] = []
    with open_checked_zip(file) as archive:
        if _is_encrypted(archive):
            raise DocumentUnreadable(file.source, "protected by DRM")
        package_path = _package_path(archive, file.source)
        package = _xml(archive, package_path, file.source)
        beside = posixpath.dirname(package_path)
        styles = _styles(archive, package, beside, file.source)
        for href in _spine(package):
            markup = _text(archive, _beside(href, beside), file.source)
            root = parse_html(without_declaration(markup))
            if root is None:
                continue
            notes += settle(root, styles)
            body = root.find("body")
            if body is not None:
                root = body
            pictures += picture_names(root)
            blocks.extend(html_blocks(root))
    given_title = package.findtext(".//dc:title", "", _NAMESPACES) or ""
    title = " ".join(given_title.split())
    if _JUNK_TITLE.fullmatch(title):
        title, blocks = title_of(blocks)
    title = title or title_from(file.source)
    whole_notes = (*notes, *noted(pictures))
    return [Document(file.source, title, tuple(blocks), {}, whole_notes)]


def _is_encrypted(archive: zipfile.ZipFile) -> bool:
    """Return whether chapters are encrypted; fonts alone often are in a free book."""
    if _ENCRYPTION not in archive.namelist():
        return False
    return b"html" in archive.read(_ENCRYPTION)


def _package_path(archive: zipfile.ZipFile, source: str) -> str:
    """Return where the package document stands, "" if the container does not say."""
    container = _xml(archive, _CONTAINER, source)
    found = container.find(".//c:rootfile", _NAMESPACES)
    if found is None:
        return ""
    return found.get("full-path", "")


def _spine(package: etree._Element) -> list[str]:
    """Return the chapters' paths in reading order, without the navigation document."""
    items = {
        item.get("id"): item
        for item in package.iterfind(".//opf:manifest/opf:item", _NAMESPACES)
    }
    paths: list[str] = []
    for entry in package.iterfind(".//opf:spine/opf:itemref", _NAMESPACES):
        item = items.get(entry.get("idref"))
        if item is None or item.get("media-type") not in _CHAPTERS:
            continue
        if "nav" not in (item.get("properties") or "").split():
            paths.append(str(item.get("href")))
    return paths


def _styles(
    archive: zipfile.ZipFile, package: etree._Element, beside: str, source: str
) -> str:
    """Return the style sheets of a book as one text."""
    items = package.iterfind(".//opf:manifest/opf:item", _NAMESPACES)
    sheets = [
        _beside(str(item.get("href")), beside)
        for item in items
        if item.get("media-type") == "text/css"
    ]
    names = set(archive.namelist())
    return "\n".join(_text(archive, one, source) for one in sheets if one in names)


def _beside(href: str, folder: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(href)))


def _text(archive: zipfile.ZipFile, path: str, source: str) -> str:
    text, _ = decode(_read(archive, path, source), source)
    return text


def _xml(archive: zipfile.ZipFile, path: str, source: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    return etree.fromstring(_read(archive, path, source), parser)


def _read(archive: zipfile.ZipFile, path: str, source: str) -> bytes:
    try:
        return archive.read(path)
    except KeyError as exc:
        missing = path or "the package document"
        reason = f"not a whole EPUB: {missing} is missing"
        raise DocumentUnreadable(source, reason) from exc
