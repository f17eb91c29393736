"""Connecting: paths, keys, subprotocols, close codes, and the answers over plain HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from kbserver.omni.configure import configure_frame
from kbserver.omni.frames import Command, Event, encode, parse_server
from kbserver.omni.serving import MAX_MESSAGE_BYTES, base_url, serving
from kbserver.omni.simulator.access import echoed_protocol
from kbserver.omni.simulator.server import MAX_SESSIONS, Simulator

pytestmark = pytest.mark.anyio
KEY = "pyai_test_anything"
LIMIT_S = 60.0  # what takes longer has failed


async def first_event(ws: Any) -> Event:
    frame = parse_server(await asyncio.wait_for(ws.recv(), LIMIT_S))
    assert isinstance(frame, Event)
    return frame


async def close_code(ws: Any) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            await asyncio.wait_for(ws.recv(), LIMIT_S)
    assert closed.value.rcvd is not None
    return int(closed.value.rcvd.code)


@pytest.mark.parametrize("path", ["/v1/omni", "/v2/omni/chat"])
@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("", {"subprotocols": ["pyai.v1", f"pyai-key.{KEY}"]}),
        ("", {"subprotocols": [f"pyai-key.{KEY}"]}),
        (f"?api_key={KEY}", {}),
        ("", {"additional_headers": {"Authorization": f"Bearer {KEY}"}}),
        ("", {"additional_headers": {"x-api-key": KEY}}),
    ],
    ids=["both-subprotocols", "key-subprotocol", "query", "bearer", "x-api-key"],
)
async def test_every_path_and_every_way_to_send_the_key_opens_a_session(
    simulate, path, query, options
) -> None:  # type: ignore[no-untyped-def]
    async with simulate(keys=(KEY,)) as stage:
        async with connect(f"{stage.ws}{path}{query}", proxy=None, **options) as ws:
            assert (await first_event(ws)).name == "hello"


@pytest.mark.parametrize(
    ("offered", "lenient", "strict"),
    [
        (["pyai.v1", f"pyai-key.{KEY}"], "pyai.v1", "pyai.v1"),
        ([f"pyai-key.{KEY}", "pyai.v1"], "pyai.v1", "pyai.v1"),
        ([f"pyai-key.{KEY}"], f"pyai-key.{KEY}", None),
        (["pyai.v1"], "pyai.v1", "pyai.v1"),
        (["chat"], None, None),
        ([], None, None),
    ],
)
def test_only_an_offered_subprotocol_is_echoed_and_strictly_only_the_marker(
    offered, lenient, strict
) -> None:  # type: ignore[no-untyped-def]
    assert echoed_protocol(offered, strict=False) == lenient
    assert echoed_protocol(offered, strict=True) == strict


async def test_the_echo_is_on_the_wire(simulate) -> None:  # type: ignore[no-untyped-def]
    for strict, offered, echoed in (
        (False, ["pyai.v1", f"pyai-key.{KEY}"], "pyai.v1"),
        (False, [f"pyai-key.{KEY}"], f"pyai-key.{KEY}"),
        (True, ["pyai.v1", f"pyai-key.{KEY}"], "pyai.v1"),
        (True, [f"pyai-key.{KEY}"], None),
    ):
        async with simulate(strict=strict) as stage:
            async with connect(
                f"{stage.ws}/v1/omni", subprotocols=offered, proxy=None
            ) as ws:
                assert ws.subprotocol == echoed
                assert (await first_event(ws)).name == "hello"
            await asyncio.wait_for(session_over(stage), LIMIT_S)
            notes = [note["note"] for note in stage.records("note")]
            assert any("does not offer pyai.v1" in note for note in notes) == (
                "pyai.v1" not in offered
            )
            stage.record.write_text("")


async def session_over(stage: Any) -> None:
    while not stage.records("end"):
        await asyncio.sleep(0.01)


async def test_a_raw_handshake_gets_back_exactly_one_offered_subprotocol(
    simulate,
) -> None:  # type: ignore[no-untyped-def]
    """Node's `ws` and browsers hang up when they get back no subprotocol, or a strange one."""
    async with simulate() as stage:
        host = urlsplit(stage.http).netloc
        reader, writer = await asyncio.open_connection(*host.split(":"))
        nonce = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET /v1/omni HTTP/1.1\r\nHost: {host}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: pyai-key.{KEY}\r\n\r\n".encode()
        )
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith("HTTP/1.1 101")
    assert answer.lower().count("sec-websocket-protocol") == 1
    assert f"pyai-key.{KEY}" in answer


async def test_a_client_with_the_key_in_the_url_and_an_event_keyed_configure_completes_a_turn(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        url = f"{stage.ws}/v2/omni/chat?api_key={KEY}&agent=front-desk&format=pcm16&rate=16000"
        async with connect(url, proxy=None) as ws:
            fields = {"greeting": "", "kb_endpoint": kb.url, "kb_token": kb.token}
            await ws.send(encode(Command("configure", fields, event_keyed=True)))
            await ws.send(encode(Command("input_text", {"text": "reset my pin"})))
            seen = []
            while "turn_begin" not in seen:
                frame = parse_server(await asyncio.wait_for(ws.recv(), LIMIT_S))
                seen += [frame.name] if isinstance(frame, Event) else []
    assert seen == ["hello", "session_started", "configured", "kb_query", "turn_begin"]
    assert kb.bodies == [{"session_label": "front-desk", "query": "reset my pin"}]


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("session_label=a", "a"),
        ("agent_id=b", "b"),
        ("agent_id=b&session_label=a", "a"),
        ("agent=c", "c"),
        ("", None),
        ("session_label=caf%C3%A9%207", "café 7"),
    ],
)
async def test_the_label_of_the_url_wins_over_its_aliases(
    simulate, kb, query, label
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        async with connect(
            f"{stage.ws}/v1/omni?api_key={KEY}&{query}", proxy=None
        ) as ws:
            await ws.send(
                configure_frame(
                    greeting="", kb_endpoint=kb.url, kb_token=kb.token
                ).to_bytes()
            )
            await ws.send(encode(Command("input_text", {"text": "x"})))
            while (await first_event_or_other(ws)) != "turn_begin":
                pass
    assert kb.bodies == [{"session_label": label, "query": "x"}]


async def first_event_or_other(ws: Any) -> str:
    frame = parse_server(await asyncio.wait_for(ws.recv(), LIMIT_S))
    return frame.name if isinstance(frame, Event) else ""


@pytest.mark.parametrize("query", ["", "?api_key=", "?api_key=wrong"])
async def test_a_missing_or_wrong_key_is_close_4401(simulate, query) -> None:  # type: ignore[no-untyped-def]
    async with simulate(keys=(KEY,)) as stage:
        async with connect(f"{stage.ws}/v1/omni{query}", proxy=None) as ws:
            assert await close_code(ws) == 4401
        (refused,) = stage.records("refused")
        assert (
            refused["code"] == 4401
            and "API key" in refused["reason"]
            and "wrong" not in json.dumps(refused)
        )


@pytest.mark.parametrize("fault", ["4401", "4403", "4429"])
async def test_a_refusal_can_be_had_as_a_close_code(simulate, fault) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        async with connect(
            f"{stage.ws}/v1/omni?api_key={KEY}&simulate_fault={fault}", proxy=None
        ) as ws:
            assert await close_code(ws) == int(fault)
        assert stage.records("refused")[0]["code"] == int(fault)


async def test_one_session_too_many_is_refused_and_leaves_room_when_it_ends(
    simulate,
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        simulator, url = stage.simulator, f"{stage.ws}/v1/omni?api_key={KEY}"
        async with connect(url, proxy=None) as first:
            assert (await first_event(first)).name == "hello"
            (held,) = simulator.sessions.values()
            others = {str(number): held for number in range(MAX_SESSIONS - 1)}
            simulator.sessions |= others
            async with connect(url, proxy=None) as refused:
                assert await close_code(refused) == 4429
            del simulator.sessions["0"]
            async with connect(url, proxy=None) as taken:
                assert (await first_event(taken)).name == "hello"


async def test_a_message_over_the_limit_closes_the_connection(simulate):
    async with simulate() as stage:
        url = f"{stage.ws}/v1/omni?api_key={KEY}"
        async with connect(url, proxy=None) as ws:
            await ws.send(b"\x01" + bytes(MAX_MESSAGE_BYTES))
            assert await close_code(ws) == 1009


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refusal_can_be_had_as_an_http_status_instead_of_the_upgrade(
    simulate, status, caplog
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"{stage.ws}/v1/omni?api_key={KEY}&simulate_fault=http-{status}",
                proxy=None,
            )
    assert refused.value.response.status_code == status
    assert b'"error"' in refused.value.response.body
    assert stage.records("refused")[0]["code"] == status
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(
    "query",
    ["session_label=" + "x" * 257, "session_label=a%0Ab", "rate=11025", "format=opus"],
)
async def test_what_the_connect_url_must_not_say_is_close_1008(simulate, query) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        async with connect(
            f"{stage.ws}/v1/omni?api_key={KEY}&{query}", proxy=None
        ) as ws:
            assert await close_code(ws) == 1008


@pytest.mark.parametrize(
    ("origin", "keys", "code"),
    [
        ("https://evil.example.com", None, 4403),
        ("http://127.0.0.1.evil.example.com", None, 4403),
        ("null", None, 4403),
        ("http://127.0.0.1:8000", None, None),
        ("http://localhost:3000", None, None),
        ("https://app.example.com", (KEY,), None),
    ],
)
async def test_where_any_key_will_do_a_page_from_elsewhere_makes_no_calls(
    simulate, origin, keys, code
) -> None:  # type: ignore[no-untyped-def]
    """Else any page in a developer's browser could make this machine call an endpoint."""
    async with simulate(keys=keys) as stage:
        async with connect(
            f"{stage.ws}/v1/omni?api_key={KEY}", origin=origin, proxy=None
        ) as ws:
            if code is None:
                assert (await first_event(ws)).name == "hello"
            else:
                assert await close_code(ws) == code


async def test_a_browser_token_opens_a_session_from_its_origin_only(simulate) -> None:  # type: ignore[no-untyped-def]
    origin = "https://app.example.com"
    async with (
        simulate(keys=(KEY,)) as stage,
        httpx2.AsyncClient(base_url=stage.http) as http,
    ):
        before_ms = time.time() * 1000
        answer = await http.post(
            "/v1/omni/sessions",
            headers={"authorization": f"Bearer {KEY}"},
            json={
                "allowed_origins": [origin],
                "ttl_seconds": 30,
                "session_label": "page-1",
            },
        )
        minted = answer.json()
        assert set(minted) == {"object", "token", "expires_at", "url", "session_label"}
        assert (
            before_ms + 29_000 < minted["expires_at"] < before_ms + 35_000
        )  # milliseconds
        assert minted["session_label"] == "page-1"
        assert "session_label" not in minted["url"]
        protocols = ["pyai.v1", f"pyai-key.{minted['token']}"]
        async with connect(
            minted["url"] + "?session_label=page-1",
            subprotocols=protocols,
            origin=origin,
            proxy=None,
        ) as ws:
            assert (await first_event(ws)).name == "hello"
        async with connect(
            minted["url"],
            subprotocols=protocols,
            origin="https://evil.example.com",
            proxy=None,
        ) as ws:
            assert await close_code(ws) == 4403
        assert KEY not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"allowed_origins": []},
        {"allowed_origins": ["*"]},
        {"allowed_origins": ["https://*.example.com"]},
        {"allowed_origins": "https://app.example.com"},
        {"allowed_origins": ["https://app.example.com"], "ttl_seconds": 0},
        {"allowed_origins": ["https://app.example.com"], "ttl_seconds": 601},
        {"allowed_origins": ["https://app.example.com"], "ttl_seconds": True},
        {"allowed_origins": ["https://app.example.com"], "session_label": "x" * 257},
        [],
    ],
)
async def test_a_token_request_outside_the_limits_is_400_in_the_envelope(
    simulate, body
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, httpx2.AsyncClient(base_url=stage.http) as http:
        answer = await http.post(
            "/v1/omni/sessions", headers={"x-api-key": KEY}, json=body
        )
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}


async def test_tokens_are_minted_for_keys_only(simulate) -> None:  # type: ignore[no-untyped-def]
    body = {"allowed_origins": ["https://app.example.com"]}
    async with (
        simulate(keys=(KEY,)) as stage,
        httpx2.AsyncClient(base_url=stage.http) as http,
    ):
        assert (await http.post("/v1/omni/sessions", json=body)).status_code == 401
        headers = {"authorization": f"Bearer {KEY}"}
        token = (
            await http.post("/v1/omni/sessions", headers=headers, json=body)
        ).json()["token"]
        headers = {"authorization": f"Bearer {token}"}
        assert (
            await http.post("/v1/omni/sessions", headers=headers, json=body)
        ).status_code == 401


async def test_a_sandbox_key_opens_a_session(simulate) -> None:  # type: ignore[no-untyped-def]
    async with (
        simulate(keys=(KEY,)) as stage,
        httpx2.AsyncClient(base_url=stage.http) as http,
    ):
        minted = (await http.post("/v1/sandbox/keys", json={"label": "mine"})).json()
        assert "omni:session" in minted["scopes"]
        async with connect(
            f"{stage.ws}/v1/omni",
            subprotocols=[Subprotocol(f"pyai-key.{minted['api_key']}")],
            proxy=None,
        ) as ws:
            assert (await first_event(ws)).name == "hello"


async def test_an_admin_call_says_something_for_the_caller_and_lets_a_fault_strike(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, httpx2.AsyncClient(base_url=stage.http) as http:
        async with connect(
            f"{stage.ws}/v1/omni?api_key={KEY}&session_label=x", proxy=None
        ) as ws:
            await ws.send(
                configure_frame(
                    greeting="", kb_endpoint=kb.url, kb_token=kb.token
                ).to_bytes()
            )
            while (await first_event_or_other(ws)) != "configured":
                pass
            (listed,) = (await http.get("/simulator/sessions")).json()["sessions"]
            assert (listed["label"], listed["turns"]) == ("x", 0)
            said = await http.post(
                f"/simulator/sessions/{listed['call_id']}/say",
                json={"text": "my refund"},
            )
            assert said.status_code == 202
            while (await first_event_or_other(ws)) != "transcript":
                pass
            assert (
                await http.post(
                    "/simulator/sessions/latest/fault", json={"fault": "1011"}
                )
            ).status_code == 202
            await http.post("/simulator/sessions/latest/say", json={"text": "again"})
            assert await close_code(ws) == 1011
    assert [turn["source"] for turn in stage.records("turn")] == ["admin"]
    assert kb.bodies == [{"session_label": "x", "query": "my refund"}]


async def test_a_wrong_admin_call_says_what_is_wrong_and_a_web_page_has_no_say(
    simulate,
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, httpx2.AsyncClient(base_url=stage.http) as http:
        say, fault = (
            "/simulator/sessions/latest/say",
            "/simulator/sessions/latest/fault",
        )
        assert (await http.post(say, json={"text": "x"})).status_code == 404
        assert (await http.post(say, json={"text": 3})).status_code == 400
        assert (await http.post(say, content=b"{")).status_code == 400
        assert (await http.post(say, json=[])).status_code == 400
        assert (await http.post(fault, json={"fault": "drop"})).status_code == 404
        headers = {"origin": "https://evil.example.com"}
        assert (
            await http.post(say, json={"text": "x"}, headers=headers)
        ).status_code == 403
        async with connect(f"{stage.ws}/v1/omni?api_key={KEY}", proxy=None) as ws:
            await first_event(ws)
            answer = await http.post(fault, json={"fault": "nonsense"})
            assert (
                answer.status_code == 400
                and "kb-slow" in answer.json()["error"]["message"]
            )
            assert (await http.post(fault, json={"fault": "4429"})).status_code == 400


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("localhost:8787", True),
        ("app.localhost", True),
        ("[::1]:8787", True),
        ("192.0.2.7", True),
        ("simulator.internal:8787", True),
        ("evil.example.com", False),
        ("127.0.0.1.evil.example.com:8787", False),
        ("localhost.evil.example.com", False),
        ("[::1", False),
        ("", False),
    ],
)
async def test_a_page_whose_name_leads_here_is_turned_away_at_every_door(
    host, meant
) -> None:  # type: ignore[no-untyped-def]
    simulator = Simulator(names=["Simulator.internal"])
    async with serving(simulator) as server:
        url = base_url(server)
        async with httpx2.AsyncClient(base_url=url, headers={"host": host}) as http:
            for method, path, kept in (
                ("GET", "/simulator/sessions", 200),
                ("POST", "/v1/sandbox/keys", 201),
                ("POST", "/simulator/sessions/latest/say", 404),
            ):
                answer = await http.request(method, path, json={"text": "x"})
                assert answer.status_code == (kept if meant else 421)
            if not meant:
                assert "--host" in answer.json()["error"]["message"]
                assert len(simulator.keys._sandbox) == 0
        reader, writer = await asyncio.open_connection(*url.split("//")[1].split(":"))
        writer.write(
            f"GET /v1/omni?api_key={KEY} HTTP/1.1\r\nHost: {host}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode()
        )
        line = await asyncio.wait_for(reader.readline(), LIMIT_S)
        assert line.split()[1] == (b"101" if meant else b"421")
        writer.close()


async def test_a_body_over_the_limit_is_refused_before_it_is_read(simulate):
    async with simulate() as stage, httpx2.AsyncClient(base_url=stage.http) as http:
        for path in ("/v1/omni/sessions", "/simulator/sessions/latest/say"):
            answer = await http.post(
                path, content=b"x" * 65_537, headers={"x-api-key": KEY}
            )
            assert answer.status_code == 413
            assert answer.json()["error"]["code"] == "body_too_large"
