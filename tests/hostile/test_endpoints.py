"""Knowledge endpoints that misbehave towards `kbserver call` and `kbserver doctor`."""

import asyncio
import json
import re
import time
from functools import partial

import pytest
from typer.testing import CliRunner

import kbserver.cli
from kbserver.omni.doctor.examine import examine
from kbserver.omni.engine import KnowledgeEndpoint
from tests.raw_server import CLOSE, endless, raw_server, whole

OK = b"HTTP/1.1 200 OK\r\n"
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b1A\r\u202eforged\x00"


def slowly(piece):
    while True:
        yield piece
        time.sleep(0.02)


def serving(*parts):
    """A server that answers every request with these parts."""

    def answering(head):
        for part in parts:
            yield from [part] if isinstance(part, bytes) else part()

    return raw_server(answering)


def as_json(value):
    return whole(json.dumps(value).encode(), b"content-type: application/json")


BAD = {
    "endless body": ([OK + b"\r\n", partial(endless, b"x" * 9_999)], "too_large"),
    "informational": (
        [partial(endless, b"HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n" * 100)],
        "too_large",
    ),
    "endless head": ([OK, partial(endless, b"x-a: b\r\n")], "closed"),
    "head by byte": ([partial(slowly, b"H")], "timeout"),
    "body by byte": (
        [OK + b"content-length: 900\r\n\r\n", partial(slowly, b" ")],
        "timeout",
    ),
    "packed twice": ([whole(b"x", b"content-encoding: gzip, gzip")], "protocol"),
    "hangs up": ([CLOSE], "closed"),
    "nested": ([whole(b"[" * 100_000)], "invalid_json"),
    "nested a little": ([whole(b'{"a":' * 50 + b"1" + b"}" * 50)], "invalid_json"),
    "many digits": (
        [whole(b'{"results": [{"score": ' + b"9" * 5_000 + b"}]}")],
        "invalid_json",
    ),
    "beyond a float": ([whole(b'{"results": [{"score": 1e999}]}')], "invalid_json"),
    "not a number": ([whole(b'{"results": [{"score": NaN}]}')], "invalid_json"),
    "not an object": ([whole(b"[]")], "not_an_object"),
}


@pytest.mark.parametrize(("parts", "reason"), BAD.values(), ids=BAD)
def test_a_bad_answer_is_an_ungrounded_turn_with_its_reason(parts, reason):
    limit_ms = 400.0 if reason == "timeout" else 10_000.0

    async def look_up(port):
        url = f"http://127.0.0.1:{port}/kb"
        async with KnowledgeEndpoint(url, timeout_ms=limit_ms) as endpoint:
            return await endpoint.look_up("x", None)

    with serving(*parts) as port:
        lookup = asyncio.run(look_up(port))
    assert lookup.reason == reason
    assert not lookup.in_time


ODD = {
    "results is a number": {"context": "x", "results": 5},
    "results of lists": {"context": "x", "results": [[], 1, None]},
    "ids are lists": {"context": "x", "results": [{"id": [], "content": "x"}]},
    "everything is a number": dict.fromkeys(("context", "results", "trace"), 1),
    "a trace of odd things": {
        "context": "x",
        "results": [{"id": "a", "content": "x", "score": 9e99}],
        "trace": {"stages_ms": {"a": "b", "c": [1]}, "total_ms": {}, "route": [ESCAPES]},
    },
    "stages that are a list": {"context": "x", "trace": {"stages_ms": [1]}},
    "escapes everywhere": {
        "context": ESCAPES,
        "results": [{"id": ESCAPES, "content": ESCAPES, "score": 1}],
        "session_label": ESCAPES,
        "trace": {
            "route": ESCAPES,
            "outcome": ESCAPES,
            "reason": ESCAPES,
            "stages_ms": {ESCAPES: 1},
            "total_ms": 1,
        },
        ESCAPES: 1,
    },
    "markup": {"context": "[red]x[/red] [/]", "results": [{"id": "[/]", "content": "x"}]},
    "half a character": {
        "context": "\ud800",
        "results": [{"id": "\udfff", "content": "\ud800"}],
    },
    "very long": {
        "context": "x" * 500_000,
        "results": [{"id": "y" * 100_000, "content": "x"}],
        "z" * 100_000: 1,
    },
}  # fmt: skip


def run(*arguments):
    result = CliRunner().invoke(kbserver.cli.app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result
    return result


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
@pytest.mark.parametrize("more", [(), ("--json",)], ids=["shown", "json"])
def test_call_shows_what_an_endpoint_sends_and_none_of_its_controls(
    value, more, tmp_path
):
    script = tmp_path / "script.txt"
    script.write_text("how do i reset my pin\n")
    with serving(as_json(value)) as port:
        result = run(
            "call", f"http://127.0.0.1:{port}/kb", "--script", str(script), *more
        )
    assert UNSEEN.search(result.output) is None
    if more:
        turn = json.loads(result.stdout)
        assert turn["lookup"]["context"] == value.get("context", "") or not isinstance(
            value["context"], str
        )
    else:
        assert len(result.output) < 60_000


ILL = {name: as_json(value) for name, value in ODD.items()} | {
    "a redirect": whole(
        b"", b"location: \xc2\x9b1A" + b"x" * 9_000, status=b"302 \x07"
    ),
    "a refusal": as_json({"error": {"code": ESCAPES}}).replace(
        b"200 OK", b"401 Unauthorized"
    ),
}


@pytest.mark.parametrize("answer", ILL.values(), ids=ILL)
def test_doctor_tells_what_is_ill_and_shows_no_controls(answer, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with serving(answer) as port:
        result = run("doctor", f"http://127.0.0.1:{port}/kb", "--turns", "1")
    assert UNSEEN.search(result.output) is None
    assert len(result.output) < 20_000
    assert "first turn" in result.stdout


def test_an_endpoint_that_answers_differently_every_time_is_examined_to_the_end():
    good = {"context": "x", "results": [{"id": "a", "content": "x"}]}
    answers: list[object] = [good, *ODD.values()]
    turns = iter(range(10**6))

    def answering(head):
        yield as_json(answers[next(turns) % len(answers)])

    with raw_server(answering) as port:
        diagnosis = asyncio.run(
            examine(f"http://127.0.0.1:{port}/kb", "t" * 40, turns=1)
        )
    assert diagnosis.findings[-1].check == "token"
