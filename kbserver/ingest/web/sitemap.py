"""Sitemaps: the list of pages that a site itself publishes.

Source: https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from lxml import etree

_LARGEST = 50 * 1024**2
"""Bytes uncompressed: the protocol's own limit."""
_MOST_ELEMENTS = 1_000_000
"""Of one file: 20 for each of the 50,000 pages that the protocol allows."""
_LONGEST_ADDRESS = 4096
"""Characters; the rest of a longer one is dropped."""
_GZIP = b"\x1f\x8b"


class Sitemap(NamedTuple):
    """What one sitemap file names, in its order."""

    pages: list[str]
    sitemaps: list[str]
    """Further sitemap files, if it is an index."""


def read_sitemap(content: bytes) -> Sitemap | None:
    """Read a sitemap or sitemap index, XML or gzipped XML.

    Returns:
        None if the bytes are neither, or too large.
    """
    xml = _unpacked(content)
    if xml is None:
        return None
    start = xml[:4096]
    if b"<urlset" not in start and b"<sitemapindex" not in start:
        return None
    parser = etree.XMLParser(
        target=_Addresses(),  # type: ignore[arg-type]  # it gives text, never bytes
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        found: object = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, _TooMany):
        return None
    if isinstance(found, Sitemap):
        return found
    return None


class _TooMany(Exception):
    """A file has more elements than a sitemap needs."""


class _Addresses:
    """Takes the addresses out of a file as it is parsed; no tree of it is built."""

    def __init__(self) -> None:
        self._found = Sitemap([], [])
        self._open: list[str] = []
        self._text = ""
        self._elements = 0

    def start(self, tag: str, attrib: object) -> None:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS:
            raise _TooMany
        self._open.append(tag.rpartition("}")[2])
        self._text = ""

    def data(self, data: str) -> None:
        if len(self._text) <= _LONGEST_ADDRESS and self._open[-1:] == ["loc"]:
            self._text += data

    def end(self, tag: str) -> None:
        kind = self._open[1:]
        self._open.pop()
        address = self._text.strip()[:_LONGEST_ADDRESS]
        if address and kind == ["url", "loc"]:
            self._found.pages.append(address)
        elif address and kind == ["sitemap", "loc"]:
            self._found.sitemaps.append(address)

    def close(self) -> Sitemap:
        return self._found


def _unpacked(content: bytes) -> bytes | None:
    """Return the bytes, unzipped if they are gzip; None if that fails or is too large."""
    if not content.startswith(_GZIP):
        return content
    inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = inflating.decompress(content, _LARGEST)
    except zlib.error:
        return None
    if inflating.unconsumed_tail:
        return None
    return unpacked
