"""The packed form of RTF that Outlook keeps in its messages."""

from __future__ import annotations

import struct

MAX_BYTES = 64 * 1024**2
"""Of the unpacked text."""

_PACKED = 0x75465A4C
_PLAIN = 0x414C454D
_HEADER = struct.Struct("<IIII")
_WINDOW_BYTES = 4096
_SHORTEST = 2
# Source: [MS-OXRTFCP] 2.1.2.1, the dictionary that every text begins with.
_WINDOW = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss "
    b"\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
    b"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def unpacked_rtf(data: bytes) -> bytes:
    """Return a text as RTF.

    Raises:
        ValueError: it is not packed RTF, or too long.
    """
    if len(data) < _HEADER.size:
        raise ValueError("packed RTF is cut short")
    _, size, kind, _ = _HEADER.unpack_from(data)
    if size > MAX_BYTES:
        raise ValueError(f"packed RTF of over {MAX_BYTES // 1024**2} MiB")
    if kind == _PLAIN:
        return data[_HEADER.size : _HEADER.size + size]
    if kind != _PACKED:
        raise ValueError("not packed RTF")
    return _unpacked(data, size)


def _unpacked(data: bytes, size: int) -> bytes:
    window = bytearray(_WINDOW.ljust(_WINDOW_BYTES, b"\0"))
    place = len(_WINDOW)
    written = bytearray()
    at = _HEADER.size
    while at < len(data) and len(written) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control & 1 << bit:
                reference = int.from_bytes(data[at : at + 2], "big")
                at += 2
                start, length = reference >> 4, (reference & 0xF) + _SHORTEST
                if (
                    at > len(data) or start == place
                ):  # where the window ends, it is over
                    return bytes(written)
            elif at < len(data):
                start, length = place, 1
                window[place] = data[at]
                at += 1
            else:
                return bytes(written)
            for step in range(length):
                byte = window[(start + step) % _WINDOW_BYTES]
                window[place] = byte
                place = (place + 1) % _WINDOW_BYTES
                written.append(byte)
    return bytes(written[:size])
