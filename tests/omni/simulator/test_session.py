"""Whole sessions over a real WebSocket: frames of both sides, and the calls they cause."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from kbserver.omni.configure import configure_frame
from kbserver.omni.connect import connect_url, subprotocols
from kbserver.omni.frames import Audio, Command, Event, Transcript, encode, parse_server
from kbserver.omni.simulator.session import MAX_FIELDS, MAX_WAITING
from kbserver.omni.simulator.speech import silence, tone
from tests.omni.conftest import PATIENT_MS

pytestmark = pytest.mark.anyio
KEY = "pyai_test_anything"


def dial(stage: Any, label: str | None = None, **options: Any) -> Any:
    url = connect_url(label, base=stage.ws, **options)
    # max_queue: agent audio that a test does not read must not hold up the closing handshake
    return connect(url, subprotocols=subprotocols(KEY), proxy=None, max_queue=None)


async def frames_until(ws: ClientConnection, name: str) -> list[Any]:
    """Everything up to and with the first event of that name."""
    frames: list[Any] = []
    async with asyncio.timeout(PATIENT_MS / 1000):
        while True:
            message = await ws.recv()
            assert isinstance(message, bytes), "every Omni frame is binary"
            frames.append(parse_server(message))
            if isinstance(frames[-1], Event) and frames[-1].name == name:
                return frames


async def start(ws: ClientConnection, **fields: Any) -> Event:
    await ws.send(configure_frame(**({"greeting": ""} | fields)).to_bytes())
    return (await frames_until(ws, "configured"))[-1]


async def ask(ws: ClientConnection, text: str) -> list[Any]:
    await ws.send(encode(Command("input_text", {"text": text})))
    return await frames_until(ws, "transcript")


def events(frames: list[Any]) -> list[str]:
    return [frame.name for frame in frames if isinstance(frame, Event)]


async def test_a_session_opens_with_hello_and_session_started(simulate) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage, rate=16_000) as ws:
        hello, started = await frames_until(ws, "session_started")
    assert hello.name == "hello"
    assert hello.fields["protocol"] == 2
    assert hello.fields["audio_in"] == "pcm16@16000"
    assert hello.fields["audio_out"] == "pcm16@24000"  # whatever the caller's rate
    assert hello.fields["call_id"] and hello.fields["voice_id"]
    assert started.fields == {"call_id": hello.fields["call_id"]}


async def test_configured_says_what_was_taken(simulate, kb) -> None:  # type: ignore[no-untyped-def]
    tools = [{"name": "end_call", "description": "hang up"}]
    async with simulate() as stage, dial(stage) as ws:
        ack = await start(
            ws,
            voice_id="emma",
            greeting="Hi",
            kb_endpoint=kb.url,
            kb_token=kb.token,
            tools=tools,
        )
    assert ack.fields == {
        "voice_id": "emma",
        "greeting": True,
        "kb": True,
        "tools": 1,
        "endpointing_ms": 600,
        "audio_out": "pcm16@24000",
    }


@pytest.mark.parametrize("endpoint", [None, "http://kb.example.com/kb", "not a url", 7])
async def test_kb_is_true_only_for_an_endpoint_the_engine_would_call(
    simulate, endpoint
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await ws.send(
            encode(Command("configure", {"greeting": "", "kb_endpoint": endpoint}))
        )
        ack = (await frames_until(ws, "configured"))[-1]
        assert ack.fields["kb"] is False
        assert ack.fields["greeting"] is False
        answer = await ask(ws, "reset my pin")
        assert "kb_query" not in events(answer)


async def test_a_grounded_turn_from_input_text_in_the_order_of_the_contract(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage, "support-line") as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        heard, query, begin, reply = await ask(ws, "how do i reset my pin")
    assert heard == Transcript("how do i reset my pin")
    assert query == Event("kb_query", {"top_ids": ["kb-pin"]})
    assert begin.name == "turn_begin"
    assert begin.fields["turn"] == 1
    assert 0 <= begin.fields["since_caller_end_ms"] < 1_000
    assert reply.fields == {
        "role": "assistant",
        "text": "You reset your PIN in the app under Security.",
        "final": True,
    }
    assert kb.bodies == [
        {"session_label": "support-line", "query": "how do i reset my pin"}
    ]
    assert kb.requests[0]["headers"]["authorization"] == f"Bearer {kb.token}"


async def test_caller_audio_becomes_a_turn_with_the_words_of_the_script(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate(
        script=("when is my refund here", "when are you open")
    ) as stage:
        async with dial(stage, rate=16_000) as ws:
            await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
            for id in ("kb-refund", "kb-hours"):
                speech = tone("a question as long as this", 16_000) + silence(
                    700, 16_000
                )
                for at in range(0, len(speech), 640):  # 20 ms a frame
                    await ws.send(encode(Audio(speech[at : at + 640])))
                answer = await frames_until(ws, "turn_begin")
                assert Event("kb_query", {"top_ids": [id]}) in answer
                assert answer[-1].fields["since_caller_end_ms"] >= 600
    assert [body["query"] for body in kb.bodies] == [
        "when is my refund here",
        "when are you open",
    ]


async def test_agent_audio_comes_in_chunks_of_at_most_150_ms_at_24_khz(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage, rate=16_000) as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        await ask(ws, "reset my pin")
        spoken = b""
        expected = tone("You reset your PIN in the app under Security.", 24_000)
        while len(spoken) < len(expected):
            frame = parse_server(await asyncio.wait_for(ws.recv(), 60))
            assert isinstance(frame, Audio)
            assert len(frame.pcm16) <= 24_000 * 2 * 150 // 1000
            spoken += frame.pcm16
    assert spoken == expected


async def test_barge_in_stops_the_agent_with_flush(simulate, kb) -> None:  # type: ignore[no-untyped-def]
    async with (
        simulate(script=("never mind",), pace=1.0) as stage,
        dial(stage, rate=16_000) as ws,
    ):
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        await ask(ws, "reset my pin")
        first = parse_server(await ws.recv())
        assert isinstance(first, Audio)
        await ws.send(encode(Audio(tone("stop stop", 16_000))))
        interrupted = await frames_until(ws, "assistant_interrupted")
        sent = [frame for frame in interrupted if isinstance(frame, Audio)]
        await ws.send(encode(Audio(silence(700, 16_000))))
        assert Transcript("never mind") in await frames_until(ws, "turn_begin")
    assert events(interrupted) == ["barge_in", "flush", "assistant_interrupted"]
    assert interrupted[-2].fields == {"reason": "barge_in"}
    assert interrupted[-1].fields == {
        "reply": "You reset your PIN in the app under Security."
    }
    assert (
        sum(len(frame.pcm16) for frame in sent)
        < len(tone("You reset your PIN in the app", 24_000)) / 2
    )
    assert [turn["interrupted"] for turn in stage.records("turn")][0] is True


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"delay_s": 0.4}, "timeout"),
        ({"status": 500}, "http_500"),
        ({"token": "another"}, "http_401"),
        ({"redirect_to": "/kb"}, "http_307"),
        ({"raw": b"oops"}, "invalid_json"),
    ],
)
async def test_whatever_goes_wrong_the_turn_goes_on_ungrounded(
    simulate, kb, trouble, reason
) -> None:  # type: ignore[no-untyped-def]
    for name, value in trouble.items():
        setattr(kb, name, value)
    async with (
        simulate(timeout_ms=300 if reason == "timeout" else PATIENT_MS) as stage,
        dial(stage) as ws,
    ):
        await start(
            ws, kb_endpoint=kb.url, kb_token="a-token-for-tests-only-0123456789abcdef"
        )
        answer = await ask(ws, "reset my pin")
        assert answer[1] == Event("kb_query", {"none": True, "reason": reason})
        assert answer[-1].fields["text"] == "I can't look that up right now."
    assert len(kb.requests) == 1
    assert stage.records("turn")[0]["lookup"]["reason"] == reason


async def test_an_honest_agent_says_that_it_does_not_know(simulate, kb) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        answer = await ask(ws, "what is the meaning of life")
    assert answer[1] == Event("kb_query", {"none": True, "reason": "empty"})
    assert (
        answer[-1].fields["text"]
        == "I'm sorry, I don't have any information about that."
    )


@pytest.mark.parametrize(
    ("fills", "reads"), [("context", "results"), ("results", "context")]
)
async def test_a_server_that_fills_only_one_key_is_caught(
    simulate, kb, fills, reads
) -> None:  # type: ignore[no-untyped-def]
    kb.keys = (fills,)
    async with simulate(reads=reads) as stage, dial(stage) as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        assert (await ask(ws, "reset my pin"))[1].fields["none"] is True
    async with simulate(reads=fills) as stage, dial(stage) as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        assert "none" not in (await ask(ws, "reset my pin"))[1].fields


async def test_text_frames_and_untagged_frames_are_dropped_without_a_word(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await frames_until(ws, "session_started")
        await ws.send('{"type": "configure", "greeting": "", "persona": "as text"}')
        await ws.send(b'{"type": "configure", "greeting": "", "persona": "untagged"}')
        await ws.send(b"\x03not json")
        await ws.send(configure_frame(greeting="", voice_id="right").to_bytes())
        ack = parse_server(await ws.recv())
    assert ack.name == "configured" and ack.fields["voice_id"] == "right"
    notes = [record["note"] for record in stage.records("note")]
    assert len(notes) == 3
    assert (
        "every Omni frame is binary" in notes[0]
        and "0x01" in notes[1]
        and "JSON" in notes[2]
    )


async def test_a_frame_keyed_on_event_is_taken_when_lenient_and_dropped_when_strict(
    simulate,
) -> None:  # type: ignore[no-untyped-def]
    swapped = encode(
        Command("configure", {"greeting": "", "voice_id": "swapped"}, event_keyed=True)
    )
    right = encode(Command("configure", {"greeting": "", "voice_id": "right"}))
    for strict, voice in ((False, "swapped"), (True, "right")):
        async with simulate(strict=strict) as stage, dial(stage) as ws:
            await ws.send(swapped)
            await ws.send(right)
            assert (await frames_until(ws, "configured"))[-1].fields[
                "voice_id"
            ] == voice
        assert "keyed on 'event'" in stage.records("note")[-1]["note"]


async def test_without_a_configure_frame_there_are_no_turns(simulate) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await ws.send(encode(Command("input_text", {"text": "hello?"})))
        await ws.send(encode(Command("session_ending")))
        assert events(await frames_until(ws, "session_end")) == [
            "hello",
            "session_started",
            "session_end",
        ]
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1000
    assert "before a configure frame" in stage.records("note")[0]["note"]


async def test_a_greeting_is_spoken_first_after_the_consent_line_and_an_empty_one_is_not(
    simulate,
) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await start(ws, greeting="Hello there.", consent_line="This call is recorded.")
        said = await frames_until(ws, "transcript")
        assert said[-1].fields["text"] == "This call is recorded. Hello there."
    async with simulate() as stage, dial(stage) as ws:
        assert (await start(ws, greeting="")).fields["greeting"] is False
        assert events(await ask(ws, "hello")) == ["turn_begin", "transcript"]


async def test_a_wrong_voice_is_answered_with_a_bare_detail(simulate) -> None:  # type: ignore[no-untyped-def]
    async with simulate(voices={"emma"}) as stage, dial(stage) as ws:
        await frames_until(ws, "session_started")
        await ws.send(configure_frame(voice_id="nobody").to_bytes())
        assert await ws.recv() == b'\x03{"detail":"voice_not_found"}'
        assert (await start(ws, voice_id="emma")).fields["voice_id"] == "emma"


async def test_a_second_configure_frame_adds_to_the_first(simulate, kb) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await start(ws, voice_id="emma", kb_endpoint=kb.url, kb_token=kb.token)
        await ws.send(configure_frame(caller_key="+4930").to_bytes())
        ack = (await frames_until(ws, "configured"))[-1]
        assert (ack.fields["voice_id"], ack.fields["kb"]) == ("emma", True)


async def test_three_turns_at_once_are_three_calls_in_order(simulate, kb) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage) as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        said = ["reset my pin", "my refund", "are you open"]
        for text in said:
            await ws.send(encode(Command("input_text", {"text": text})))
        seen = []
        while len(seen) < 3:
            seen += [
                frame
                for frame in await frames_until(ws, "turn_begin")
                if isinstance(frame, Event)
            ]
            seen = [event for event in seen if event.name == "turn_begin"]
        assert [event.fields["turn"] for event in seen] == [1, 2, 3]
    assert [body["query"] for body in kb.bodies] == said


async def test_speech_that_no_silence_follows_never_ends_and_the_record_says_why(
    simulate, kb
) -> None:  # type: ignore[no-untyped-def]
    async with simulate(script=("x",)) as stage, dial(stage) as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
        await ws.send(encode(Audio(tone("a question", 24_000))))
        await ws.send(encode(Command("session_ending")))
        assert "turn_begin" not in events(await frames_until(ws, "session_end"))
    assert "keep streaming silence" in stage.records("note")[-1]["note"]
    assert kb.requests == []


async def test_every_turn_is_recorded_and_no_secret_is(simulate, kb) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage, dial(stage, "support-line") as ws:
        await start(ws, kb_endpoint=kb.url, kb_token=kb.token, persona="Be brief.")
        await ask(ws, "reset my pin")
        await ask(ws, "any refund")
    recorded = stage.record.read_text()
    assert kb.token not in recorded and KEY not in recorded
    assert [
        record["record"] for record in map(json.loads, recorded.splitlines())
    ].count("turn") == 2
    first, second = stage.records("turn")
    assert (first["turn"], first["heard"], first["label"], first["source"]) == (
        1, "reset my pin", "support-line", "input_text",
    )  # fmt: skip
    assert first["lookup"]["outcome"] == "grounded"
    assert first["lookup"]["top_ids"] == ["kb-pin"]
    assert 0 < first["lookup"]["latency_ms"] < PATIENT_MS
    assert second["reply"] == "Refunds reach your account within five days."
    assert stage.records("configure")[0]["fields"]["kb_token"] == "***"
    assert stage.records("end")[0]["turns"] == 2


@pytest.mark.parametrize(
    ("fault", "reason"), [("kb-slow", "timeout"), ("kb-fail", "refused")]
)
async def test_a_slow_or_failing_endpoint_can_be_had_for_one_turn(
    simulate, kb, fault, reason
) -> None:  # type: ignore[no-untyped-def]
    async with simulate(timeout_ms=2_000) as stage:
        url = connect_url(base=stage.ws) + f"&simulate_fault={fault}@2"
        async with connect(
            url, subprotocols=subprotocols(KEY), proxy=None, max_queue=None
        ) as ws:
            await start(ws, kb_endpoint=kb.url, kb_token=kb.token)
            assert (await ask(ws, "reset my pin"))[1].fields == {"top_ids": ["kb-pin"]}
            assert Event("kb_query", {"none": True, "reason": reason}) in await ask(
                ws, "reset my pin"
            )
        assert [note["note"] for note in stage.records("note")] == [
            f"the fault {fault} strikes in turn 2"
        ]


async def test_a_dropped_connection_has_no_closing_handshake(simulate) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        url = connect_url(base=stage.ws) + "&simulate_fault=drop@1"
        async with connect(
            url, subprotocols=subprotocols(KEY), proxy=None, max_queue=None
        ) as ws:
            await start(ws)
            with pytest.raises(ConnectionClosedError) as closed:
                await ask(ws, "hello")
            assert closed.value.rcvd is None


async def test_an_engine_failure_is_an_error_event_and_close_1011(simulate) -> None:  # type: ignore[no-untyped-def]
    async with simulate() as stage:
        url = connect_url(base=stage.ws) + "&simulate_fault=1011"
        async with connect(
            url, subprotocols=subprotocols(KEY), proxy=None, max_queue=None
        ) as ws:
            await start(ws)
            await ws.send(encode(Command("input_text", {"text": "hello"})))
            assert set((await frames_until(ws, "error"))[-1].fields) == {
                "code",
                "message",
            }
            with pytest.raises(ConnectionClosedError) as closed:
                await ws.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 1011


async def test_what_a_session_keeps_of_its_client_is_bounded(simulate):
    async with simulate() as stage, dial(stage) as ws:
        await start(ws, voice_id="emma")
        (session,) = stage.simulator.sessions.values()
        for number in range(MAX_WAITING + 1):
            session.say(f"turn {number}", "admin")
        assert len(session._waiting) == MAX_WAITING
        many = {f"field_{number}": number for number in range(MAX_FIELDS)}
        await ws.send(encode(Command("configure", many)))
        async with asyncio.timeout(PATIENT_MS / 1000):
            while len(stage.records("note")) < 2:
                await asyncio.sleep(0.01)
        assert session.state.config["voice_id"] == "emma"
        assert len(session.state.config) < MAX_FIELDS
    waiting, fields = [note["note"] for note in stage.records("note")][:2]
    assert "100 turns are waiting" in waiting and "100 configure fields" in fields
