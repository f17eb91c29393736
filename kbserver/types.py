"""Words used by more than one folder."""

from __future__ import annotations

import re
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

KNOWN = "known"
"""Key that the endpoint sets in the state of a request once it has seen a good token."""


Unavailability: TypeAlias = Literal["busy", "late", "loading", "failed"]
"""Why a query has no embedding: the model is overloaded, too slow, not open, or failed."""

Outcome: TypeAlias = Literal["full", "degraded", "empty", "gated"]
"""How a turn ended.

full: every arm answered and a passage was good enough. degraded: an arm was left out.
empty: nothing was found or nothing may be said. gated: small talk, nothing was looked up.
"""

Reason: TypeAlias = Literal[
    # degraded: the embedding is missing, or the lexical arm or one of several corpora
    "busy", "late", "loading", "failed", "lexical_late", "lexical_failed", "corpus_failed",
    # empty
    "unknown_label", "empty_scope", "no_match", "below_min_score", "error", "handler_busy",
    # gated
    "empty", "greeting", "goodbye", "thanks", "handover", "hold", "repeat", "presence",
    "confirmation", "backchannel",
]  # fmt: skip
"""Why a turn is degraded, empty or gated; `late` is either of the first two."""


class RowScores(NamedTuple):
    """Ranked rows of a snapshot, best first; equal scores keep row order."""

    rows: Rows
    scores: NDArray[np.float32]


_FINGERPRINT = re.compile("[0-9a-f]{32}")


def is_fingerprint(text: str) -> bool:
    """Whether a text may be a model's fingerprint, and so the name of a folder."""
    return _FINGERPRINT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model a snapshot's embeddings came from; it is searched with no other."""

    name: str
    """As the user named it: a path, a hub name, or `all-MiniLM-L6-v2`."""
    fingerprint: str
    """32 hex digits over weights, tokenizer and pooling; equal models have equal digests."""
    dim: int
    max_tokens: int
    """Longest text the model reads, in its own tokens, special tokens included."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The piece of a document that is indexed and returned."""

    id: str
    """Stable: derived from corpus, document path and the passage's own text."""
    text: str
    """Verbatim, as converted from the document."""
    title: str = ""
    heading_path: tuple[str, ...] = ()
    """Headings from the outermost to the nearest, without the title."""
    source: str = ""
    """The document's path below the ingested folder, posix; for a record in it `path#record-id`."""
    position: int = 0
    """0-based place in its document."""
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cells:
    """What an ingest writes for what a table, form or page shows by a sign or a number.

    In English; every profile of another language has its own.
    """

    yes: str = "yes"
    no: str = "no"
    not_answered: str = "not answered"
    months: tuple[str, ...] = tuple(
        "January February March April May June July August September October November "
        "December".split()
    )
    """() writes a date in digits, `2026-12-31`."""
    weekdays: tuple[str, ...] = tuple(
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
    )
    """From Monday on; () leaves them out."""
    day_of_month: str = "{month} {day}"
    of_year: str = "{month} {year}"
    decimal: str = "."
    group: str = ","
    """Between thousands, where a sheet asks for it."""
    hours: str = "{days} {opens} to {closes}"
    closed: str = "{days} closed"
    joint: str = " and "
    """Between days of the same hours."""
    facts: Mapping[str, str] = field(
        default_factory=lambda: {
            "telephone": "Telephone",
            "email": "Email",
            "checkinTime": "Check-in",
            "checkoutTime": "Check-out",
            "openingHours": "Opening hours",
            "openingHoursSpecification": "Opening hours",
            "specialOpeningHoursSpecification": "Special opening hours",
            "petsAllowed": "Pets allowed",
            "smokingAllowed": "Smoking allowed",
            "numberOfRooms": "Number of rooms",
            "currenciesAccepted": "Currencies accepted",
            "paymentAccepted": "Payment accepted",
            "areaServed": "Area served",
            "servesCuisine": "Cuisine",
            "acceptsReservations": "Accepts reservations",
            "address": "Address",
            "startDate": "Begins",
            "endDate": "Ends",
            "doorTime": "Doors open",
        }
    )
    """What a property of schema.org is called; one without a name is not said."""


class Sketch(NamedTuple):
    """Tells most pairs of texts apart without reading them; see `retrieval.near_duplicates`."""

    trigrams: int
    """At most so many different runs of three words are in the text."""
    bits: int
    """Each of them sets one of these bits."""


@dataclass(frozen=True, slots=True)
class SpokenForm:
    """How a passage is said, computed at ingest; see `retrieval.spoken.form`."""

    passage: Passage
    """The exact Passage object it was computed from; of no other, even with the same id."""
    content: str
    """The text without markup, on one line; "" if nothing is left."""
    lead: str
    """Title and nearest heading; "" if the text says so itself."""
    line: str
    """Lead and content as they are spoken."""
    sketch: Sketch | None = None
    """Of the text; None if it was not computed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its score for one query. Hits travel best first."""

    passage: Passage
    score: float
    """In [0, 1], higher is better, comparable between queries of one snapshot."""
    corpus: str = ""
    arms: Mapping[str, float] = field(default_factory=dict)
    """Raw score of each arm that saw the passage: `lexical` (BM25, ≥ 0), `dense` (cosine)."""
    spoken_form: SpokenForm | None = field(default=None, compare=False, repr=False)
    """Of the passage, computed at ingest; None: the turn computes it."""
    language: str = "english"
    """Of the corpus, as its manifest names it: how the turn writes what must be said anew."""

    @property
    def own_spoken_form(self) -> SpokenForm | None:
        """The spoken form, if it is that of the passage; None if a handler replaced the passage."""
        form = self.spoken_form
        if form is None or form.passage is not self.passage:
            return None
        return form
