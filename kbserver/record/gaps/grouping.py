"""What callers asked and got nothing for, or hardly anything; in whatever words, once.

Questions are grouped by the embeddings that their turns had anyway: no model is asked.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from kbserver.extras import require
from kbserver.types import FloatMatrix

SAME_QUESTION = 0.55
"""Mean cosine of two groups above which they are one. Of 1,200 questions about 121 subjects that
gives 141 groups, of purity .92 and completeness .94."""

BARELY = 0.1
"""An answer whose best score lies no more than this above the threshold is in doubt."""

MOST_QUESTIONS = 5_000
"""Different wordings that are grouped: the newest. Their distances take 100 MB."""

_ROWS_AT_ONCE = 256

EXAMPLES = 3
WORDINGS = 10
"""Of a gap that a stub is written with."""

_SILENT = "('below_min_score', 'no_match')"
_ASKED = f"""
SELECT turns.n, turns.at, turns.call, turns.outcome, turns.route, words.query,
    words.embedding, passages.corpus, passages.document, candidates.score,
    coalesce(searches.corpus, first.corpus) AS searched,
    coalesce(searches.generation, first.generation) AS generation,
    (SELECT verdict FROM feedback WHERE feedback.call = turns.call
        ORDER BY feedback.at DESC LIMIT 1) AS ending
FROM turns
JOIN words ON words.turn = turns.n AND words.embedding IS NOT NULL
LEFT JOIN candidates ON candidates.turn = turns.n AND candidates.place = 0
LEFT JOIN passages ON passages.n = candidates.passage
LEFT JOIN searches ON searches.turn = turns.n AND searches.corpus = passages.corpus
LEFT JOIN searches AS first ON first.turn = turns.n AND first.place = 0
WHERE turns.probe IS NULL AND turns.at >= ? AND (
    (turns.outcome = 'empty' AND turns.reason IN {_SILENT})
    OR (turns.outcome IN ('full', 'degraded')
        AND candidates.score < searches.min_score + {BARELY}))
ORDER BY turns.at DESC
"""  # noqa: S608  # constants
_BY_DOCUMENT = f"""
SELECT passages.corpus, passages.document, count(*) AS turns,
    count(DISTINCT turns.call) AS calls, max(candidates.score) AS score
FROM turns
LEFT JOIN candidates ON candidates.turn = turns.n AND candidates.place = 0
LEFT JOIN passages ON passages.n = candidates.passage
WHERE turns.probe IS NULL AND turns.at >= ?
    AND turns.outcome = 'empty' AND turns.reason IN {_SILENT}
GROUP BY 1, 2 ORDER BY turns DESC, score DESC
"""  # noqa: S608  # constants


State: TypeAlias = Literal["new", "being_written", "done", "not_ours"]
"""What people do about a gap."""

STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Gap:
    """One question, in the wordings of several callers."""

    id: str
    """Of its first example."""
    examples: tuple[str, ...]
    """Masked; those that are most like all others first."""
    turns: int
    calls: int
    silent: int
    """Of the turns, those that got nothing; the others were barely answered."""
    first_at: float
    last_at: float
    corpus: str | None
    document: str | None
    """What came nearest most often; None if nothing came near."""
    score: float | None
    """The best that this document had."""
    handed_over: int = 0
    """Of the calls, those that were handed over to a person, where a client told it."""
    wordings: tuple[str, ...] = ()
    """More of what was said, the examples first."""
    route: str = ""
    """That answered the first example."""
    searched: str | None = None
    """The corpus that was asked."""
    generation: str | None = None
    """That the newest turn was asked of."""
    state: State = "new"
    by: str | None = None
    """Of the last change of the state."""
    closed_by: str | None = None
    """The generation that answers the question; None while none does."""
    closed_document: str | None = None
    call: str | None = None
    """Of the first example."""
    embedding: bytes = b""
    """Of the first example, int8."""

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self.closed_by is None and self.state in ("new", "being_written")

    def as_dict(self) -> dict[str, Any]:
        """JSON values, without embedding and call."""
        values = asdict(self) | {"open": self.is_open}
        del values["embedding"], values["call"]
        return values


@dataclass(frozen=True, slots=True)
class NearestDocument:
    """Silent turns, by the document that came nearest: what can be said without words."""

    corpus: str | None
    document: str | None
    turns: int
    calls: int
    score: float | None

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def gaps(connection: sqlite3.Connection, *, since: float) -> list[Gap]:
    """Group what was not, or barely, answered since a moment; what most calls asked first.

    Args:
        since: seconds since the epoch.

    Returns:
        [] if there is nothing, or no words are recorded.

    Raises:
        ExtraMissing: SciPy is not installed.
    """
    require("evaluation", "kbserver gaps")
    rows = connection.execute(_ASKED, (since,)).fetchall()
    by_wording: dict[str, list[sqlite3.Row]] = {}
    length = 0
    if rows:
        length = len(rows[0]["embedding"])
    for row in rows:
        embedding = row["embedding"]
        if len(embedding) != length:  # of another model, before
            continue
        if not any(embedding):  # points nowhere, so is like nothing
            continue
        if row["query"] in by_wording or len(by_wording) < MOST_QUESTIONS:
            by_wording.setdefault(row["query"], []).append(row)
    if not by_wording:
        return []
    wordings = list(by_wording)
    vectors = unit_vectors([by_wording[one][0]["embedding"] for one in wordings])
    found = []
    for members in grouped(vectors):
        central = _most_central(vectors, members)
        said = [wordings[place] for place in central]
        asked = [row for place in members for row in by_wording[wordings[place]]]
        found.append(_gap(said, asked, by_wording[said[0]][0]))
    found.sort(key=lambda gap: (gap.calls, gap.turns), reverse=True)
    return found


def nearest_documents(
    connection: sqlite3.Connection, *, since: float
) -> list[NearestDocument]:
    """Count silent turns by the document that came nearest, most turns first."""
    rows = connection.execute(_BY_DOCUMENT, (since,))
    return [NearestDocument(**dict(row)) for row in rows]


def unit_vectors(embeddings: Sequence[bytes]) -> FloatMatrix:
    """Return int8 embeddings as unit vectors, shape (n, dim), float32."""
    whole = np.frombuffer(b"".join(embeddings), np.int8)
    vectors = whole.reshape(len(embeddings), -1).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units: FloatMatrix = vectors / np.maximum(lengths, 1e-9)
    return units


def grouped(vectors: FloatMatrix) -> list[list[int]]:
    """Return the rows that ask the same, group by group; average linkage over cosines."""
    if len(vectors) == 1:
        return [[0]]
    from scipy.cluster.hierarchy import fcluster, linkage

    tree = linkage(_distances(vectors), method="average")
    groups = fcluster(tree, 1.0 - SAME_QUESTION, criterion="distance")
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups.tolist()):
        members.setdefault(group, []).append(place)
    return list(members.values())


def _distances(vectors: FloatMatrix) -> NDArray[np.float64]:
    """Return 1 - cosine of each pair of rows, as SciPy's `pdist` orders them.

    A matrix product of some rows at a time takes a tenth of the time of `pdist`.
    """
    count = len(vectors)
    distances = np.empty(count * (count - 1) // 2)
    begin = 0
    for first in range(0, count, _ROWS_AT_ONCE):
        some = vectors[first : first + _ROWS_AT_ONCE]
        likeness = some @ vectors.T
        for row, values in enumerate(likeness, start=first):
            others = values[row + 1 :]
            end = begin + len(others)
            np.subtract(1.0, others, out=distances[begin:end])
            begin = end
    return np.maximum(distances, 0.0, out=distances)


def _most_central(vectors: FloatMatrix, members: list[int]) -> list[int]:
    mean = vectors[members].mean(axis=0)
    likeness = vectors[members] @ mean
    order = np.argsort(-likeness, kind="stable")
    return [members[place] for place in order[:WORDINGS].tolist()]


def _gap(said: list[str], asked: list[sqlite3.Row], example: sqlite3.Row) -> Gap:
    near = Counter(
        (row["corpus"], row["document"]) for row in asked if row["document"] is not None
    )
    corpus = document = score = None
    if near:
        ((corpus, document), _) = near.most_common(1)[0]
        score = max(row["score"] for row in asked if row["document"] == document)
    # A turn without a label is a call of its own, as far as can be told.
    calls = {row["call"] or row["n"] for row in asked}
    handed_over = {row["call"] for row in asked if row["ending"] == "handed_over"}
    newest = max(asked, key=_time)
    times = [row["at"] for row in asked]
    return Gap(
        id=hashlib.sha256(said[0].encode()).hexdigest()[:10],
        examples=tuple(said[:EXAMPLES]),
        turns=len(asked),
        calls=len(calls),
        silent=sum(row["outcome"] == "empty" for row in asked),
        first_at=min(times),
        last_at=max(times),
        corpus=corpus,
        document=document,
        score=score,
        handed_over=len(handed_over),
        wordings=tuple(said),
        route=example["route"],
        searched=newest["searched"],
        generation=newest["generation"],
        call=example["call"],
        embedding=example["embedding"],
    )


def _time(row: sqlite3.Row) -> float:
    return float(row["at"])
