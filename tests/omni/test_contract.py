"""The Omni contract, sentence by sentence, and the test that holds each.

What is certain of the call to `kb_endpoint` (marked H: stated, and consistent across the vendor's
documents, SDK and examples) is tried here on both sides at once: the simulated engine and a real
kbserver. Each of those tests quotes its sentence as its docstring. The other sentences, which
concern a client or the simulator alone, are held by the tests of the modules that carry them out; a
sentence whose test is renamed or removed fails here.
"""

from __future__ import annotations

import ast
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from kbserver.endpoint.app import KBServer
from kbserver.errors import OmniError
from kbserver.omni.configure import configure_frame
from kbserver.omni.connect import connect_url, subprotocols
from kbserver.omni.doctor.examine import examine
from kbserver.omni.engine import KnowledgeEndpoint
from kbserver.omni.frames import Command, Event, encode, parse_server
from kbserver.omni.serving import base_url, serving
from kbserver.settings import ENGINE_TIMEOUT_MS, read_settings
from tests.omni.conftest import PATIENT_MS, TOKEN

CERTAIN = (
    "`POST` to the exact URL given as `kb_endpoint`; the path is ours",
    "body `{session_label, query}`: the only two fields any source names. Unknown "
    "fields must be ignored",
    "`session_label` may be absent or null (the connect URL had none)",
    "legacy alias `agent_id` in the body: used only when `session_label` is absent. "
    "`session_label` wins",
    "label rules: opaque, at most 256 characters, no control characters",
    "`Authorization: Bearer <kb_token>` with the token from `configure`. No signature "
    "on these calls",
    "hard 300 ms timeout at the engine, fail-open: late, failed or unreachable means "
    "the turn goes on ungrounded",
    "network time and TLS set-up are inside the 300 ms",
    "the endpoint must be reachable from the public internet; https everywhere",
    "which key the engine reads (`context` or `results`) is undocumented; the vendor "
    "returns both, so we do",
)
QUESTION = "how do i reset the router"

CONTRACT = {
    # 1, 2: what of the call and its answer is likely, as the simulated engine makes and reads them
    "1: no retries": "engine::an_answer_after_the_limit_is_late_and_no_second_call_is_made",
    "1: no redirects": "engine::a_redirect_is_refused_and_not_followed",
    "2: kb_query tells the client the top ids": (
        "simulator/session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "2: a miss is 200 and the agent says that it does not know": (
        "simulator/session::an_honest_agent_says_that_it_does_not_know"
    ),
    "2: non-200 or invalid JSON is an ungrounded turn": (
        "engine::any_status_but_200_is_an_ungrounded_turn"
    ),
    # 3: the configure frame
    "3: one binary frame: byte 0x03, then UTF-8 JSON": (
        "configure::the_bytes_are_the_control_tag_and_then_the_same_json"
    ),
    "3: client frames are keyed on type, server frames on event": (
        "frames::clients_key_on_type_and_servers_on_event"
    ),
    "3: equal to the SDK's omni_configure_frame": (
        "configure::the_frame_equals_what_the_sdk_builds_for_the_same_arguments"
    ),
    "3: an option adds the event key": (
        "configure::the_older_event_key_is_added_only_on_request_and_beside_type"
    ),
    "3: a wrong voice_id is answered with detail voice_not_found": (
        "simulator/session::a_wrong_voice_is_answered_with_a_bare_detail"
    ),
    "3: persona 32,000, greeting 1,000, consent_line 500 characters": (
        "configure::a_text_may_reach_its_limit_and_not_one_character_more"
    ),
    '3: greeting "" suppresses the first turn': (
        "simulator/session::a_greeting_is_spoken_first_after_the_consent_line_and_an_empty_one_is_not"
    ),
    "3: kb_endpoint is a URL, kb_token comes back as Bearer": (
        "configure::a_token_that_no_header_can_carry_is_refused_and_not_repeated"
    ),
    "3: tools are a list of name, description, schema": (
        "configure::a_tool_that_is_not_described_as_omni_wants_is_refused_by_its_place"
    ),
    "3: language is en, fr, es, de or hi": "configure::the_five_languages_are_taken",
    "3: caller_key comes in a second configure": (
        "simulator/session::a_second_configure_frame_adds_to_the_first"
    ),
    "3: unknown keys are passed through": (
        "configure::unknown_keys_are_passed_through_since_the_engine_takes_no_notice_of_them"
    ),
    "3: the ack is configured with voice_id, greeting, kb, tools, endpointing_ms, audio_out": (
        "simulator/session::configured_says_what_was_taken"
    ),
    "3: kb true is the confirmation that the endpoint was accepted": (
        "simulator/session::kb_is_true_only_for_an_endpoint_the_engine_would_call"
    ),
    # 4: connecting
    "4: /v1/omni with format, rate and session_label": (
        "connect::the_url_says_what_the_sdks_url_says"
    ),
    "4: agent_id is the deprecated alias; session_label wins": (
        "simulator/server::the_label_of_the_url_wins_over_its_aliases"
    ),
    "4: the old path /v2/omni/chat, label key agent": (
        "simulator/server::a_client_with_the_key_in_the_url_and_an_event_keyed_configure_completes_a_turn"
    ),
    "4: key by subprotocol, query, bearer or x-api-key": (
        "simulator/server::every_path_and_every_way_to_send_the_key_opens_a_session"
    ),
    "4: both subprotocols are offered": "connect::the_subprotocols_are_the_sdks_pair",
    "4: only pyai.v1 is echoed": (
        "simulator/server::only_an_offered_subprotocol_is_echoed_and_strictly_only_the_marker"
    ),
    "4: POST /v1/omni/sessions gives token, expires_at in ms, url without label": (
        "simulator/server::a_browser_token_opens_a_session_from_its_origin_only"
    ),
    "4: at least one origin, no *, 1 to 600 s, 60 by default": (
        "simulator/server::a_token_request_outside_the_limits_is_400_in_the_envelope"
    ),
    "4: a label equal to an agent's id would bind it: mint labels that are none": (
        "connect::every_call_gets_a_label_of_its_own_that_fits_the_rules_and_its_pattern"
    ),
    # 5: frames and events
    "5: every frame is binary and tagged by its first byte": (
        "frames::every_frame_begins_with_its_tag"
    ),
    "5: text frames and untagged client frames are dropped silently": (
        "simulator/session::text_frames_and_untagged_frames_are_dropped_without_a_word"
    ),
    "5: 0x02 is plain UTF-8, older JSON": (
        "frames::a_live_transcript_is_bare_utf_8_and_the_older_form_is_json"
    ),
    "5: a delta has at most 16,384 bytes and 4,000 characters": (
        "frames::a_transcript_over_a_limit_is_refused_both_ways"
    ),
    "5: assistant text is a transcript event with role, text, final": (
        "simulator/session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "5: hello has call_id, protocol 2, audio_in, audio_out, voice_id": (
        "simulator/session::a_session_opens_with_hello_and_session_started"
    ),
    "5: turn_begin has turn, since_caller_end_ms, call_id": (
        "simulator/session::a_grounded_turn_from_input_text_in_the_order_of_the_contract"
    ),
    "5: a bare detail is a server frame": "frames::a_bare_detail_is_a_server_frame_too",
    "5: session_ending ends the session with 1000": (
        "simulator/session::without_a_configure_frame_there_are_no_turns"
    ),
    "5: no commit frame: keep streaming silence": (
        "simulator/session::speech_that_no_silence_follows_never_ends_and_the_record_says_why"
    ),
    "5: agent audio is 24,000 Hz whatever the input rate": (
        "simulator/session::agent_audio_comes_in_chunks_of_at_most_150_ms_at_24_khz"
    ),
    "5: 4401 bad key": "simulator/server::a_missing_or_wrong_key_is_close_4401",
    "5: 4403 missing scope, 4429 concurrency": (
        "simulator/server::a_refusal_can_be_had_as_a_close_code"
    ),
    "5: 1011 engine error": "simulator/session::an_engine_failure_is_an_error_event_and_close_1011",
    "5: 1008 policy": "simulator/server::what_the_connect_url_must_not_say_is_close_1008",
    "5: 401, 403, 429 can come at the upgrade": (
        "simulator/server::a_refusal_can_be_had_as_an_http_status_instead_of_the_upgrade"
    ),
    # 7: the simulator
    "7.1: echo pyai.v1 if offered, else the key protocol, never another": (
        "simulator/server::the_echo_is_on_the_wire"
    ),
    "7.1: strict mode echoes nothing but pyai.v1": (
        "simulator/server::only_an_offered_subprotocol_is_echoed_and_strictly_only_the_marker"
    ),
    "7.2: hello, session_started, then configured": (
        "simulator/session::a_session_opens_with_hello_and_session_started"
    ),
    "7.3: 500 to 800 ms of silence end a turn": (
        "simulator/vad::the_silence_that_ends_a_turn_is_settable"
    ),
    "7.3: the text comes from a script": (
        "simulator/session::caller_audio_becomes_a_turn_with_the_words_of_the_script"
    ),
    "7.3: the text comes from an admin call": (
        "simulator/server::an_admin_call_says_something_for_the_caller_and_lets_a_fault_strike"
    ),
    "7.4: one POST per caller turn, before the reply": (
        "simulator/session::three_turns_at_once_are_three_calls_in_order"
    ),
    "7.4: barge-in stops the reply with flush": (
        "simulator/session::barge_in_stops_the_agent_with_flush"
    ),
    "7.5: slow or failing endpoint on request": (
        "simulator/session::a_slow_or_failing_endpoint_can_be_had_for_one_turn"
    ),
    "7.5: drop on request": "simulator/session::a_dropped_connection_has_no_closing_handshake",
    "7: pyai-sdk with websockets works unchanged": (
        "clients::the_sdk_with_websockets_completes_three_grounded_turns"
    ),
    "7: a client with ?api_key= and an event-keyed configure works unchanged": (
        "clients::a_client_with_the_key_in_the_url_and_an_event_keyed_frame_completes_the_call"
    ),
    "7: Node's ws with only its key protocol works unchanged": (
        "clients::a_node_client_with_ws_that_offers_only_its_key_completes_the_call"
    ),
}


@asynccontextmanager
async def kbserver(store: Path, **settings: Any) -> AsyncIterator[str]:
    """The base URL of a kbserver that answers `support` and, as every other label, `hotels`."""
    routes = [
        {"label": "support", "corpora": ["support"]},
        {"label": "*", "corpora": ["hotels"]},
    ]
    given = {
        "deadline_ms": 10_000,
        "tokens": [{"value": TOKEN}],
        "routes": routes,
        "follow_up": False,
    } | settings
    server = KBServer(read_settings(store=store, **given))
    async with serving(server, lifespan="on") as running, httpx2.AsyncClient() as http:
        url = base_url(running)
        while (await http.get(f"{url}/readyz")).status_code != 200:
            await asyncio.sleep(0.02)
        yield url


async def post(url: str, body: Any, **headers: str) -> httpx2.Response:
    """Ask an endpoint by hand; the headers are named with underscores."""
    given = {"authorization": f"Bearer {TOKEN}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with httpx2.AsyncClient(headers=given) as http:
        return await http.post(url, json=body)


async def one_turn(
    stage: Any,
    endpoint: str,
    *,
    query: str = QUESTION,
    url: str = "",
    label: str | None = None,
) -> Any:
    """Call the simulator and say one thing; return the `kb_query` event, or None, and the reply."""
    url = url or connect_url(label, base=stage.ws)
    looked_up = None
    async with connect(
        url, subprotocols=subprotocols("pyai_test_x"), proxy=None, max_queue=None
    ) as ws:
        await ws.send(
            configure_frame(
                kb_endpoint=endpoint, kb_token=TOKEN, greeting=""
            ).to_bytes()
        )
        await ws.send(encode(Command("input_text", {"text": query})))
        async with asyncio.timeout(60):
            async for message in ws:
                frame = parse_server(message)
                if isinstance(frame, Event) and frame.name == "kb_query":
                    looked_up = frame.fields
                if isinstance(frame, Event) and frame.name == "transcript":
                    return looked_up, frame.fields["text"]
    raise AssertionError("the session ended before the agent answered")


@pytest.mark.anyio
async def test_the_exact_url_is_posted_to_and_the_path_is_a_setting(
    simulate, kb, store
) -> None:  # type: ignore[no-untyped-def]
    """`POST` to the exact URL given as `kb_endpoint`; the path is ours"""
    async with simulate() as stage:
        await one_turn(stage, kb.url + "?tenant=a%2Fb&x=", query="reset my pin")
        seen = kb.requests[0]
        assert (seen["method"], seen["target"]) == ("POST", "/kb?tenant=a%2Fb&x=")

        async with kbserver(store, path="/v7/knowledge") as url:
            looked_up, reply = await one_turn(
                stage, f"{url}/v7/knowledge", label="support"
            )
            assert looked_up["top_ids"] and "ten seconds" in reply
            for elsewhere in ("/kb", "/v7/knowledge/x", "/v7/Knowledge"):
                assert (
                    await post(url + elsewhere, {"query": QUESTION})
                ).status_code == 404, elsewhere
            async with httpx2.AsyncClient() as http:
                assert (await http.get(f"{url}/v7/knowledge")).status_code == 405


@pytest.mark.anyio
async def test_two_fields_are_sent_and_every_other_is_ignored(
    simulate, kb, store
) -> None:  # type: ignore[no-untyped-def]
    """body `{session_label, query}`: the only two fields any source names. Unknown fields must
    be ignored
    """
    async with simulate() as stage:
        await one_turn(stage, kb.url, query="reset my pin", label="support")
    assert kb.bodies == [{"session_label": "support", "query": "reset my pin"}]

    body = {"session_label": "support", "query": QUESTION}
    others = {
        "call_id": "c",
        "turn": 3,
        "history": [{"role": "user"}],
        "language": None,
        "top_k": 1,
        "corpora": ["hotels"],
    }
    async with kbserver(store) as url:
        plain = (await post(f"{url}/kb", body)).json()
        assert "ten seconds" in plain["context"]
        assert (await post(f"{url}/kb", body | others)).json() == plain


@pytest.mark.anyio
async def test_a_call_without_a_label_is_a_call_all_the_same(
    simulate, kb, store
) -> None:  # type: ignore[no-untyped-def]
    """`session_label` may be absent or null (the connect URL had none)"""
    async with simulate() as stage, kbserver(store) as url:
        await one_turn(stage, kb.url, query="reset my pin")
        assert kb.bodies == [{"session_label": None, "query": "reset my pin"}]

        looked_up, reply = await one_turn(
            stage, f"{url}/kb", query="are dogs welcome at the adelaide"
        )
        assert looked_up["top_ids"] and "15 dollars" in reply
        null = (
            await post(
                f"{url}/kb", {"session_label": None, "query": "are dogs welcome"}
            )
        ).json()
        absent = (await post(f"{url}/kb", {"query": "are dogs welcome"})).json()
        assert null == absent and null["session_label"] is None and null["results"]


@pytest.mark.anyio
async def test_the_alias_counts_only_where_there_is_no_label(
    simulate, kb, store
) -> None:  # type: ignore[no-untyped-def]
    """legacy alias `agent_id` in the body: used only when `session_label` is absent.
    `session_label` wins
    """
    async with kbserver(store) as url:

        async def label_read(**fields: Any) -> str:
            answer = (await post(f"{url}/kb", {"query": QUESTION} | fields)).json()
            assert ("ten seconds" in answer["context"]) == (
                answer["session_label"] == "support"
            )
            return str(answer["session_label"])

        assert await label_read(agent_id="support") == "support"
        assert await label_read(agent_id="support", session_label=None) == "support"
        assert await label_read(agent_id="other", session_label="support") == "support"
        assert await label_read(agent_id="support", session_label="other") == "other"
        assert await label_read(agent_id="support", session_label="") == ""

    async with simulate() as stage:  # and in the URL that a client connects to
        await one_turn(stage, kb.url, url=f"{stage.ws}/v1/omni?agent_id=old")
        await one_turn(
            stage, kb.url, url=f"{stage.ws}/v1/omni?agent_id=old&session_label=new"
        )
    assert [body["session_label"] for body in kb.bodies] == ["old", "new"]


@pytest.mark.anyio
async def test_a_label_is_anything_of_256_characters_without_control_characters(
    simulate, kb, store
) -> None:  # type: ignore[no-untyped-def]
    """label rules: opaque, at most 256 characters, no control characters"""
    good = [
        "x" * 256,
        "日" * 256,
        "café 🙂",
        " ../%2e?&#'\"<",
        "null",
        "*",
        "support-{id}",
    ]
    bad = ["x" * 257, "a\nb", "a\x00", "\x7f", "\x9b"]
    async with kbserver(store) as url, simulate() as stage:
        for label in good:
            answer = await post(
                f"{url}/kb", {"session_label": label, "query": "are dogs welcome"}
            )
            assert (answer.status_code, answer.json()["session_label"]) == (200, label)
            await one_turn(stage, kb.url, label=label)
            assert kb.bodies[-1]["session_label"] == label
        for label in bad:
            answer = await post(
                f"{url}/kb", {"session_label": label, "query": "are dogs welcome"}
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (
                400,
                "invalid_session_label",
            )
            with pytest.raises(OmniError):
                connect_url(label, base=stage.ws)
        with pytest.raises(ConnectionClosed) as caught:
            await one_turn(
                stage, kb.url, url=f"{stage.ws}/v1/omni?session_label={'x' * 257}"
            )
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 1008


@pytest.mark.anyio
async def test_the_token_of_the_frame_is_the_bearer_and_all_the_proof_there_is(
    simulate, kb, store
) -> None:  # type: ignore[no-untyped-def]
    """`Authorization: Bearer <kb_token>` with the token from `configure`. No signature on
    these calls
    """
    async with simulate() as stage, kbserver(store) as url:
        await one_turn(stage, kb.url, query="reset my pin")
        headers = kb.requests[0]["headers"]
        assert headers.pop("authorization") == f"Bearer {TOKEN}"
        assert not [
            name for name in headers if name.startswith("x-") or "signature" in name
        ]

        assert (await one_turn(stage, f"{url}/kb", label="support"))[0]["top_ids"]
        body = {"session_label": "support", "query": QUESTION}
        assert (await post(f"{url}/kb", body)).json()["results"]
        for header in (
            f"bearer {TOKEN}",
            f"Bearer  {TOKEN}",
        ):  # RFC 9110: the scheme's case does not matter
            assert (
                await post(f"{url}/kb", body, authorization=header)
            ).status_code == 200
        for header in (
            "",
            "Bearer",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
        ):
            refused = await post(f"{url}/kb", body, authorization=header)
            assert refused.status_code == 401 and set(refused.json()) == {"error"}, (
                header
            )
            assert TOKEN[:-1] not in refused.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"delay_s": 0.6}, "timeout"),
        ({"status": 503}, "http_503"),
        ({"raw": b"{"}, "invalid_json"),
        (None, "refused"),
    ],
)
async def test_whatever_the_endpoint_does_the_caller_is_answered(
    simulate, kb, trouble, reason
) -> None:  # type: ignore[no-untyped-def]
    """hard 300 ms timeout at the engine, fail-open: late, failed or unreachable means the turn
    goes on ungrounded
    """
    for name, value in (trouble or {}).items():
        setattr(kb, name, value)
    endpoint = kb.url
    if trouble is None:
        async with serving(kb.app) as gone:
            endpoint = base_url(gone) + "/kb"
    limit_ms = (
        ENGINE_TIMEOUT_MS if reason == "timeout" else PATIENT_MS
    )  # only the late one is about time
    assert ENGINE_TIMEOUT_MS == 300
    async with simulate(timeout_ms=limit_ms) as stage:
        looked_up, reply = await one_turn(stage, endpoint, query="reset my pin")
    assert looked_up == {"none": True, "reason": reason}
    assert reply == "I can't look that up right now."
    assert (
        read_settings().deadline_ms <= ENGINE_TIMEOUT_MS / 2
    )  # what kbserver leaves for the network


@pytest.mark.anyio
async def test_a_handshake_that_never_ends_is_cut_with_the_turn() -> None:
    """network time and TLS set-up are inside the 300 ms"""
    accepted = asyncio.Event()

    async def say_nothing(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        accepted.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with KnowledgeEndpoint(f"https://127.0.0.1:{port}/kb", TOKEN) as endpoint:
            lookup = await endpoint.look_up("x", None)
    assert accepted.is_set()  # connected, and then silence instead of a handshake
    assert (lookup.outcome, lookup.reason) == ("late", "timeout")
    assert lookup.latency_ms >= ENGINE_TIMEOUT_MS - 5


@pytest.mark.anyio
async def test_what_the_internet_cannot_reach_or_read_along_is_named_before_a_call(
    simulate,
) -> None:  # type: ignore[no-untyped-def]
    """the endpoint must be reachable from the public internet; https everywhere"""
    with pytest.raises(OmniError, match="use https"):
        configure_frame(kb_endpoint="http://kb.example.com/kb", kb_token=TOKEN)
    assert (await examine("http://kb.example.com/kb", TOKEN)).verdict == "bad_url"
    for address in ("10.0.0.7", "192.168.1.2", "100.64.0.1", "[fd00::1]"):
        assert (await examine(f"https://{address}/kb", TOKEN)).verdict == "not_public"
    plain = Command(
        "configure",
        {"greeting": "", "kb_endpoint": "http://kb.example.com/kb", "kb_token": TOKEN},
    )
    async with (
        simulate() as stage,
        connect(f"{stage.ws}/v1/omni?api_key=x", proxy=None) as ws,
    ):
        await ws.send(encode(plain))
        async for message in ws:
            event = json.loads(message[1:])
            if event["event"] == "configured":
                break
    assert event["kb"] is False


@pytest.mark.anyio
@pytest.mark.parametrize("reads", ["context", "results"])
async def test_whichever_key_is_read_the_agent_has_the_passages(
    simulate, store, reads
) -> None:  # type: ignore[no-untyped-def]
    """which key the engine reads (`context` or `results`) is undocumented; the vendor returns
    both, so we do
    """
    async with simulate(reads=reads) as stage, kbserver(store) as url:
        looked_up, reply = await one_turn(stage, f"{url}/kb", label="support")
        assert looked_up["top_ids"] and "ten seconds" in reply
        looked_up, reply = await one_turn(
            stage, f"{url}/kb", query="got it thanks", label="support"
        )
        assert looked_up == {"none": True, "reason": "empty"}

        found = (
            await post(f"{url}/kb", {"session_label": "support", "query": QUESTION})
        ).json()
        assert list(found) == ["session_label", "query", "context", "results"]
        assert len(found["context"].splitlines()) == len(found["results"]) > 0
        assert all(
            set(result) == {"id", "content", "score"} for result in found["results"]
        )
        missed = (
            await post(
                f"{url}/kb", {"session_label": "support", "query": "got it thanks"}
            )
        ).json()
        assert (missed["context"], missed["results"]) == ("", [])


@pytest.mark.parametrize("sentence", CERTAIN)
def test_a_certain_sentence_is_quoted_by_a_test(sentence: str) -> None:
    here: dict[str, Callable[..., Any]] = vars(sys.modules[__name__])
    tests = [test for name, test in here.items() if name.startswith("test_")]
    quoted = [" ".join((test.__doc__ or "").split()) for test in tests]
    assert sentence in quoted


@cache
def functions_of(module: str) -> frozenset[str]:
    mirrored = Path(__file__).parent / module
    file = mirrored.with_name(f"test_{mirrored.name}.py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("sentence", CONTRACT)
def test_a_sentence_of_the_contract_is_held_by_a_test(sentence: str) -> None:
    module, _, name = CONTRACT[sentence].partition("::")
    assert f"test_{name}" in functions_of(module), (
        f"{sentence!r} names test_{name} of {module}, which is not there"
    )
