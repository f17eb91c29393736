"""A finished turn as the flight recorder is told of it. Runs after the turn was answered."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from kbserver.endpoint.ground import Call, Grounding
from kbserver.notes import (
    LONGEST_TRACEPARENT,
    PROBE_HEADER,
    PROBES,
    TRACE_HEADER,
    CandidateNote,
    SearchNote,
    TurnNote,
    WordsNote,
)
from kbserver.settings import RecordMode
from kbserver.types import FloatVector, Hit

WORDS_A_MINUTE = 150
"""At which a voice reads an answer out."""

MOST_CHARACTERS = 4_000
"""Of a query; the rest is not recorded."""

_CHANGING = re.compile(r"[0-9a-fA-F]*\d[0-9a-fA-F]*")
_MOST_PATTERN_CHARACTERS = 80


def note_of(
    call: Call,
    grounding: Grounding,
    mode: RecordMode,
    *,
    answer_bytes: int,
    headers: Mapping[str, str] | None = None,
) -> TurnNote:
    """Return what is told of a turn; its words only in the mode `words`.

    Args:
        mode: not `off`.
        answer_bytes: of the body.
        headers: of the request: they say what asked in place of a caller, and of which trace the
            turn is part.
    """
    trace = grounding.trace
    headers = headers or {}
    traceparent = headers.get(TRACE_HEADER)
    if traceparent is not None:
        traceparent = traceparent[:LONGEST_TRACEPARENT]
    text = grounding.context.text
    words_said = text.count(" ") + bool(text)  # to split takes a third of all this
    words: WordsNote | None = None
    if mode == "words":
        words = _words(call, grounding)
    return TurnNote(
        id=trace.id,
        at=trace.at,
        label=call.ask.label,
        route=trace.route,
        outcome=trace.outcome,
        reason=trace.reason,
        cached=trace.cached,
        leaned=any(search.leaned for search in trace.searches),
        in_budget=trace.in_budget,
        total_ms=trace.total_ms,
        budget_ms=trace.budget_ms,
        waited_ms=call.place.waited_ms,
        stages_ms=dict(trace.stages_ms),
        answer_bytes=answer_bytes,
        spoken_s=60.0 * words_said / WORDS_A_MINUTE,
        token=call.grant.kind,
        probe=probe_of(call, headers),
        traceparent=traceparent,
        searches=_searches(grounding),
        candidates=_candidates(grounding),
        words=words,
    )


def probe_of(call: Call, headers: Mapping[str, str]) -> str | None:
    """Return what asks in place of a caller; None for a caller.

    A signed token, which a browser may hold, cannot take its turns out of the figures.
    """
    probe = headers.get(PROBE_HEADER)
    if probe not in PROBES or call.grant.kind == "signed":
        return None
    return probe


def pattern_of(label: str) -> str:
    """Return a label without what tells one call from another: `web-3f9a` → `web-#`."""
    return _CHANGING.sub("#", label)[:_MOST_PATTERN_CHARACTERS]


def _searches(grounding: Grounding) -> tuple[SearchNote, ...]:
    return tuple(
        SearchNote(
            search.corpus,
            search.generation,
            search.threshold.min_score,
            search.threshold.origin,
        )
        for search in grounding.trace.searches
    )


def _candidates(grounding: Grounding) -> tuple[CandidateNote, ...]:
    """Return the hits of the answer, best first, then what was below the threshold."""
    spoken = {passage.id for passage in grounding.context.passages}
    hits = [hit for hit in grounding.hits if hit.passage.id in spoken]
    near = [hit for search in grounding.trace.searches for hit in search.near]
    near.sort(key=lambda hit: hit.score, reverse=True)
    answered = [_candidate(hit, answered=True) for hit in hits]
    return (*answered, *(_candidate(hit, answered=False) for hit in near))


def _candidate(hit: Hit, *, answered: bool) -> CandidateNote:
    arms = hit.arms
    passage = hit.passage
    return CandidateNote(
        hit.corpus,
        passage.id,
        passage.source,
        hit.score,
        arms.get("lexical"),
        arms.get("dense"),
        answered,
    )


def _words(call: Call, grounding: Grounding) -> WordsNote:
    heard = ""
    if grounding.trace.searches:
        heard = grounding.trace.searches[0].heard
    embedding: bytes | None = None
    if grounding.embedding is not None:
        embedding = in_bytes(grounding.embedding)
    return WordsNote(call.ask.label, call.ask.query[:MOST_CHARACTERS], heard, embedding)


def in_bytes(embedding: FloatVector) -> bytes:
    """Return a unit vector as int8, 127 for 1.0; a byte a dimension."""
    return bytes(np.rint(embedding * 127.0).astype(np.int8).data)
