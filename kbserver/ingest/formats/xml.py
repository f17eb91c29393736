"""XML: the exports of WordPress and MediaWiki, known by their root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from lxml import etree

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.exports import mediawiki, wordpress
from kbserver.ingest.formats.shared.source import SourceFile

_WANTED = (
    "kbserver reads the XML exports of WordPress and MediaWiki; "
    "save what callers need as HTML, Markdown or JSON"
)
_NOT_XML = bytes(byte for byte in range(32) if byte not in b"\t\n\r")
"""Control characters, which no XML may hold and WordPress writes as they come."""
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""Begin UTF-16, where every second byte is one of those."""


def convert(file: SourceFile) -> list[Document]:
    """Return a document for each page of an export.

    Raises:
        DocumentUnreadable: not valid XML, with its line; no export of a known program;
            or no page in it is meant for callers.
    """
    with file.open() as stream:
        events = _events(stream)
        try:
            root = next(element for _, element in events)
            name = etree.QName(root).localname
            elements = (element for event, element in events if event == "end")
            if name == "mediawiki":
                return mediawiki.documents(file.source, elements)
            if name == "rss" and wordpress.is_export(root):
                return wordpress.documents(file.source, elements)
        except etree.XMLSyntaxError as exc:
            reason = f"not valid XML: {exc.msg}; export it again"
            raise DocumentUnreadable(file.source, reason) from exc
    raise DocumentUnreadable(file.source, f"unknown XML (<{name}>): {_WANTED}")


def _events(stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Yield the start of each element and its end; entities stay what they are."""
    return iter(
        etree.iterparse(
            _Printable(stream),
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            huge_tree=True,
            remove_comments=True,
            remove_pis=True,
        )
    )


class _Printable:
    """A file without the control characters that end an XML parser's work."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._removed = _NOT_XML
        if stream.peek(2)[:2] in _WIDE:  # type: ignore[attr-defined]
            self._removed = b""

    def read(self, size: int = -1) -> bytes:
        while data := self._stream.read(size):
            left = data.translate(None, self._removed)
            if left:
                return left
        return b""
