"""How much a PDF's compressed streams unpack to, measured before PDFium unpacks them."""

from __future__ import annotations

import mmap
import re
import zlib

from kbserver.ingest.formats.shared.source import SourceFile

MAX_STREAM_BYTES = 64 * 1024**2
"""The drawing of a dense map has 20 MB; PDFium takes twelve times a stream's size."""
MAX_UNPACKED_BYTES = 1024**3

_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_DICTIONARY_BYTES = 2048
"""Before a stream; its dictionary stands there."""
_READ_AT_ONCE = 64 * 1024
_UNPACKED_AT_ONCE = 1024**2


def unpacks_to_too_much(file: SourceFile) -> bool:
    """Return whether one deflated stream, or all together, unpack to too much.

    Pictures do not count: PDFium leaves them packed when it reads text. Encrypted
    streams and rarer filters are not looked into.
    """
    if file.content is not None:
        return _is_too_much(file.content)
    if not file.size:
        return False
    with file.path.open("rb") as opened:
        with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _is_too_much(data)


def _is_too_much(data: mmap.mmap | bytes) -> bool:
    total = 0
    for found in _STREAM.finditer(data):
        if b"/Image" in _dictionary(data, found.start()):
            continue
        size = _unpacked_bytes(data, found.end())
        total += size
        if size > MAX_STREAM_BYTES or total > MAX_UNPACKED_BYTES:
            return True
    return False


def _dictionary(data: mmap.mmap | bytes, end: int) -> bytes:
    """Return the dictionary of the stream that begins at `end`."""
    before = data[max(0, end - _DICTIONARY_BYTES) : end]
    return before.rpartition(b" obj")[2]


def _unpacked_bytes(data: mmap.mmap | bytes, start: int) -> int:
    """Unpack a stream a little at a time, and little further than the limit.

    Returns:
        Its size; 0 if it is not deflated.
    """
    inflating = zlib.decompressobj()
    size = 0
    at = start
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
