"""One call to `kb_endpoint`, as the engine makes it, against real servers that misbehave."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import OmniError
from kbserver.omni.engine import KnowledgeEndpoint, read_answer
from kbserver.omni.serving import base_url, serving
from kbserver.settings import ENGINE_TIMEOUT_MS
from tests.omni.conftest import PATIENT_MS

pytestmark = pytest.mark.anyio


async def test_one_post_with_exactly_two_fields_and_the_bearer_token(kb) -> None:  # type: ignore[no-untyped-def]
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        lookup = await endpoint.look_up("how do i reset my pin", "support-line")
    assert lookup.outcome == "grounded"
    assert lookup.top_ids == ["kb-pin"]
    assert lookup.context == "- You reset your PIN in the app under Security."
    assert 0 < lookup.latency_ms < PATIENT_MS
    assert len(kb.requests) == 1
    assert kb.bodies == [
        {"session_label": "support-line", "query": "how do i reset my pin"}
    ]
    assert kb.requests[0]["target"] == "/kb"
    assert kb.requests[0]["headers"]["authorization"] == f"Bearer {kb.token}"
    assert kb.requests[0]["headers"]["content-type"] == "application/json"


async def test_without_a_label_the_field_is_null(kb) -> None:  # type: ignore[no-untyped-def]
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        await endpoint.look_up("hello", None)
    assert kb.bodies == [{"session_label": None, "query": "hello"}]


async def test_a_good_answer_without_knowledge_is_a_miss_and_in_time(kb) -> None:  # type: ignore[no-untyped-def]
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        lookup = await endpoint.look_up("what is the weather", "x")
    assert (lookup.outcome, lookup.reason, lookup.in_time, lookup.top_ids) == (
        "miss",
        "empty",
        True,
        [],
    )


async def test_an_answer_after_the_limit_is_late_and_no_second_call_is_made(kb) -> None:  # type: ignore[no-untyped-def]
    kb.delay_s = 1.2
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=1_000) as endpoint:
        lookup = await endpoint.look_up("reset my pin", "x")
        assert (lookup.outcome, lookup.reason) == ("late", "timeout")
        assert not lookup.in_time
        assert lookup.latency_ms >= 995
        kb.delay_s = 0.0
        await endpoint.look_up("the next turn", "x")
    queries = [body["query"] for body in kb.bodies]
    assert queries.count("reset my pin") <= 1


async def test_the_limit_is_the_engines_own_unless_told_otherwise() -> None:
    async with KnowledgeEndpoint("https://kb.example.com/kb") as endpoint:
        assert endpoint.timeout_ms == ENGINE_TIMEOUT_MS == 300


async def test_a_trickling_answer_is_cut_by_the_wall_clock_and_not_restarted_by_each_byte() -> (
    None
):
    sent = 0
    gone = asyncio.Event()

    async def trickle(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        try:
            while sent < 1000:
                writer.write(b" ")
                await writer.drain()
                sent += 1
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            writer.close()
            gone.set()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/kb"
        async with KnowledgeEndpoint(url, timeout_ms=1_000) as endpoint:
            lookup = await endpoint.look_up("x", None)
        await asyncio.wait_for(gone.wait(), 30)
    assert lookup.outcome == "late"
    assert lookup.latency_ms >= 995
    assert 1 < sent < 1000  # every byte came in time for a limit between bytes


async def test_a_connection_that_is_never_accepted_is_late_too() -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        # https against a server that never shakes hands: TLS set-up counts as well.
        async with KnowledgeEndpoint(f"https://127.0.0.1:{port}/kb") as endpoint:
            lookup = await endpoint.look_up("x", None)
    assert lookup.outcome == "late"
    assert lookup.latency_ms >= 295


async def test_a_redirect_is_refused_and_not_followed(kb) -> None:  # type: ignore[no-untyped-def]
    kb.redirect_to = kb.url
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        lookup = await endpoint.look_up("reset my pin", "x")
    assert (lookup.outcome, lookup.reason, lookup.status) == (
        "refused",
        "http_307",
        307,
    )
    assert len(kb.requests) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [(500, "http_500"), (503, "http_503"), (404, "http_404"), (202, "http_202")],
)
async def test_any_status_but_200_is_an_ungrounded_turn(
    kb, status: int, reason: str
) -> None:  # type: ignore[no-untyped-def]
    kb.status = status
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        lookup = await endpoint.look_up("reset my pin", "x")
    assert (lookup.outcome, lookup.reason, lookup.in_time) == ("refused", reason, False)


async def test_a_wrong_token_is_an_ungrounded_turn(kb) -> None:  # type: ignore[no-untyped-def]
    async with KnowledgeEndpoint(
        kb.url, "another-token", timeout_ms=PATIENT_MS
    ) as endpoint:
        lookup = await endpoint.look_up("reset my pin", "x")
    assert (lookup.outcome, lookup.reason) == ("refused", "http_401")


async def test_a_closed_port_and_an_unknown_host_are_told_apart() -> None:
    async with serving(lambda *_: None) as server:
        free = base_url(server)
    async with KnowledgeEndpoint(f"{free}/kb", timeout_ms=PATIENT_MS) as endpoint:
        lookup = await endpoint.look_up("x", None)
    assert (lookup.outcome, lookup.reason) == ("unreachable", "refused")
    async with KnowledgeEndpoint(
        "https://nowhere.invalid/kb", timeout_ms=PATIENT_MS
    ) as endpoint:
        lookup = await endpoint.look_up("x", None)
    assert (lookup.outcome, lookup.reason) == ("unreachable", "dns")


async def test_a_server_that_hangs_up_or_does_not_speak_http_is_an_ungrounded_turn() -> (
    None
):
    for answer, reason in ((b"", "closed"), (b"SSH-2.0-nonsense\r\n\r\n", "protocol")):

        async def hang_up(
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            answer: bytes = answer,
        ) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}/kb"
            async with KnowledgeEndpoint(url, timeout_ms=PATIENT_MS) as endpoint:
                lookup = await endpoint.look_up("x", None)
        assert lookup.outcome == "unreachable"
        assert lookup.reason in (reason, "closed")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "invalid_json"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"\xff", "invalid_json"),
    ],
)
async def test_a_body_that_is_not_the_json_it_should_be_is_an_ungrounded_turn(
    kb, raw: bytes, reason: str
) -> None:  # type: ignore[no-untyped-def]
    kb.raw = raw
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        lookup = await endpoint.look_up("reset my pin", "x")
    assert (lookup.outcome, lookup.reason) == ("invalid", reason)


@pytest.mark.parametrize(("keys", "reads", "outcome"), [
    (("context",), "context", "grounded"),
    (("context",), "results", "miss"),
    (("results",), "results", "grounded"),
    (("results",), "context", "miss"),
])  # fmt: skip
async def test_a_server_that_fills_only_one_key_is_caught_by_reading_the_other(
    kb, keys, reads, outcome
) -> None:  # type: ignore[no-untyped-def]
    kb.keys = keys
    async with KnowledgeEndpoint(
        kb.url, kb.token, reads=reads, timeout_ms=PATIENT_MS
    ) as endpoint:
        assert (await endpoint.look_up("reset my pin", "x")).outcome == outcome


async def test_every_turn_pays_for_a_new_connection_unless_it_is_kept(kb) -> None:  # type: ignore[no-untyped-def]
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        for _ in range(3):
            await endpoint.look_up("x", None)
    assert len(kb.connections) == 3
    kb.connections.clear()
    async with KnowledgeEndpoint(
        kb.url, kb.token, keep_alive=True, timeout_ms=PATIENT_MS
    ) as endpoint:
        for _ in range(3):
            await endpoint.look_up("x", None)
    assert len(kb.connections) == 1


async def test_an_endpoint_that_was_closed_meanwhile_is_an_ungrounded_turn(kb) -> None:  # type: ignore[no-untyped-def]
    async with KnowledgeEndpoint(kb.url, kb.token, timeout_ms=PATIENT_MS) as endpoint:
        await endpoint.aclose()
        assert (await endpoint.look_up("reset my pin", "x")).outcome == "unreachable"


async def test_a_url_or_token_the_engine_would_not_take_is_refused_at_once() -> None:
    with pytest.raises(OmniError, match="use https"):
        KnowledgeEndpoint("http://kb.example.com/kb")
    with pytest.raises(OmniError, match="kb_token"):
        KnowledgeEndpoint("https://kb.example.com/kb", "two words")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["context", "results", "id", "content", "score", "trace"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(answer=json_values, reads=st.sampled_from(["context", "results"]))
def test_no_answer_makes_reading_it_fail(answer, reads) -> None:  # type: ignore[no-untyped-def]
    lookup = read_answer(json.dumps(answer).encode(), reads=reads)
    assert lookup.outcome in ("grounded", "miss", "invalid")
    assert all(isinstance(id, str) and id for id in lookup.top_ids)
    assert (lookup.outcome == "invalid") == (not isinstance(answer, dict))


@given(body=st.binary(max_size=100))
def test_no_bytes_make_reading_them_fail(body: bytes) -> None:
    assert read_answer(body, reads="context").outcome in ("grounded", "miss", "invalid")
