"""Writes the containers of old Office and Outlook files, for tests to read.

Source: [MS-CFB] 2: sectors of 512 bytes, a table that chains them, a directory of
storages and streams, and a stream of small streams.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TypeAlias

Storage: TypeAlias = Mapping[str, "bytes | Storage"]

_SECTOR = 512
_SMALL_SECTOR = 64
_SMALL = 4096
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_NONE = 0xFFFFFFFF


class _Entry:
    def __init__(self, name: str, kind: int, data: bytes = b"") -> None:
        self.name, self.kind, self.data = name, kind, data
        self.child = self.right = _NONE
        self.start, self.size = _END, len(data)

    def packed(self) -> bytes:
        name = self.name.encode("utf-16-le") + b"\0\0"
        return struct.pack(
            "<64sHBBIII16sIQQIQ",
            name, len(name), self.kind, 1, _NONE, self.right, self.child,
            b"", 0, 0, 0, self.start, self.size,
        )  # fmt: skip


def container(root: Storage) -> bytes:
    """Return the bytes of a container; a storage is a mapping, a stream is bytes."""
    entries = [_Entry("Root Entry", 5)]
    _add(entries, 0, root)
    small = bytearray()
    small_table: list[int] = []
    sectors: list[bytes] = []
    table: list[int] = []

    def chain(data: bytes) -> int:
        if not data:
            return _END
        first = len(sectors)
        parts = [data[at : at + _SECTOR] for at in range(0, len(data), _SECTOR)]
        sectors.extend(part.ljust(_SECTOR, b"\0") for part in parts)
        table.extend(range(first + 1, first + len(parts)))
        table.append(_END)
        return first

    for entry in entries[1:]:
        if entry.kind != 2 or not entry.data:
            continue
        if entry.size >= _SMALL:
            entry.start = chain(entry.data)
            continue
        entry.start = len(small_table)
        count = -(-entry.size // _SMALL_SECTOR)
        small_table += [*range(entry.start + 1, entry.start + count), _END]
        small += entry.data.ljust(count * _SMALL_SECTOR, b"\0")
    entries[0].start, entries[0].size = chain(bytes(small)), len(small)
    small_at = chain(b"".join(struct.pack("<I", one) for one in small_table))
    small_sectors = -(-len(small_table) * 4 // _SECTOR)
    directory_at = chain(b"".join(entry.packed() for entry in entries))
    table_sectors = 1
    while (len(table) + table_sectors) * 4 > table_sectors * _SECTOR:
        table_sectors += 1
    table_at = len(sectors)
    table += [_TABLE] * table_sectors
    table += [_FREE] * (table_sectors * _SECTOR // 4 - len(table))
    sectors.append(struct.pack(f"<{len(table)}I", *table))
    places = [table_at + one for one in range(table_sectors)]
    places += [_FREE] * (109 - table_sectors)
    header = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII109I",
        bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6, b"",
        0, table_sectors, directory_at, 0, _SMALL, small_at, small_sectors, _END, 0,
        *places,
    )  # fmt: skip
    return header + b"".join(sectors)


def _add(entries: list[_Entry], parent: int, storage: Storage) -> None:
    before: _Entry | None = None
    # the directory is a tree by length and name; one leg of it is enough
    for name in sorted(storage, key=lambda name: (len(name), name.upper())):
        content = storage[name]
        at = len(entries)
        if isinstance(content, bytes):
            entries.append(_Entry(name, 2, content))
        else:
            entries.append(_Entry(name, 1))
            _add(entries, at, content)
        if before is None:
            entries[parent].child = at
        else:
            before.right = at
        before = entries[at]
