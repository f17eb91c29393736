"""Turns as spans, received over HTTP as a collector does and read by the messages of OTLP."""

import gzip
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kbserver.notes import WordsNote
from kbserver.record.channel import Channel, Message
from kbserver.record.keeper import Keeper
from kbserver.record.masking import digits
from kbserver.record.writer import Options
from tests.endpoint.conftest import wait_until
from tests.record.conftest import NOON, candidate, plain, turn

pytest.importorskip("opentelemetry.sdk")
collector = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
)

from kbserver.record.otel import Spans, SpanSender, url_of  # noqa: E402  # of an extra

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


class Receiver:
    """A receiver of OTLP/HTTP on a free port."""

    def __init__(self):
        self.requests = []
        self.status = 200
        self.arrived = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                request = collector.ExportTraceServiceRequest.FromString(body)
                headers = {name.lower(): self.headers[name] for name in self.headers}
                outer.requests.append((self.path, headers, request))
                self.send_response(outer.status)
                self.end_headers()
                outer.arrived.set()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def spans(self):
        return [
            span
            for _, _, request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@contextmanager
def sending(url, *, mask=plain):
    channel = Channel()
    spans = Spans(mask=mask, call_of=lambda label: label and "key-1")
    sender = SpanSender(spans, channel.page, url)
    try:
        yield sender, channel.page
    finally:
        sender.close(20)
        channel.close()


def attributes(span):
    found = {}
    for pair in span.attributes:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind)
    return found


def received(receiver, *turns, **more):
    with sending(receiver.url, **more) as (sender, _):
        sender.take(turns)
    return receiver.spans


def test_a_turn_is_a_span_of_the_conventions(receiver):
    found = (candidate(), candidate("p2", answered=False))
    [span] = received(receiver, turn(candidates=found, stages_ms={"embed": 5.126}))
    told = attributes(span)
    assert span.name == "retrieval"
    assert span.start_time_unix_nano == NOON * 1e9
    assert span.end_time_unix_nano - span.start_time_unix_nano == 7_250_000
    assert told["gen_ai.operation.name"] == "retrieval"
    assert told["gen_ai.data_source.id"] == "support"
    documents = [{"id": "p1", "score": 0.8}]
    assert json.loads(told["gen_ai.retrieval.documents"]) == documents
    assert told["openinference.span.kind"] == "RETRIEVER"
    assert told["retrieval.documents.0.document.id"] == "p1"
    assert told["retrieval.documents.0.document.score"] == 0.8
    source = {"source": "router/reset.md", "corpus": "support"}
    assert json.loads(told["retrieval.documents.0.document.metadata"]) == source
    assert "retrieval.documents.1.document.id" not in told
    assert told["session.id"] == "key-1"
    assert told["kbserver.turn"] == turn().id
    assert told["kbserver.stage.embed_ms"] == 5.126
    assert told["kbserver.min_score"] == 0.15
    assert span.status.code == 0
    path, headers, request = receiver.requests[0]
    assert path == "/v1/traces"
    assert headers["content-type"] == "application/x-protobuf"
    resource = attributes(request.resource_spans[0].resource)
    assert resource["service.name"] == "kbserver"


def test_no_words_are_told_but_those_of_the_mode_words_masked(receiver):
    words = WordsNote("call-1", "my number is 4 1 1 1 2", "my number", bytes(8))
    silent, said = received(receiver, turn(1), turn(2, words=words), mask=digits)
    assert not {"input.value", "gen_ai.retrieval.query.text"} & set(attributes(silent))
    told = attributes(said)
    assert told["input.value"] == "my number is ‹digits›"
    assert told["gen_ai.retrieval.query.text"] == told["input.value"]
    assert "call-1" not in str(told)


def test_words_that_cannot_be_masked_stay_here(receiver):
    def broken(text):
        raise ValueError

    words = WordsNote("call-1", "secret", "secret", None)
    [span] = received(receiver, turn(words=words), mask=broken)
    assert "secret" not in str(attributes(span))


def test_a_turn_is_part_of_the_trace_that_its_request_names(receiver):
    sampled = f"00-{TRACE}-{PARENT}-01"
    spans = received(
        receiver,
        turn(1, traceparent=sampled),
        turn(2, traceparent=f"00-{TRACE}-{PARENT}-00"),  # sampled out
        turn(3, traceparent="nonsense"),
        turn(4),
    )
    first, second, third = spans
    assert first.trace_id.hex() == TRACE and first.parent_span_id.hex() == PARENT
    for span in (second, third):
        assert span.trace_id.hex() != TRACE and not span.parent_span_id
    assert second.trace_id != third.trace_id


def test_a_fault_of_the_server_is_an_error_and_silence_is_none(receiver):
    fault, silence = received(
        receiver,
        turn(1, outcome="empty", reason="error"),
        turn(2, outcome="empty", reason="no_match", searches=()),
    )
    assert fault.status.code == 2 and attributes(fault)["error.type"] == "error"
    assert silence.status.code == 0
    assert attributes(silence)["kbserver.reason"] == "no_match"
    assert "gen_ai.data_source.id" not in attributes(silence)


def test_what_is_not_taken_is_counted(receiver):
    receiver.status = 400
    with sending(receiver.url) as (sender, page):
        sender.take([turn(1), turn(2)])
        wait_until(lambda: page["spans_lost"] == 2)
        receiver.status = 200
        sender.take([turn(3)])
        wait_until(lambda: page["spans_sent"] == 1)


def test_the_oldest_go_where_a_receiver_does_not_answer(monkeypatch):
    monkeypatch.setattr("kbserver.record.otel.MOST_WAITING", 3)
    entered, release = threading.Event(), threading.Event()

    class Stuck:
        def export(self, spans):
            entered.set()
            release.wait(30)
            raise OSError

    channel = Channel()
    spans = Spans(mask=plain, call_of=lambda label: None)
    sender = SpanSender(spans, channel.page, "http://127.0.0.1:1", exporter=Stuck())
    sender.take([turn(1)])
    assert entered.wait(30)
    sender.take([turn(number) for number in range(2, 8)])
    assert channel.page["spans_lost"] == 3
    release.set()
    sender.close(20)
    assert channel.page["spans_lost"] == 7
    channel.close()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://a:4318", "http://a:4318/v1/traces"),
        ("https://a/api/public/otel/", "https://a/api/public/otel/v1/traces"),
        ("http://a/v1/traces", "http://a/v1/traces"),
    ],
)
def test_traces_go_below_the_base_url(endpoint, url):
    assert url_of(endpoint) == url


def test_the_writers_process_sends_what_it_records(receiver, folder, caplog):
    options = Options(str(folder), 30, 14, 512, (), None, otlp=receiver.url)
    channel = Channel()
    keeper = Keeper(channel, options, look_s=0.01)
    keeper.start()
    try:
        channel.sender.send(Message(0, 0, [turn()], []).encoded())
        assert receiver.arrived.wait(60)
        wait_until(lambda: channel.page["spans_sent"] == 1)
        receiver.status = 400
        channel.sender.send(Message(0, 0, [turn(2)], []).encoded())
        wait_until(lambda: "spans cannot be sent" in caplog.text)
    finally:
        keeper.stop()
    assert channel.page["written"] == 2
    channel.close()


def test_the_variables_name_the_service(receiver, monkeypatch):
    def name():
        received(receiver, turn())
        _, _, request = receiver.requests[-1]
        return attributes(request.resource_spans[0].resource)["service.name"]

    assert name() == "kbserver"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "help-desk")
    assert name() == "help-desk"
