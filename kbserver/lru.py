"""Bounded memories: they count bytes, since what strangers send may be of any length."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from sys import getsizeof
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

ENTRY_BYTES = 200
"""What holding one value costs beside key and value: places in a dictionary, a few numbers."""


def bytes_of(key: object, value: object) -> int:
    """Return what a key and its value take in memory, without what they refer to."""
    return getsizeof(key) + getsizeof(value)


class LruCache(Generic[Key, Value]):
    """Holds values up to a number of bytes; the least recently used goes first.

    Not safe to share between threads.
    """

    def __init__(
        self, most_bytes: int, size_of: Callable[[Key, Value], int] = bytes_of
    ) -> None:
        """Hold nothing yet.

        Args:
            most_bytes: of all keys and values, with `ENTRY_BYTES` for each; 0 holds none.
            size_of: the bytes of a key and its value, which must not change while it is held.
        """
        self.most_bytes = most_bytes
        self.bytes = 0
        """What is held now."""
        self._size_of = size_of
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Key]:
        """Yield the keys, the least recently used first."""
        return iter(self._values)

    def get(self, key: Key) -> Value | None:
        """Return the value of a key and count that as its use; None if it is not held."""
        held = self._values.get(key)
        if held is None:
            return None
        self._values.move_to_end(key)
        return held[0]

    def put(self, key: Key, value: Value) -> None:
        """Hold a value, in place of the key's old one; what is too large is not held."""
        self.pop(key)
        size = self._size_of(key, value) + ENTRY_BYTES
        if size > self.most_bytes:  # it would push out all others and not fit
            return
        self._values[key] = (value, size)
        self.bytes += size
        while self.bytes > self.most_bytes:
            _, (_, size) = self._values.popitem(last=False)
            self.bytes -= size

    def peek(self, key: Key) -> Value | None:
        """Return the value of a key, which is no use of it; None if it is not held."""
        held = self._values.get(key)
        if held is None:
            return None
        return held[0]

    def pop(self, key: Key) -> Value | None:
        """Forget a key and return its value; None if it was not held."""
        held = self._values.pop(key, None)
        if held is None:
            return None
        value, size = held
        self.bytes -= size
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
        self.bytes = 0


class _Results(dict[Key, Value]):
    """What a function gave, in two halves: what the newer one lacks, the older may still have.

    Once the newer half is full it becomes the older, and what was there is forgotten. So a result
    that is in use stays, and finding it costs no more than in a plain dict.
    """

    def __init__(
        self,
        function: Callable[[Key], Value],
        most_bytes: int,
        size_of: Callable[[Key, Value], int],
    ) -> None:
        super().__init__()
        self._function = function
        self._size_of = size_of
        self._half_bytes = most_bytes // 2
        self._bytes = 0
        self._older: dict[Key, Value] = {}

    def __missing__(self, key: Key) -> Value:
        older = self._older
        if key in older:
            value = older[key]
        else:
            value = self._function(key)
        size = self._size_of(key, value) + ENTRY_BYTES
        if size > self._half_bytes:
            return value
        if self._bytes + size > self._half_bytes:
            self._older = dict(self)
            self.clear()
            self._bytes = 0
        self[key] = value
        self._bytes += size
        return value


def remembered(
    function: Callable[[Key], Value],
    *,
    most_bytes: int,
    size_of: Callable[[Key, Value], int] = bytes_of,
) -> Callable[[Key], Value]:
    """Return a function that remembers its results, up to a number of bytes.

    Finding a result costs 0.04 µs: for functions that a turn calls for each word. Threads may
    share it; what two of them work out at once may be counted twice or not at all, until the next
    time that half of the results is forgotten.

    Args:
        function: gives the same result for the same argument, always.
        most_bytes: of all arguments and results, with `ENTRY_BYTES` for each.
        size_of: the bytes of an argument and its result.
    """
    return _Results(function, most_bytes, size_of).__getitem__
