"""Ranks the passages of one snapshot for one query: propose → union → score → fuse → read → hits.

No clock and no event loop: every method computes and returns, in any thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from kbserver.index.rows import union_rows
from kbserver.index.snapshot import Snapshot
from kbserver.languages import profile, spoken
from kbserver.retrieval.arms.base import Arm, Candidates, Group, Query, Values
from kbserver.retrieval.arms.words import (
    FEWEST_PASSAGES,
    WordsArm,
    share_of_passages,
    terms_of,
)
from kbserver.retrieval.fusion import (
    Evidence,
    Ranking,
    excess_of,
    prospect,
    rank,
    scores,
    weighted,
)
from kbserver.retrieval.neighbours import places_to_read
from kbserver.retrieval.precedence import Precedence
from kbserver.retrieval.reading import Reading
from kbserver.retrieval.spoken.reader import PassageReader
from kbserver.retrieval.transcript import cleaning
from kbserver.retrieval.transcript.cleaning import Heard, as_said, bare
from kbserver.retrieval.transcript.followup import Exchange, carry, naming_share
from kbserver.retrieval.transcript.requests import requests_in
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Rows, Scope

CANDIDATES = 50
"""Rows that each arm proposes at least. Every candidate gets the scores of all arms."""

Found: TypeAlias = Mapping[str, Candidates]
"""What one group of arms found, by the name of the arm."""


class Ranker:
    """Ranks the passages of one snapshot. Read-only; safe to share between threads."""

    def __init__(
        self,
        snapshot: Snapshot,
        corpus: str,
        *,
        arms: Sequence[Arm],
        read: PassageReader,
    ) -> None:
        """Take a snapshot and its arms.

        Args:
            snapshot: open. Its indexes stay usable here after it is closed.
            corpus: the name that hits carry.
            arms: of the snapshot; see `arms.open_arms`.
            read: gives the passage of a row.
        """
        self._snapshot = snapshot
        self._corpus = corpus
        self._read = read
        self._arms = tuple(arms)
        self._profile = profile(snapshot.lexical.language)
        self._precedence = Precedence(snapshot)
        self._lengths = snapshot.lengths
        self._trust = Reading.of(snapshot.manifest).trust
        self._share = partial(share_of_passages, snapshot.lexical)
        self._naming = naming_share(max(snapshot.size, FEWEST_PASSAGES))

    def wants_embedding(self, settings: TurnSettings) -> bool:
        """Whether a turn with these settings is ranked by the meaning of its query.

        A model that cannot read the corpus is asked only where the settings want nothing else.
        """
        if settings.arms == "dense":
            return True
        return settings.arms != "lexical" and self._trust > 0.0

    def waits(self, group: Group) -> bool:
        """Whether an arm of a group waits for a network or a disk."""
        return any(arm.waits for arm in self._arms_of(group))

    def rows(self, scope: Scope, *, now_s: float) -> Rows | None:
        """Return the rows that may be answered: in scope, valid now and not superseded.

        Args:
            scope: only passages with these metadata values.
            now_s: seconds since the epoch, UTC.

        Returns:
            Ascending; None if all rows may be answered.
        """
        rows = self._snapshot.rows_in_scope(scope)
        valid = self._snapshot.valid_rows(now_s)
        if rows is None:
            rows = valid
        elif valid is not None:
            rows = np.intersect1d(rows, valid, assume_unique=True)
        superseded = self._precedence.superseded(valid)
        if not superseded.size:
            return rows
        if rows is None:
            rows = np.arange(self._snapshot.size, dtype=np.int64)
        return np.setdiff1d(rows, superseded, assume_unique=True)

    def understand(
        self, query: str, past: Sequence[Exchange], settings: TurnSettings
    ) -> Query:
        """Clean a query, and find out what it takes from earlier turns.

        Args:
            query: as the recogniser wrote it.
            past: earlier turns of the same session label, newest first.
            settings: `fillers` says whether to clean; the arms read the rest.

        Returns:
            Without a vector.
        """
        profile = spoken(query, (self._profile,))
        heard = cleaning.understand(query, profile, fillers=settings.fillers)
        if settings.numbers:
            heard = self._with_codes(heard)
            past = [
                replace(
                    turn, query=self._with_codes(as_said(turn.query, turn.profile)).text
                )
                for turn in past
            ]
        leans_on = carry(
            heard.text, profile, past, share=self._share, naming=self._naming
        )
        requests = requests_in(heard.text, heard.profile)
        return Query(heard, settings, leans_on, requests)

    def _with_codes(self, heard: Heard) -> Heard:
        """Write spoken codes as the corpus does; see `Numbers.codes`."""
        words = [bare(word) for word in heard.text.split()]
        written = heard.profile.numbers.codes(words, self._knows)
        if written is None:
            return heard
        return replace(heard, text=" ".join(written.words), codes=written.codes)

    def _knows(self, text: str) -> bool:
        if text in self._profile.stop_words.spoken:
            return False
        terms = terms_of(self._snapshot.lexical, text)
        if len(terms) != 1:
            return False
        return self._snapshot.lexical.document_frequency(terms[0]) > 0

    def propose(self, group: Group, query: Query, rows: Rows | None) -> Found:
        """Have every arm of a group find its candidates.

        Args:
            group: `lexical`, or `dense` for a query with a vector.
            rows: search only these, ascending, none twice; None for all rows.

        Raises:
            Exception: whatever an index raises.
        """
        # More than are asked for: some are joined with others, or say the same as others.
        count = max(CANDIDATES, 2 * query.settings.top_k)
        found = {}
        for arm in self._arms_of(group):
            candidates = arm.propose(query, rows=rows, count=count)
            if candidates is not None:
                found[arm.name] = candidates
        return found

    def rank(
        self,
        query: Query,
        lexical: Found | None,
        dense: Found | None,
        *,
        top_k: int,
    ) -> list[Hit]:
        """Score the candidates of all arms with all arms, and rank them.

        Args:
            query: what the candidates were proposed for.
            lexical: what the lexical arms found; None to rank without them.
            dense: what the dense arms found; None to rank without them.
            top_k: how many hits the caller wants.

        Returns:
            Best first: the hits that can be among the `top_k` best once neighbours are joined.

        Raises:
            Exception: whatever an index or the passage table raises.
        """
        lexical = lexical or {}
        dense = dense or {}
        proposed = [found.rows for found in (*lexical.values(), *dense.values())]
        rows = union_rows(proposed)
        lexical_scores = _scored(lexical, rows)
        evidence = Evidence(
            lexical=lexical_scores,
            dense=_scored(dense, rows),
            covered=_covered(lexical, lexical_scores, rows),
            trust=self._trust_in(lexical, dense),
            excess=self._excess(rows),
            prior=self._precedence.bonus(rows),
            asked=_asked(lexical),
            prospect=prospect(
                query.requests,
                leans=query.leans_on is not None,
                passages=max(1, self._snapshot.size),
            ),
        )
        return self._hits(rows, evidence, rank(evidence), top_k)

    def _trust_in(self, lexical: Found, dense: Found) -> float:
        if not lexical:
            return 1.0
        read = (candidates.trust for candidates in dense.values())
        return self._trust * min(read, default=1.0)

    def _excess(self, rows: Rows) -> Values | None:
        if self._lengths is None:
            return None
        return excess_of(self._lengths[rows])

    def _hits(
        self, rows: Rows, evidence: Evidence, ranking: Ranking, top_k: int
    ) -> list[Hit]:
        places = ranking.order[: 2 * top_k].tolist()
        best = rows[places].tolist()
        values = scores(ranking, self._rival(best))
        by_group = {
            "lexical": weighted(evidence.lexical),
            "dense": weighted(evidence.dense),
        }
        hits = []
        for at in places_to_read(best, top_k=top_k):
            passage, spoken_form = self._read(best[at])
            arms = {
                group: float(total[places[at]])
                for group, total in by_group.items()
                if total is not None
            }
            hit = Hit(
                passage,
                float(values[at]),
                self._corpus,
                arms,
                spoken_form,
                self._snapshot.lexical.language,
            )
            hits.append(hit)
        return hits

    def _rival(self, best: Sequence[int]) -> int | None:
        """Place of the best row of another document than the first's; None if there is none."""
        if not best:
            return None
        first, _ = self._read(best[0])
        for place, row in enumerate(best):
            passage, _ = self._read(row)
            if passage.source != first.source:
                return place
        return None

    def _arms_of(self, group: Group) -> list[Arm]:
        return [arm for arm in self._arms if arm.group == group]


def _scored(found: Found, rows: Rows) -> dict[str, Values]:
    return {name: candidates.score(rows) for name, candidates in found.items()}


def _asked(found: Found) -> float:
    """The nats of a row that holds all words of the query; 0 where none were searched for."""
    words = found.get(WordsArm.name)
    if words is None:
        return 0.0
    return words.ideal


def _covered(found: Found, scores_of: Mapping[str, Values], rows: Rows) -> Values:
    """The share of the query's words that each row holds.

    Sounds do not count: a passage that sounds like the query need not answer it.
    """
    words = found.get(WordsArm.name)
    if words is None or words.ideal <= 0:
        return np.zeros(rows.size, np.float32)
    return scores_of[WordsArm.name] / np.float32(words.ideal)
