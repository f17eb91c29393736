"""Words used by more than one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatVector: TypeAlias = NDArray[np.float32]
"""One embedding: shape (dim,), float32, unit length."""

FloatMatrix: TypeAlias = NDArray[np.float32]
"""Embeddings, one a row: shape (n, dim), float32, unit length."""

Rows: TypeAlias = NDArray[np.int64]
"""Row numbers of a snapshot: shape (n,), int64, ascending unless said otherwise."""

Metadata: TypeAlias = Mapping[str, object]
"""What is known of a document beside its text: JSON values by key (`folder`, front matter, ...)."""

Scope: TypeAlias = Mapping[str, str]
"""A metadata filter: every key must have this value. `folder` also matches the folders below it."""


Unavailability: TypeAlias = Literal["busy", "late", "loading", "failed"]
"""Why a query has no embedding: the model has too much to do, was too slow, is not open, or failed."""

Outcome: TypeAlias = Literal["full", "degraded", "empty", "gated"]
"""How a turn ended.

full: every arm answered and a passage was good enough. degraded: an arm was left out.
empty: nothing was found or nothing may be said. gated: small talk, nothing was looked up.
"""

Reason: TypeAlias = Literal[
    # degraded: the embedding is missing, or the lexical arm or one of several corpora
    "busy", "late", "loading", "failed", "lexical_late", "lexical_failed", "corpus_failed",
    # empty
    "unknown_label", "empty_scope", "no_match", "below_min_score", "error",
    # gated
    "empty", "greeting", "goodbye", "thanks", "hold", "repeat", "presence", "confirmation",
    "backchannel",
]  # fmt: skip
"""Why a turn is degraded, empty or gated; `late` is either of the first two. The table is in docs."""


class RowScores(NamedTuple):
    """Ranked rows of a snapshot, best first; equal scores keep row order."""

    rows: Rows
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What a snapshot must know of the model its embeddings came from, to be searched with no other."""

    name: str
    """As the user named it: a path, a hub name, or `all-MiniLM-L6-v2`."""
    fingerprint: str
    """Hex digest over weights, tokenizer and pooling: equal exactly when the vectors are."""
    dim: int
    max_tokens: int
    """Longest text the model reads, in its own tokens, special tokens included."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The piece of a document that is indexed and returned."""

    id: str
    """Stable: derived from corpus, document path and the passage's own text (see `ingest.build`)."""
    text: str
    """Verbatim, as converted from the document."""
    title: str = ""
    heading_path: tuple[str, ...] = ()
    """Headings from the outermost to the nearest, without the title."""
    source: str = ""
    """The document's path below the ingested folder, posix; for a record inside a file `path#record-id`."""
    position: int = 0
    """0-based place in its document."""
    metadata: Metadata = field(default_factory=dict)


class Sketch(NamedTuple):
    """What tells a text from most others without a look at it; see `retrieval.near_duplicates`."""

    trigrams: int
    """It has at most so many different runs of three words ..."""
    bits: int
    """... each of which sets one of these bits."""


@dataclass(frozen=True, slots=True)
class SpokenForm:
    """How a passage is said, worked out before anyone asks (see `retrieval.spoken_form`)."""

    passage: Passage
    """Whose it is: of another passage, though it has the same id, it says nothing."""
    content: str
    """The text without marks, on one line; "" if nothing is left."""
    lead: str
    """Title and nearest heading; "" if the text says so itself."""
    line: str
    """Lead and content as they are spoken."""
    sketch: Sketch | None = None
    """Of the text; None if nobody made one."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its score for one query. Hits travel best first."""

    passage: Passage
    score: float
    """In [0, 1], higher is better, comparable between queries of one snapshot."""
    corpus: str = ""
    arms: Mapping[str, float] = field(default_factory=dict)
    """Raw score of each arm that saw the passage: `lexical` (BM25, ≥ 0), `dense` (cosine, [-1, 1])."""
    spoken_form: SpokenForm | None = field(default=None, compare=False, repr=False)
    """What an ingest worked out of the passage; None if nobody did: the turn then does. Saves time, changes nothing."""

    @property
    def own_spoken_form(self) -> SpokenForm | None:
        """The spoken_form, if it is that of the passage: None once a handler has put another passage in its place."""
        return (
            self.spoken_form
            if self.spoken_form is not None and self.spoken_form.passage is self.passage
            else None
        )
