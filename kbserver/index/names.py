"""What a corpus may be called, and the names that are the store's own."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from kbserver.errors import StoreError

MAX_CORPUS_CHARACTERS = 64  # a folder's name, with room for what is appended to it

UNFINISHED = ".tmp-"
"""Begins the name of what is being written or removed; no corpus or generation begins so."""

_CORPUS = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_GENERATION = re.compile(r"(\d{6,9})-([0-9A-Za-z._-]{1,64})", re.ASCII)
_LAST_NUMBER = 999_999_999


def checked_corpus(name: str) -> str:
    """Return the name of a corpus: at most 64 characters of a-z, 0-9, `.`, `_` and `-`.

    Raises:
        StoreError: the name breaks the rule; the message proposes another.
    """
    wanted = (
        f"1 to {MAX_CORPUS_CHARACTERS} characters of a-z, 0-9, '.', '_' and '-', "
        "the first a letter or digit"
    )
    if not name:
        raise StoreError(f"a corpus needs a name: {wanted}")
    if len(name) > MAX_CORPUS_CHARACTERS:
        raise StoreError(
            f"the corpus name {name[:20]!r}... has {len(name)} characters; "
            f"wanted are {wanted}"
        )
    if _CORPUS.fullmatch(name):
        return name
    suggestion = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    hint = ""
    if suggestion:
        hint = f"; try {suggestion!r}"
    raise StoreError(
        f"{name!r} cannot be the name of a corpus; wanted are {wanted}{hint}"
    )


def is_corpus(name: str) -> bool:
    """Whether a folder's name may be a corpus's."""
    return len(name) <= MAX_CORPUS_CHARACTERS and _CORPUS.fullmatch(name) is not None


def is_generation(name: str) -> bool:
    """Whether a folder's name may be a generation's."""
    return _GENERATION.fullmatch(name) is not None


def next_generation(existing: Iterable[str], *, origin: str | None = None) -> str:
    """Return a name for a new generation: a number above all others, the time, random digits.

    The number, not the clock, makes names sort by age: clocks go back.

    Args:
        existing: the names in the corpus's folder.
        origin: the name that it had elsewhere; time and digits are taken from it, the number is
            not.

    Raises:
        StoreError: it is there already, or no number is left.
    """
    now = datetime.now(UTC)
    rest = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    if origin is not None:
        rest = origin.partition("-")[2]
    number = 1
    for name in existing:
        match = _GENERATION.fullmatch(name)
        if match is None:
            continue
        if match[2] == rest:
            raise StoreError(
                f"the generation {name} is here already; nothing to import"
            )
        number = max(number, int(match[1]) + 1)
    if number > _LAST_NUMBER:
        raise StoreError(
            f"no number is left for a generation after {_LAST_NUMBER}; move away the folder "
            "that begins with it"
        )
    return f"{number:06}-{rest}"
