"""The dense arm: the embedding of the query against the embeddings of the passages."""

from __future__ import annotations

from functools import partial

from kbserver.index.snapshot import Snapshot
from kbserver.retrieval.arms.base import Candidates, Group, Query, Values
from kbserver.retrieval.reading import Reading
from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.types import FloatVector, Rows

_ROMANISED_TRUST = 0.5
"""Models have read little of it. On the middle of a plateau of Hindi questions in Latin letters."""


class MeaningArm:
    """Finds passages that mean the same as the query. Scores are cosines, in [-1, 1].

    They are scaled, so that they mean the same for every model; see `reading`.
    """

    name = "meaning"
    group: Group = "dense"

    def __init__(self, snapshot: Snapshot) -> None:
        self._vectors = snapshot.vectors
        self._reading = Reading.of(snapshot.manifest)
        self.waits = snapshot.vectors.waits

    def propose(
        self, query: Query, *, rows: Rows | None, count: int
    ) -> Candidates | None:
        """Find the nearest rows; see `Arm.propose`."""
        vector = query.vector
        if vector is None:
            return None
        nearest = self._nearest(vector, rows, count)
        score = partial(self._score, vector)
        return Candidates(nearest, score, trust=_trust_in(query.heard))

    def _score(self, vector: FloatVector, rows: Rows) -> Values:
        return self._reading.scaled(self._vectors.score_rows(vector, rows))

    def _nearest(self, vector: FloatVector, rows: Rows | None, count: int) -> Rows:
        if rows is None:
            return self._vectors.propose(vector, count=count)
        return self._vectors.search_rows(vector, rows, top_k=count).rows


def _trust_in(heard: Heard) -> float:
    """How well a model reads a query, beside how it reads the corpus."""
    if heard.profile.is_latin or not heard.text.isascii():
        return 1.0
    return _ROMANISED_TRUST
