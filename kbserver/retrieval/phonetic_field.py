"""The sound field: a second BM25 index beside the words, over pieces of letters and of sounds.

`cooper netties` shares no word with `kubernetes` and nearly all of its pieces. The field is mined at ingest and lies in the
snapshot as a part of its own.
"""

from __future__ import annotations

from kbserver.errors import StoreError
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.index.snapshot import Snapshot

PART = "sounds"

MAX_PASSAGES = 100_000
"""Larger corpora go without: about 900 postings a passage of 800 characters would be 7 GB at a million of them."""

# k1 and b on a plateau of every public set; a piece that a fifth of the passages hold tells nothing and costs most.
PARAMETERS = Bm25Parameters(k1=1.2, b=0.5, language="none")
MAX_SHARE = 0.2


def open_sound_field(snapshot: Snapshot) -> Bm25Index | None:
    """Map the field of a snapshot; None if the corpus is too large to have one."""
    try:
        return Bm25Index.open(snapshot.part(PART))
    except StoreError:
        return None
