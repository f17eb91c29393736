"""Turns as OpenTelemetry spans, sent by OTLP/HTTP from the writer's process.

A span says what the record says, by the attributes of the GenAI conventions for retrieval (status:
Development) and of OpenInference, which Phoenix reads.

Source: https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/retrieval.md
and https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from importlib.metadata import version

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from kbserver.notes import CandidateNote, TurnNote
from kbserver.record.channel import Page
from kbserver.record.masking import Mask

PATH = "/v1/traces"
MOST_WAITING = 4096
"""Turns that wait to be sent; then the oldest go, and are counted."""

BATCH = 256
LIMIT_S = 10.0
"""For one request; the standard's own default."""

_FAILURES = frozenset({"error", "failed", "lexical_failed", "corpus_failed"})
"""Reasons that are faults of the server."""

Attributes = dict[str, AttributeValue]


class Spans:
    """Makes spans of turns."""

    def __init__(self, *, mask: Mask, call_of: Callable[[str | None], str | None]):
        """Prepare.

        Args:
            mask: applied to the words of a query, where words are told at all.
            call_of: the key of a session label; None: it has none.
        """
        self._mask = mask
        self._call_of = call_of
        self._made = _Made()
        resource = Resource.create(
            {"service.name": "kbserver", "service.version": version("kbserver")}
        )
        # What the variables say, which `create` ranks below what it is given.
        resource = resource.merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(self._made)
        self._tracer = provider.get_tracer("kbserver", version("kbserver"))
        self._context = TraceContextTextMapPropagator()

    def of(self, turns: Sequence[TurnNote]) -> list[ReadableSpan]:
        """Return a span for each turn, but for those whose caller samples them out."""
        for turn in turns:
            self._make(turn)
        return self._made.taken()

    def _make(self, turn: TurnNote) -> None:
        carrier = {}
        if turn.traceparent:
            carrier["traceparent"] = turn.traceparent
        began_ns = int(turn.at * 1e9)
        span = self._tracer.start_span(
            "retrieval",
            context=self._context.extract(carrier),
            kind=SpanKind.INTERNAL,
            attributes=self._attributes(turn),
            start_time=began_ns,
        )
        if turn.reason in _FAILURES:
            span.set_attribute("error.type", turn.reason)
            span.set_status(Status(StatusCode.ERROR))
        span.end(began_ns + int(turn.total_ms * 1e6))

    def _attributes(self, turn: TurnNote) -> Attributes:
        answered = [one for one in turn.candidates if one.answered]
        documents = [{"id": one.passage, "score": one.score} for one in answered]
        attributes: Attributes = {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.documents": json.dumps(documents),
            "openinference.span.kind": "RETRIEVER",
            "kbserver.turn": turn.id,
            "kbserver.route": turn.route,
            "kbserver.outcome": turn.outcome,
            "kbserver.in_budget": turn.in_budget,
            "kbserver.budget_ms": turn.budget_ms,
            "kbserver.cached": turn.cached,
            "kbserver.answer_bytes": turn.answer_bytes,
        }
        for place, one in enumerate(answered):
            attributes |= _document(place, one)
        for stage, ms in turn.stages_ms.items():
            attributes[f"kbserver.stage.{stage}_ms"] = round(ms, 3)
        if turn.searches:
            attributes["gen_ai.data_source.id"] = ",".join(
                search.corpus for search in turn.searches
            )
            first = turn.searches[0]
            attributes["kbserver.generation"] = first.generation
            attributes["kbserver.min_score"] = first.min_score
            attributes["kbserver.min_score_from"] = first.min_score_from
        for name, value in (
            ("kbserver.reason", turn.reason),
            ("kbserver.probe", turn.probe),
            ("session.id", self._call_of(turn.label)),
        ):
            if value:
                attributes[name] = value
        return attributes | self._words(turn)

    def _words(self, turn: TurnNote) -> Attributes:
        """Return what the caller said, masked; nothing where words are not told."""
        if turn.words is None:
            return {}
        try:
            said = self._mask(turn.words.query)
        except Exception:  # of own code that masks: then the words stay here
            return {}
        return {
            "gen_ai.retrieval.query.text": said,
            "input.value": said,
            "input.mime_type": "text/plain",
        }


class SpanSender:
    """Sends spans from a thread of its own; whatever the receiver does, only spans are lost."""

    def __init__(
        self,
        spans: Spans,
        page: Page,
        endpoint: str,
        *,
        exporter: SpanExporter | None = None,
    ) -> None:
        """Start the thread.

        Args:
            page: sent and lost spans are counted there.
            endpoint: base URL of the receiver. Headers come from `OTEL_EXPORTER_OTLP_HEADERS`.
            exporter: in place of one to the endpoint.
        """
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # the page tells
        self._spans = spans
        self._page = page
        self._exporter = exporter or OTLPSpanExporter(
            endpoint=url_of(endpoint), timeout=LIMIT_S
        )
        self._waiting: deque[TurnNote] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._send_forever, daemon=True)
        self._thread.start()

    def take(self, turns: Sequence[TurnNote]) -> None:
        """Take turns to be sent; beyond `MOST_WAITING` the oldest go."""
        with self._changed:
            self._waiting.extend(turns)
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popleft()
                self._page["spans_lost"] += 1
            self._changed.notify()

    def close(self, limit_s: float) -> None:
        """Send what waits, for some seconds at most."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(limit_s)

    def _send_forever(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if not self._waiting:
                    return
                count = min(BATCH, len(self._waiting))
                turns = [self._waiting.popleft() for _ in range(count)]
            sent = self._sent(turns)
            with self._changed:
                self._page["spans_sent" if sent else "spans_lost"] += len(turns)

    def _sent(self, turns: Sequence[TurnNote]) -> bool:
        try:
            result = self._exporter.export(self._spans.of(turns))
        except Exception:  # of any library below, or a receiver that answers nonsense
            return False
        return result == SpanExportResult.SUCCESS


class _Made(SpanProcessor):
    """Keeps the spans that ended until they are taken."""

    def __init__(self) -> None:
        self._spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self._spans.append(span)

    def taken(self) -> list[ReadableSpan]:
        spans, self._spans = self._spans, []
        return spans


def url_of(endpoint: str) -> str:
    """Return where traces go below a base URL."""
    base = endpoint.rstrip("/")
    if base.endswith(PATH):
        return base
    return base + PATH


def _document(place: int, one: CandidateNote) -> Attributes:
    prefix = f"retrieval.documents.{place}.document"
    metadata = {"source": one.document, "corpus": one.corpus}
    return {
        f"{prefix}.id": one.passage,
        f"{prefix}.score": one.score,
        f"{prefix}.metadata": json.dumps(metadata, ensure_ascii=False),
    }
