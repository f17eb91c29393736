"""Everything between a running endpoint and a grounded call, checked from outside and explained.

Read `examine` first. Source of every expectation: the Omni contract, sections 1 and 2.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2

from kbserver.omni.doctor.address import check_address, check_certificate
from kbserver.omni.doctor.findings import Diagnosis, Finding, Grade
from kbserver.omni.doctor.probe import Probe, Response, percentile
from kbserver.settings import ENGINE_TIMEOUT_MS
from kbserver.urls import is_loopback

DEFAULT_QUERY = "what are your opening hours"
KEPT_TURNS = 45
PARALLEL_TURNS = 20
GIVE_UP_AFTER = 4  # turns over the limit in a row: the rest would say the same
BODY_LIMIT_BYTES = 6_000  # the contract: tool results are cut above about 6 KB
OVERSIZED_BYTES = 1_048_576
STRONG_TOKEN_CHARACTERS = 32
WEAK_TOKEN_CHARACTERS = 16
MIN_DISTINCT_CHARACTERS = 8

# Said after the question, so that no timed turn was asked before: caches would flatter the server.
_SPELLED = (
    "alpha bravo charlie delta echo foxtrot golf hotel "
    "india juliett kilo lima mike november oscar papa"
).split()
_NEW_TOKEN_CODES = (
    "expired_token",
    "premature_token",
    "revoked_token",
    "exhausted_token",
)
"""Of kbserver's own error envelopes."""

_CAUSES = {"refused": "unreachable", "network": "unreachable", "timeout": "no_answer"}
"""Of a failed connection, where its cause is not its own word."""

_KNOWN_KEYS = {"session_label", "query", "context", "results"}


async def examine(
    url: str,
    token: str | None,
    *,
    label: str | None = None,
    query: str = DEFAULT_QUERY,
    before: Sequence[Finding] = (),
    turns: int = KEPT_TURNS,
    limit_ms: float = ENGINE_TIMEOUT_MS,
    verify: ssl.SSLContext | None = None,
    tell: Callable[[Finding], None] = lambda finding: None,
) -> Diagnosis:
    """Check an endpoint as the engine would meet it.

    Args:
        url: the exact `kb_endpoint`.
        token: the bearer token of the configure frame.
        label, query: of the probing turns; an answerable question under a real label checks more.
        before: findings already made, and told, about store, model and settings.
        turns: how many are timed on a kept-alive connection; a third as many on new ones.
        limit_ms: after which an answer is too late for the engine.
        verify: TLS context; None trusts what the system trusts, or what SSL_CERT_FILE names.
        tell: called with each finding as it is made.
    """
    findings = list(before)

    def note(*made: Finding | None) -> bool:
        """Take findings; True if all of them let the examination go on."""
        for finding in made:
            if finding is not None:
                findings.append(finding)
                tell(finding)
        return not any(finding and finding.grade == "fail" for finding in made)

    verify = verify or httpx2.create_ssl_context()
    turn = {"session_label": label, "query": query}
    reachable = note(*await check_address(url))
    if reachable and note(await check_certificate(url, verify)):
        async with Probe(url, token, verify=verify) as probe:
            first = await probe.ask(turn)
            if note(check_contact(first, token), check_answer(first)):
                note(await check_same_ids(probe, turn, first))
                note(*await check_strangers(probe, turn))
                note(*await check_tolerances(probe, turn))
                note(await check_oversized(probe))
                note(await check_parallel(probe, turn, limit_ms))
                kept = "time, kept-alive connection"
                note(await check_time(probe, turn, kept, turns, limit_ms))
                fewer = max(turns // 3, 1)
                new = "time, new connection"
                async with Probe(url, token, verify=verify, fresh=True) as cold:
                    note(await check_time(cold, turn, new, fewer, limit_ms))
    note(check_token_strength(token))
    return Diagnosis(url, tuple(findings))


def check_token_strength(token: str | None) -> Finding:
    """Judge how hard the token is to guess, by length and variety."""
    step = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
    if not token:
        found = "none given: the endpoint is asked without one"
        return Finding("token", "warn", found, f"set KB_TOKEN; {step}")
    length = len(token)
    distinct = len(set(token))
    if length < WEAK_TOKEN_CHARACTERS or distinct < MIN_DISTINCT_CHARACTERS:
        found = f"{length} characters, {distinct} different ones: it can be guessed"
        return Finding("token", "fail", found, step, "weak_token")
    if length < STRONG_TOKEN_CHARACTERS:
        found = f"{length} characters; {STRONG_TOKEN_CHARACTERS} are good"
        return Finding("token", "warn", found, step)
    return Finding("token", "ok", f"{length} characters")


def check_contact(answer: Response, token: str | None) -> Finding:
    """Judge the first turn: whether the endpoint answers, and whether it takes the token."""
    check = "first turn"
    if answer.failure is not None:
        word = answer.failure.word
        cause = _CAUSES.get(word, word)
        step = "start kbserver serve, and check host, port and firewall"
        return Finding(check, "fail", answer.failure.sentence, step, cause)
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "elsewhere")
        step = (
            "the engine follows no redirect: "
            f"give the URL that answers by itself, perhaps {target}"
        )
        found = f"HTTP {answer.status}, a redirect to {target}"
        return Finding(check, "fail", found, step, "redirects")
    if answer.status in (401, 403):
        return _check_denial(answer, token)
    if answer.status in (404, 405):
        found = f"{answer}: nothing takes POST at this path"
        step = "check the path; kbserver answers POST /kb unless its settings say otherwise"
        return Finding(check, "fail", found, step, "wrong_path")
    if answer.status == 503:
        found = f"{answer}: still loading, or overloaded"
        step = "wait until /readyz answers 200, or raise max_concurrent_turns if it stays busy"
        return Finding(check, "fail", found, step, "not_ready")
    if answer.status != 200:
        found = f"{answer}; only 200 grounds a turn"
        return Finding(check, "fail", found, "see the server's log", "server_error")
    return Finding(check, "ok", f"{answer} in {answer.took_ms:.0f} ms")


def _check_denial(answer: Response, token: str | None) -> Finding:
    """Judge a first turn that was answered with 401 or 403."""
    check = "first turn"
    if not token:
        step = "set KB_TOKEN to the server's token"
        return Finding(check, "fail", f"{answer}: it wants a token", step, "no_token")
    code = ""
    error = answer.fields.get("error")
    if isinstance(error, dict):
        code = str(error.get("code"))
    if code in _NEW_TOKEN_CODES:
        found = f"{answer}: {code.replace('_', ' ')}"
        step = "issue another:  kbserver token --label LABEL --ttl 1h"
        return Finding(check, "fail", found, step, code)
    found = f"{answer}: the token is not accepted"
    step = (
        "give the server and the configure frame the same token: KB_TOKEN on both sides"
    )
    return Finding(check, "fail", found, step, "wrong_token")


def check_answer(answer: Response) -> Finding | None:
    """Compare a 200 answer with the contract; None if there is none."""
    if answer.status != 200:
        return None
    check, cause, fields = "answer", "bad_answer", answer.fields
    wanted = (
        'answer {"session_label", "query", "context", '
        '"results": [{"id", "content", "score"}]}'
    )
    context, results = fields.get("context"), fields.get("results")
    if not isinstance(context, str) or not isinstance(results, list):
        found = "no JSON object with a string context and a list results"
        return Finding(check, "fail", found, wanted, cause)
    entries = [entry for entry in results if isinstance(entry, dict)]
    ids = [entry["id"] for entry in entries if isinstance(entry.get("id"), str)]
    if len(set(filter(None, ids))) < len(results):
        step = "give every result a stable id"
        return Finding(check, "fail", "a result has no id of its own", step, cause)
    if not all(isinstance(entry.get("content"), str) for entry in entries):
        return Finding(check, "fail", "a result has no content", wanted, cause)
    if bool(context.strip()) != bool(entries):
        found = f"context has {len(context)} characters, results {len(entries)} entries"
        step = "fill both or neither: which the engine reads is documented nowhere"
        return Finding(check, "fail", found, step, cause)
    if len(answer.body) >= BODY_LIMIT_BYTES:
        size = len(answer.body)
        found = f"{size:,} bytes; above about {BODY_LIMIT_BYTES:,} it is cut"
        return Finding(check, "warn", found, "lower max_context_bytes or top_k")
    extra = sorted(set(fields) - _KNOWN_KEYS)
    if extra:
        found = f"extra keys: {', '.join(extra)}"
        return Finding(check, "warn", found, "leave out what the engine does not know")
    if not entries:
        step = (
            "give --label and --query that a document answers; if these should be answered, "
            "see kbserver routes --explain LABEL and kbserver query"
        )
        found = "as the contract has it, but nothing was found for this question"
        return Finding(check, "warn", found, step)
    size = len(answer.body)
    found = f"as the contract has it; {len(entries)} passages, {size:,} bytes"
    return Finding(check, "ok", found)


async def check_same_ids(
    probe: Probe, turn: Mapping[str, Any], first: Response
) -> Finding | None:
    """Ask the same again: the ids must be the same. None if nothing was found."""
    ids = _ids(first)
    if not ids:
        return None
    if set(ids) == set(_ids(await probe.ask(turn))):
        return Finding("stable ids", "ok", f"{len(ids)} passages, the same twice")
    step = "derive ids from the passages, not from the request"
    found = "the same question gave other ids"
    return Finding("stable ids", "fail", found, step, "unstable_ids")


def _ids(answer: Response) -> list[str]:
    """Return the ids of the results that have one, whatever else the endpoint sent."""
    results = answer.fields.get("results")
    if not isinstance(results, list):
        return []
    entries = [entry for entry in results if isinstance(entry, dict)]
    return [entry["id"] for entry in entries if isinstance(entry.get("id"), str)]


async def check_strangers(probe: Probe, turn: Mapping[str, Any]) -> list[Finding]:
    """See that a wrong token, and none, are turned away."""
    findings = []
    grade: Grade = "fail"
    cause = "open_to_all"
    if is_loopback(urlsplit(probe.url).hostname or ""):
        grade = "warn"
        cause = ""
    strangers = {"wrong token": secrets.token_urlsafe(32), "no token": None}
    for check, token in strangers.items():
        answer = await probe.ask(turn, token=token)
        if answer.status in (401, 403):
            findings.append(Finding(check, "ok", f"turned away with {answer}"))
            continue
        found = f"{answer}: anyone with the URL can read your knowledge"
        step = "start kbserver serve with KB_TOKEN set, and without --open"
        findings.append(Finding(check, grade, found, step, cause))
    return findings


async def check_tolerances(probe: Probe, turn: Mapping[str, Any]) -> list[Finding]:
    """Send what the contract allows: labels of every kind, the alias, no words, unknown fields."""
    query = turn["query"]
    bodies: dict[str, dict[str, Any]] = {
        "absent label": {"query": query},
        "null label": {"session_label": None, "query": query},
        "256-character label": {"session_label": "x" * 256, "query": query},
        "unicode label": {"session_label": "café-日本-🙂", "query": query},
        "agent_id alias": {"agent_id": "doctor", "query": query},
        "label beside alias": {
            "session_label": "doctor-label",
            "agent_id": "doctor-alias",
            "query": query,
        },
        "empty query": {**turn, "query": ""},
        "unknown fields": {
            **turn,
            "call_id": "x",
            "history": [{"role": "user"}],
            "language": "en",
        },
    }
    echoes = {"agent_id alias": "doctor", "label beside alias": "doctor-label"}
    answers = await probe.ask_all(list(bodies.values()))
    findings = []
    for check, answer in zip(bodies, answers, strict=True):
        echoed = answer.fields.get("session_label")
        if answer.status != 200:
            step = "answer 200; an empty grounding is an answer too"
            findings.append(Finding(check, "fail", str(answer), step, "intolerant"))
        elif check in echoes and echoed is not None and echoed != echoes[check]:
            found = f"read as the label {echoed!r} instead of {echoes[check]!r}"
            step = "agent_id counts only when session_label is absent"
            findings.append(Finding(check, "fail", found, step, "intolerant"))
        else:
            findings.append(Finding(check, "ok", str(answer)))
    return findings


async def check_oversized(probe: Probe) -> Finding:
    """Send a megabyte: it should be refused, and quickly."""
    check = "oversized body"
    answer = await probe.ask({"session_label": None, "query": "x" * OVERSIZED_BYTES})
    if 400 <= answer.status < 500:
        return Finding(check, "ok", f"refused with {answer}")
    if answer.failure is not None and answer.failure.word == "closed":
        return Finding(check, "ok", "refused by closing the connection")
    step = "limit request bodies, in the server or in the proxy before it"
    found = f"1 MiB gave {answer}"
    if answer.status == 200:
        return Finding(check, "warn", found, step)
    return Finding(check, "fail", found, step, "server_error")


async def check_parallel(
    probe: Probe, turn: Mapping[str, Any], limit_ms: float
) -> Finding:
    """Send turns of many calls at once."""
    check = f"{PARALLEL_TURNS} turns at once"
    answers = await probe.ask_all([_never_asked(turn) for _ in range(PARALLEL_TURNS)])
    bad = [answer for answer in answers if answer.status != 200]
    late = [answer for answer in answers if answer.took_ms > limit_ms]
    worst_ms = max(answer.took_ms for answer in answers)
    figures = {"failed": len(bad), "late": len(late), "worst_ms": round(worst_ms, 1)}
    if not bad and not late:
        found = f"all answered, the slowest in {worst_ms:.0f} ms"
        return Finding(check, "ok", found, figures=figures)
    found = (
        f"{len(bad)} not answered, {len(late)} after {limit_ms:.0f} ms, "
        f"the slowest in {worst_ms:.0f} ms"
    )
    step = "give the server more cores, or fewer calls"
    return Finding(check, "warn", found, step, figures=figures)


async def check_time(
    probe: Probe, turn: Mapping[str, Any], check: str, turns: int, limit_ms: float
) -> Finding:
    """Measure turns one after the other, network included, against the engine's limit."""
    times: list[float] = []
    bad: list[Response] = []
    for _ in range(turns):
        answer = await probe.ask(_never_asked(turn))
        times.append(answer.took_ms)
        if answer.status != 200:
            bad.append(answer)
        hopeless = min(times) > limit_ms or len(bad) == len(times)
        if len(times) == GIVE_UP_AFTER and hopeless:
            break
    p50, p95, p99 = (percentile(times, share) for share in (0.50, 0.95, 0.99))
    figures = {
        "turns": len(times),
        "p50_ms": round(p50, 1),
        "p95_ms": round(p95, 1),
        "p99_ms": round(p99, 1),
    }
    if bad:
        found = f"{len(bad)} of {len(times)} turns not answered: {bad[0]}"
        step = "see the server's log; a token with --max-turns runs out here"
        figures["failed"] = len(bad)
        return Finding(check, "fail", found, step, "unsteady", figures)
    found = (
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms "
        f"over {len(times)} turns from here"
    )
    step = (
        "host the endpoint nearer to the engine, "
        "and see the stage times with kbserver query"
    )
    if p95 > limit_ms:
        found = f"{found}; after {limit_ms:.0f} ms a turn goes on ungrounded"
        return Finding(check, "fail", found, step, "too_slow", figures)
    if p99 > limit_ms / 2:
        found = f"{found}; little is left of the {limit_ms:.0f} ms"
        return Finding(check, "warn", found, step, figures=figures)
    return Finding(check, "ok", found, figures=figures)


def _never_asked(turn: Mapping[str, Any]) -> dict[str, Any]:
    words = [secrets.choice(_SPELLED) for _ in range(4)]
    return {**turn, "query": " ".join([turn["query"], *words])}
