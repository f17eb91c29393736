"""What a corpus may be called, and the names that are the store's own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from kbserver.errors import StoreError

MAX_CORPUS_CHARACTERS = 64  # a folder's name, with room for what is appended to it

UNFINISHED = ".tmp-"
"""Begins the name of whatever is being written or removed; no corpus or generation begins so."""

_CORPUS = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_GENERATION = re.compile(r"(\d{6,9})-[0-9A-Za-z._-]{1,64}", re.ASCII)


def checked_corpus(name: str) -> str:
    """Return a corpus's name if it may be one: lower-case letters, digits, `.`, `_`, `-`; at most 64 characters.

    Raises:
        StoreError: it may not; the message says why and what would do.
    """
    wanted = f"1 to {MAX_CORPUS_CHARACTERS} characters of a-z, 0-9, '.', '_' and '-', the first a letter or digit"
    if not name:
        raise StoreError(f"a corpus needs a name: {wanted}")
    if len(name) > MAX_CORPUS_CHARACTERS:
        raise StoreError(
            f"the corpus name {name[:20]!r}... has {len(name)} characters; wanted are {wanted}"
        )
    if _CORPUS.fullmatch(name):
        return name
    suggestion = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    hint = f"; try {suggestion!r}" if suggestion else ""
    raise StoreError(
        f"{name!r} cannot be the name of a corpus; wanted are {wanted}{hint}"
    )


def is_corpus(name: str) -> bool:
    """Whether a folder's name may be a corpus's."""
    return len(name) <= MAX_CORPUS_CHARACTERS and _CORPUS.fullmatch(name) is not None


def is_generation(name: str) -> bool:
    """Whether a folder's name may be a generation's."""
    return _GENERATION.fullmatch(name) is not None


def next_generation(existing: Iterable[str]) -> str:
    """Return a name for a new generation: a number above every other's, the time, and what keeps it unique.

    The number, not the clock, makes names sort by age: clocks go back.
    """
    numbers = [
        int(match[1]) for name in existing if (match := _GENERATION.fullmatch(name))
    ]
    return f"{max(numbers, default=0) + 1:06}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
