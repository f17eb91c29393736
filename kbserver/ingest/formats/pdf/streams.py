"""How much a PDF's compressed streams unpack to, measured before PDFium unpacks them. Pure but for the file."""

from __future__ import annotations

import mmap
import re
import zlib
from pathlib import Path

MAX_STREAM_BYTES = (
    64 * 1024**2
)  # the drawing of a dense map has 20 MB; PDFium takes twelve times a stream's size
MAX_UNPACKED_BYTES = 1024**3

_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_DICTIONARY_BYTES = 2048  # before a stream; its dictionary stands there
_READ_AT_ONCE = 64 * 1024
_UNPACKED_AT_ONCE = 1024**2


def unpacks_to_too_much(file: Path) -> bool:
    """Whether one deflated stream, or all together, unpack to more than a document has. Pictures do not count: PDFium
    leaves them packed when it reads text. Encrypted streams and rarer filters are not looked into."""
    if not file.stat().st_size:
        return False
    total = 0
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        for found in _STREAM.finditer(data):
            dictionary = data[
                max(0, found.start() - _DICTIONARY_BYTES) : found.start()
            ].rpartition(b" obj")[2]
            if b"/Image" in dictionary:
                continue
            size = _unpacked_bytes(data, found.end())
            total += size
            if size > MAX_STREAM_BYTES or total > MAX_UNPACKED_BYTES:
                return True
    return False


def _unpacked_bytes(data: mmap.mmap, start: int) -> int:
    """Unpack a stream a little at a time, and no further than the limit; 0 if it is not deflated."""
    inflating = zlib.decompressobj()
    size, at = 0, start
    try:
        while not inflating.eof and size <= MAX_STREAM_BYTES:
            packed = inflating.unconsumed_tail
            if not packed:
                packed = data[at : at + _READ_AT_ONCE]
                at += len(packed)
            if not packed:
                break
            size += len(inflating.decompress(packed, _UNPACKED_AT_ONCE))
    except zlib.error:
        pass
    return size
