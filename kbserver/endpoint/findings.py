"""What a turn found and how it ends: full, degraded or empty. Decided here, and only here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from kbserver.endpoint.asking.manner import Limits
from kbserver.endpoint.trace import Recorder
from kbserver.endpoint.turn import HandlerAnswer
from kbserver.retrieval.context import EMPTY, Context, compose, compose_text
from kbserver.retrieval.retriever import Search
from kbserver.settings import TurnSettings
from kbserver.types import FloatVector, Hit, Outcome, Reason


@dataclass(frozen=True, slots=True)
class Findings:
    """What a turn answers, and how that counts."""

    outcome: Outcome
    reason: Reason | None = None
    """Why it is not full; None if it is."""
    hits: Sequence[Hit] = ()
    """Best first."""
    context: Context = EMPTY
    embedding: FloatVector | None = None
    """Of the query alone, shape (dim,); for the follow-up memory."""
    searches: Sequence[Search] = ()
    """Of each corpus that was searched."""

    @property
    def answered(self) -> int:
        """How many passages are in the answer; a fallback text counts as none."""
        if self.outcome == "empty":
            return 0
        return len(self.context.passages)


def decide(
    answer: HandlerAnswer, recorder: Recorder, settings: TurnSettings, limits: Limits
) -> Findings:
    """Compose an answer and say how the turn ends.

    Args:
        answer: of the turn's own search, or a handler's, as `handlers.checked` returned it.
        recorder: what the searches of the turn came to.
    """
    hits: Sequence[Hit] = ()
    context = EMPTY
    if isinstance(answer, str):
        context = _of_text(answer, settings, limits)
    elif answer is not None:
        hits = answer
        context = compose(
            hits,
            max_context_bytes=settings.max_context_bytes,
            max_answer_bytes=limits.passages_bytes,
            speak=settings.speakable,
        )
    embedding = recorder.embedding
    searches = recorder.searches
    if not context.text:
        reason = recorder.degraded or recorder.nothing or "no_match"
        context = fallback_context(settings, limits)
        return Findings("empty", reason, hits, context, embedding, searches)
    if recorder.degraded is not None:
        cause = recorder.degraded
        return Findings("degraded", cause, hits, context, embedding, searches)
    return Findings("full", None, hits, context, embedding, searches)


def fallback_context(settings: TurnSettings, limits: Limits) -> Context:
    """Return the route's fallback text as a context; an empty one if it has none."""
    return compose_text(
        settings.fallback,
        id="fallback",
        score=0.0,
        max_context_bytes=min(settings.max_context_bytes, limits.text_bytes),
    )


def _of_text(text: str, settings: TurnSettings, limits: Limits) -> Context:
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    return compose_text(
        text,
        id=f"text-{digest[:12]}",
        score=1.0,
        max_context_bytes=min(settings.max_context_bytes, limits.text_bytes),
    )
