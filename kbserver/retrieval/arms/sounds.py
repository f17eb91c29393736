"""The phonetic arm: what the query sounds like against the phonetic field of the passages."""

from __future__ import annotations

from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.index.snapshot import Snapshot
from kbserver.languages import profile
from kbserver.languages.profile import Profile
from kbserver.retrieval.arms.base import Candidates, Group, Query
from kbserver.retrieval.phonetic_field import open_phonetic_field
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams
from kbserver.types import Rows

MAX_NGRAMS = 300
"""N-grams of one query at most. The last ones are kept, because a question ends a long speech."""


class SoundsArm:
    """Finds passages that sound like the query. Scores are BM25 of phonetic n-grams, in nats."""

    name = "sounds"
    group: Group = "lexical"

    def __init__(self, field: Bm25Index, profile: Profile) -> None:
        self._field = field
        self._profile = profile
        self.waits = field.waits

    def propose(
        self, query: Query, *, rows: Rows | None, count: int
    ) -> Candidates | None:
        """Find the rows that sound most alike; see `Arm.propose`."""
        ngrams = weighted_ngrams(query, self._profile)
        if not ngrams:
            return None
        found = self._field.find(ngrams, top_k=count, rows=rows)
        return Candidates(found.best.rows, found.scores)


def open_sounds(snapshot: Snapshot) -> SoundsArm | None:
    """Open the phonetic arm of a snapshot; None if the corpus is too large to have one."""
    field = open_phonetic_field(snapshot)
    if field is None:
        return None
    return SoundsArm(field, profile(snapshot.lexical.language))


def weighted_ngrams(query: Query, profile: Profile) -> dict[str, float]:
    """Return the weight of each phonetic n-gram of a query; {} if `misheard` is off.

    Args:
        query: in any language.
        profile: of the corpus's language, by which the field was made.
    """
    if not query.settings.misheard:
        return {}
    ngrams = phonetic_ngrams(query.heard.text, profile=profile)[-MAX_NGRAMS:]
    weights = dict.fromkeys(ngrams, 1.0)
    if query.leans_on is None or not weights:
        return weights
    for word, weight in query.leans_on.terms:
        for ngram in phonetic_ngrams(word, profile=profile):
            weights.setdefault(ngram, weight)
    return weights
