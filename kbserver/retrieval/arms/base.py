"""What an arm of the search is: one way to find passages and to score them.

A new arm is a new file in this folder with a class that fits `Arm`, a line in `arms.OPENERS`, and
its weight in `fusion.WEIGHTS`. The ranker and the retriever take all arms alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kbserver.retrieval.transcript.cleaning import Heard
from kbserver.retrieval.transcript.followup import Carry
from kbserver.retrieval.transcript.requests import Request
from kbserver.settings import TurnSettings
from kbserver.types import FloatVector, Rows

Values: TypeAlias = NDArray[np.float32]
"""Scores of some rows: shape (n,), float32, higher is better."""

Group: TypeAlias = Literal["lexical", "dense"]
"""What an arm needs, and the key of its score in `Hit.arms`.

lexical: the text alone; searched while the model embeds the query. Scores are in nats.
dense: the embedding of the query; searched once it is there. Scores are cosines.
"""


@dataclass(frozen=True, slots=True)
class Query:
    """What the arms search for."""

    heard: Heard
    settings: TurnSettings
    leans_on: Carry | None = None
    """What the query takes from an earlier turn; None if it stands alone."""
    requests: tuple[Request, ...] = ()
    """What is asked for beside a look into documents."""
    vector: FloatVector | None = None
    """Unit vector, shape (dim,), blended with the earlier turn's; None while there is none."""

    def with_embedding(self, embedding: FloatVector) -> Query:
        """Return the query with its embedding, moved towards the turn that the query leans on.

        Args:
            embedding: of the query alone, unit vector, shape (dim,).
        """
        vector = embedding
        if self.leans_on is not None:
            vector = self.leans_on.blend(embedding)
        return replace(self, vector=vector)


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one arm found for one query, and what it can say about all other rows."""

    rows: Rows
    """The rows the arm proposes, in any order, none twice."""
    score: Callable[[Rows], Values]
    """Returns the arm's scores of rows inside the searched scope, in the order given.

    It reuses what the search worked out, so it costs less than a second search."""
    ideal: float = 0.0
    """The score of a row that holds the whole query; 0 if the arm knows no such bound."""
    trust: float = 1.0
    """How well the arm reads such a query, in [0, 1]; see `Evidence.trust`."""


class Arm(Protocol):
    """One way to find passages of one snapshot. Read-only; safe to share between threads."""

    @property
    def name(self) -> str:
        """The arm's key in `fusion.WEIGHTS`."""
        ...

    @property
    def group(self) -> Group:
        """Whether the arm needs the embedding of the query."""
        ...

    @property
    def waits(self) -> bool:
        """Whether a search waits for a network or a disk, so that it must not run in the loop."""
        ...

    def propose(
        self, query: Query, *, rows: Rows | None, count: int
    ) -> Candidates | None:
        """Find the best rows for a query.

        Args:
            query: with a vector, if the group is `dense`.
            rows: search only these, ascending, none twice; None for all rows.
            count: how many rows to propose; an arm may propose more, or fewer if fewer match.

        Returns:
            None if the query holds nothing for this arm to search with.

        Raises:
            Exception: whatever the index raises; the other group then answers alone.
        """
        ...
