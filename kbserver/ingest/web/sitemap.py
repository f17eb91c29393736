"""Sitemaps: the list of pages that a site itself gives out.

Source: https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from lxml import etree

_LARGEST = 50 * 1024**2  # bytes uncompressed: the protocol's own limit
_GZIP = b"\x1f\x8b"


class Sitemap(NamedTuple):
    """What one sitemap file names, in its order."""

    pages: list[str]
    sitemaps: list[str]
    """Further sitemap files, if it is an index."""


def read_sitemap(content: bytes) -> Sitemap | None:
    """Read a sitemap or sitemap index, XML or gzipped XML; None if the bytes are neither, or too large."""
    if content.startswith(_GZIP):
        unpacked = _unpacked(content)
        if unpacked is None:
            return None
        content = unpacked
    if b"<urlset" not in content[:4096] and b"<sitemapindex" not in content[:4096]:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        return None
    locations = [
        (etree.QName(entry).localname, location.text.strip())
        for entry in root.iterchildren(etree.Element)
        for location in entry.iterchildren("{*}loc")
        if location.text
    ]
    return Sitemap(
        [url for kind, url in locations if kind == "url"],
        [url for kind, url in locations if kind == "sitemap"],
    )


def _unpacked(content: bytes) -> bytes | None:
    inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = inflating.decompress(content, _LARGEST)
    except zlib.error:
        return None
    return None if inflating.unconsumed_tail else unpacked
