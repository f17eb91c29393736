"""Whatever a client sends, a session goes on to its end."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.omni.frames import parse_server
from kbserver.omni.simulator.options import SimulatorOptions
from kbserver.omni.simulator.recording import Recorder
from kbserver.omni.simulator.session import SessionState, SimulatedSession

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
known = {
    key: json_values
    for key in (
        "voice_id",
        "greeting",
        "consent_line",
        "kb_token",
        "tools",
        "persona",
        "text",
        "digits",
        "language",
    )
}
commands = st.fixed_dictionaries(
    {
        "type": st.sampled_from(
            ["configure", "input_text", "dtmf", "tool_result", "context", "nonsense"]
        )
    },
    optional=known
    | {
        "event": json_values,
        "kb_endpoint": st.sampled_from([None, 7, "", "http://example.com", [], {}]),
    },
)
messages = (
    commands.map(lambda fields: b"\x03" + json.dumps(fields).encode())
    | json_values.map(lambda value: b"\x03" + json.dumps(value).encode())
    | st.binary(max_size=2_000).map(lambda pcm16: b"\x01" + pcm16)
    | st.binary(max_size=50)
    | st.text(max_size=50)
)


class Wire:
    """A connection in memory: the client's messages, then its end; it keeps what was sent."""

    def __init__(self, incoming: list[bytes | str]) -> None:
        self.incoming = incoming
        self.sent: list[bytes] = []

    async def send(self, message: bytes) -> None:
        self.sent.append(message)

    async def receive(self) -> bytes | str | None:
        await asyncio.sleep(0)
        return self.incoming.pop(0) if self.incoming else None

    async def close(self, code: int, reason: str) -> None:
        self.incoming.clear()

    async def drop(self) -> None:
        self.incoming.clear()


@settings(max_examples=30)
@given(incoming=st.lists(messages, max_size=12), strict=st.booleans())
def test_no_client_can_break_a_session(incoming: list[Any], strict: bool) -> None:
    records: list[Any] = []
    wire = Wire(list(incoming))
    options = SimulatorOptions(strict=strict, pace=0.0, voices={"emma"})
    session = SimulatedSession(
        wire,
        SessionState("label", 24_000),
        options=options,
        recorder=Recorder(listener=records.append),
        next_utterance=lambda: "words",
    )
    asyncio.run(session.run())
    assert records[0]["record"] == "session" and records[-1]["record"] == "end"
    for message in wire.sent:
        parse_server(message)
    json.dumps(records)
