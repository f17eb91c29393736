"""Sitemaps: the list of pages that a site itself publishes.

Source: https://www.sitemaps.org/protocol.html
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

from lxml import etree

_LARGEST = 50 * 1024**2
"""Bytes uncompressed: the protocol's own limit."""
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
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        return None
    sitemap = Sitemap([], [])
    for entry in root.iterchildren(etree.Element):
        kind = etree.QName(entry).localname
        for location in entry.iterchildren("{*}loc"):
            url = (location.text or "").strip()
            if location.text and kind == "url":
                sitemap.pages.append(url)
            elif location.text and kind == "sitemap":
                sitemap.sitemaps.append(url)
    return sitemap


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
