"""The doctor against real servers, each ill in its own way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kbserver.omni.doctor.examine import check_answer, check_token_strength, examine
from kbserver.omni.doctor.findings import Diagnosis, Finding
from kbserver.omni.doctor.probe import Response
from kbserver.omni.serving import base_url, serving
from tests.authority import Authority
from tests.omni.conftest import PATIENT_MS

pytestmark = pytest.mark.anyio

QUESTION = "how do i reset my pin"


def by_check(diagnosis: Diagnosis) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnosis.findings}


async def test_a_healthy_server_is_healthy_and_every_check_was_made(kb) -> None:  # type: ignore[no-untyped-def]
    told: list[Finding] = []
    diagnosis = await examine(
        kb.url,
        kb.token,
        label="support",
        query=QUESTION,
        tell=told.append,
        limit_ms=PATIENT_MS,
    )
    found = by_check(diagnosis)
    assert diagnosis.verdict == "healthy", diagnosis.failures
    assert diagnosis.exit_code == 0
    assert tuple(told) == diagnosis.findings
    assert set(found) == {
        "URL",
        "first turn",
        "answer",
        "stable ids",
        "wrong token",
        "no token",
        "absent label",
        "null label",
        "256-character label",
        "unicode label",
        "agent_id alias",
        "label beside alias",
        "empty query",
        "unknown fields",
        "oversized body",
        "20 turns at once",
        "time, kept-alive connection",
        "time, new connection",
        "token",
    }
    assert (
        found["URL"].grade == "warn" and "engine cannot reach it" in found["URL"].found
    )
    assert found["time, new connection"].figures["turns"] == 15
    figures = found["time, kept-alive connection"].figures
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"]


async def test_a_wrong_token_is_named_as_such(kb) -> None:  # type: ignore[no-untyped-def]
    diagnosis = await examine(kb.url, "another-token-0123456789abcdefghij")
    assert (diagnosis.verdict, diagnosis.exit_code) == ("wrong_token", 1)
    assert "KB_TOKEN on both sides" in diagnosis.failures[0].next_step
    assert (await examine(kb.url, None)).verdict == "no_token"


@pytest.mark.parametrize(
    "code", ["expired_token", "revoked_token", "exhausted_token", "premature_token"]
)
async def test_a_signed_token_that_is_good_no_longer_is_told_from_a_wrong_one(
    kb, code: str
) -> None:  # type: ignore[no-untyped-def]
    kb.status, kb.code = 401, code
    diagnosis = await examine(kb.url, kb.token)
    assert diagnosis.verdict == code
    assert "kbserver token --label" in diagnosis.failures[0].next_step


async def test_every_timed_turn_asks_what_was_not_asked_before(kb) -> None:  # type: ignore[no-untyped-def]
    """A server keeps what it answered: the same question again would measure its cache."""
    await examine(kb.url, kb.token, query=QUESTION, turns=9, limit_ms=PATIENT_MS)
    asked = [
        body["query"] for body in kb.bodies if body["query"].startswith(f"{QUESTION} ")
    ]
    assert len(asked) == 20 + 9 + 3
    assert (
        len(set(asked)) >= len(asked) - 1
    )  # four random words: twice the same is once in a hundred runs


async def test_a_server_that_refuses_while_it_is_timed_is_not_healthy(kb) -> None:  # type: ignore[no-untyped-def]
    kb.patience = 35
    diagnosis = await examine(
        kb.url, kb.token, query=QUESTION, turns=9, limit_ms=PATIENT_MS
    )
    assert diagnosis.verdict == "unsteady"
    assert "of 9 turns not answered: HTTP 503" in diagnosis.failures[0].found


async def test_a_server_that_answers_in_400_ms_is_too_slow(kb) -> None:  # type: ignore[no-untyped-def]
    kb.delay_s = 0.4
    diagnosis = await examine(kb.url, kb.token, query=QUESTION)
    assert diagnosis.verdict == "too_slow"
    finding = diagnosis.failures[0]
    assert finding.figures["p50_ms"] >= 400
    assert (
        "300 ms" in finding.found
        and "ungrounded" in finding.found
        and finding.next_step
    )
    assert by_check(diagnosis)["20 turns at once"].figures["late"] == 20


async def test_a_redirect_is_named_with_its_target(kb) -> None:  # type: ignore[no-untyped-def]
    kb.redirect_to = "https://kb.example.com/kb/"
    diagnosis = await examine(kb.url, kb.token)
    assert diagnosis.verdict == "redirects"
    assert "https://kb.example.com/kb/" in diagnosis.failures[0].next_step
    assert len(kb.requests) == 1


async def test_a_closed_port_is_unreachable(kb) -> None:  # type: ignore[no-untyped-def]
    async with serving(kb.app) as server:
        closed = base_url(server) + "/kb"
    diagnosis = await examine(closed, kb.token)
    assert diagnosis.verdict == "unreachable"
    assert "refused" in diagnosis.failures[0].found
    assert "kbserver serve" in diagnosis.failures[0].next_step


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.mark.parametrize(
    ("days", "address", "verdict", "grade"),
    [
        (90, "127.0.0.1", "healthy", "ok"),
        (5, "127.0.0.1", "healthy", "warn"),
        (-1, "127.0.0.1", "certificate_expired", "fail"),
        (90, "10.1.2.3", "certificate_hostname", "fail"),
    ],
)
async def test_a_certificate_is_valid_or_soon_not_or_expired_or_for_another_host(
    kb, authority, days, address, verdict, grade
) -> None:  # type: ignore[no-untyped-def]
    async with serving(kb.app, **authority.issue(days, address)) as server:
        url = base_url(server, "https") + "/kb"
        diagnosis = await examine(
            url, kb.token, verify=authority.trust, turns=3, limit_ms=PATIENT_MS
        )
    assert diagnosis.verdict == verdict
    finding = by_check(diagnosis)["certificate"]
    assert finding.grade == grade
    assert bool(finding.next_step) == (grade != "ok")


async def test_an_unknown_authority_is_not_taken_for_an_expired_certificate(
    kb, authority
) -> None:  # type: ignore[no-untyped-def]
    async with serving(kb.app, **authority.issue(90)) as server:
        diagnosis = await examine(base_url(server, "https") + "/kb", kb.token)
    assert diagnosis.verdict == "certificate"


async def test_tls_asked_of_a_port_that_speaks_none_is_named(kb) -> None:  # type: ignore[no-untyped-def]
    diagnosis = await examine(kb.url.replace("http://", "https://"), kb.token)
    assert diagnosis.verdict in ("tls", "closed")


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://10.0.0.7/kb", "not_public"),
        ("https://192.168.1.2:8443/kb", "not_public"),
        ("https://169.254.169.254/kb", "not_public"),
        ("https://[fd00::1]/kb", "not_public"),
        ("https://nowhere.invalid/kb", "dns"),
        ("http://kb.example.com/kb", "bad_url"),
        ("kb.example.com/kb", "bad_url"),
    ],
)
async def test_an_address_the_engine_cannot_reach_is_refused_before_anything_is_sent(
    url: str, verdict: str
) -> None:
    diagnosis = await examine(url, "x" * 40)
    assert diagnosis.verdict == verdict
    assert diagnosis.failures[0].next_step


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (404, "wrong_path"),
        (405, "wrong_path"),
        (503, "not_ready"),
        (500, "server_error"),
    ],
)
async def test_other_statuses_have_verdicts_of_their_own(
    kb, status: int, verdict: str
) -> None:  # type: ignore[no-untyped-def]
    kb.status = status
    assert (await examine(kb.url, kb.token)).verdict == verdict


async def test_a_server_that_lets_strangers_in_is_told_so(kb) -> None:  # type: ignore[no-untyped-def]
    kb.token = None
    found = by_check(
        await examine(
            kb.url, "x" * 20 + "abcdefghijklmnopqrst", turns=3, limit_ms=PATIENT_MS
        )
    )
    for check in ("wrong token", "no token"):
        assert found[check].grade == "warn"  # on loopback; from outside it is a failure
        assert "can read your knowledge" in found[check].found


class Ill:
    """An endpoint that follows the contract but for one thing."""

    def __init__(self, ill: str) -> None:
        self.ill, self.turns = ill, 0

    async def answer(self, request: Request) -> JSONResponse:
        body = await request.body()
        fields = json.loads(body)
        self.turns += 1
        label = fields.get("session_label")
        refuse = {
            "label needed": "session_label" not in fields or label is None,
            "short labels": label is not None and len(label) > 64,
            "ascii labels": label is not None and not label.isascii(),
            "query needed": not fields["query"],
            "strict fields": bool(set(fields) - {"query", "session_label", "agent_id"}),
        }
        if refuse.get(self.ill) or len(body) > 65_536:
            return JSONResponse({"error": {}}, 400)
        if label is None or self.ill == "alias wins":
            label = fields.get("agent_id", label)
        id = f"id-{self.turns}" if self.ill == "new ids" else "id"
        results = [{"id": id, "content": "text", "score": 1.0}]
        return JSONResponse(
            {
                "session_label": label,
                "query": fields["query"],
                "context": "- text",
                "results": results,
            }
        )


@pytest.mark.parametrize(
    ("ill", "checks"),
    [
        ("label needed", {"absent label", "null label", "agent_id alias"}),
        ("short labels", {"256-character label"}),
        ("ascii labels", {"unicode label"}),
        ("query needed", {"empty query"}),
        ("strict fields", {"unknown fields"}),
        ("alias wins", {"label beside alias"}),
        ("new ids", {"stable ids"}),
    ],
)
async def test_each_intolerance_is_found_by_its_own_check(
    ill: str, checks: set[str]
) -> None:
    app = Starlette(routes=[Route("/kb", Ill(ill).answer, methods=["POST"])])
    async with serving(app) as server:
        diagnosis = await examine(
            base_url(server) + "/kb",
            "x" * 20 + "abcdefghijklmnopqrst",
            label="mine",
            turns=3,
            limit_ms=PATIENT_MS,
        )
    assert {finding.check for finding in diagnosis.failures} == checks


@pytest.mark.parametrize(
    ("body", "grade", "words"),
    [
        (b"<html>", "fail", "no JSON object"),
        (b'{"context": "x"}', "fail", "results"),
        (b'{"context": "", "results": [{"id": "", "content": "a"}]}', "fail", "no id"),
        (
            b'{"context": "a", "results": '
            b'[{"id": "1", "content": "a"}, {"id": "1", "content": "b"}]}',
            "fail",
            "no id",
        ),
        (b'{"context": "a", "results": [{"id": "1"}]}', "fail", "no content"),
        (b'{"context": "a", "results": []}', "fail", "results 0 entries"),
        (
            b'{"context": "", "results": [{"id": "1", "content": "a"}]}',
            "fail",
            "context has 0",
        ),
        (b'{"context": "", "results": [], "debug": 1}', "warn", "extra keys: debug"),
        (b'{"context": "", "results": []}', "warn", "nothing was found"),
        (
            b'{"context": "a", "results": [{"id": "1", "content": "%s"}]}'
            % (b"x" * 6_000),
            "warn",
            "is cut",
        ),
    ],
)
def test_an_answer_is_held_against_the_contract(
    body: bytes, grade: str, words: str
) -> None:
    finding = check_answer(Response(200, body))
    assert finding is not None
    assert finding.grade == grade
    assert words in finding.found


@pytest.mark.parametrize(
    ("token", "grade"),
    [
        (None, "warn"),
        ("hunter2", "fail"),
        ("a" * 40, "fail"),
        ("abcdefghijklmnopqrst", "warn"),
        ("abcdefgh" * 5, "ok"),
    ],
)
def test_a_token_is_judged_by_length_and_variety_and_never_repeated(
    token: str | None, grade: str
) -> None:
    finding = check_token_strength(token)
    assert finding.grade == grade
    assert not token or token not in json.dumps(finding.as_dict())
