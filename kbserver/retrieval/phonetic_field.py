"""The phonetic field: a second BM25 index beside the words, over n-grams of letters and sounds.

`cooper netties` shares no word with `kubernetes` and nearly all of its n-grams. An ingest builds
the field and stores it in the snapshot as a part of its own.
"""

from __future__ import annotations

from kbserver.errors import StoreError
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.index.snapshot import Snapshot
from kbserver.languages import profile
from kbserver.languages.profile import Profile

PART = "sounds"
"""Name of the part by the first rules; others have their version behind it."""

MAX_PASSAGES = 100_000
"""Larger corpora have no field: it holds about 900 postings a passage of 800 characters."""

PARAMETERS = Bm25Parameters(k1=1.2, b=0.5, language="none")
"""k1 and b lie on a plateau of every public evaluation set."""

MAX_SHARE = 0.2
"""An n-gram that more than this share of the passages hold is left out: it tells little."""


def part_of(profile: Profile) -> str:
    """Return the name of the part that holds a field by the rules of a language."""
    version = profile.sounds.version
    if version == 0:
        return PART
    return f"{PART}.{version}"


def open_phonetic_field(snapshot: Snapshot) -> Bm25Index | None:
    """Map the field of a snapshot.

    None if the corpus is too large to have one, or has one by other rules than its language's.
    """
    part = part_of(profile(snapshot.lexical.language))
    try:
        return Bm25Index.open(snapshot.part(part))
    except StoreError:
        return None
