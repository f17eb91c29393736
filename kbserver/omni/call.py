"""A conversation with an endpoint: the caller's words in, the engine's lookup and the reply out.

`TypedCall` asks the endpoint directly. `SpokenCall` speaks to a simulator of its own, as a client
would, so that framing, turn-taking and the agent's audio take part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

from kbserver.errors import OmniError
from kbserver.omni.configure import configure_frame
from kbserver.omni.connect import check_label, connect_url, subprotocols
from kbserver.omni.engine import KnowledgeEndpoint, Reads
from kbserver.omni.frames import Audio, audio_frames, encode, parse_server
from kbserver.omni.serving import base_url, serving
from kbserver.omni.simulator.options import SimulatorOptions
from kbserver.omni.simulator.recording import Record, Recorder
from kbserver.omni.simulator.reply import build_reply
from kbserver.omni.simulator.server import Simulator
from kbserver.omni.simulator.speech import AGENT_RATE, Synthesizer, silence
from kbserver.settings import ENGINE_TIMEOUT_MS

CALLER_RATE = 16_000
FRAME_MS = 20
PAUSE_MS = 700  # longer than the silence that ends a turn
QUIET_S = 0.02
MAX_FRAME_BYTES = 1_000_000
MAX_QUEUED_FRAMES = 16
TURN_S = 30.0  # a turn that takes this long will not come


@dataclass(frozen=True, slots=True)
class CallTurn:
    """One turn of a conversation."""

    number: int
    heard: str
    lookup: Mapping[str, Any]
    """As `engine.Lookup.as_dict` gives it."""
    reply: str
    spoken_ms: int = 0
    """Caller audio that was sent, without the silence after it; 0 if the words were typed."""
    audio_ms: int = 0
    """Agent audio that came back."""

    @property
    def in_time(self) -> bool:
        """Whether a usable answer arrived within the limit, with knowledge in it or without."""
        return self.lookup.get("outcome") in ("grounded", "miss")

    def as_dict(self) -> dict[str, Any]:
        """Return the turn as JSON values."""
        facts = {
            "turn": self.number,
            "heard": self.heard,
            "lookup": dict(self.lookup),
            "reply": self.reply,
        }
        return facts | {"spoken_ms": self.spoken_ms, "audio_ms": self.audio_ms}


class TypedCall:
    """Asks the endpoint as the engine does, and answers as the simulated agent would."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        label: str | None = None,
        reads: Reads = "context",
        timeout_ms: float = ENGINE_TIMEOUT_MS,
        keep_alive: bool = False,
    ) -> None:
        """Prepare a call.

        Raises:
            OmniError: the URL, the token or the label cannot be used.
        """
        if label is not None:
            check_label(label)
        self._endpoint = KnowledgeEndpoint(
            url,
            token,
            reads=reads,
            timeout_ms=timeout_ms,
            keep_alive=keep_alive,
            debug=True,
            probe="call",
        )
        self._label = label
        self._turns = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._endpoint.aclose()

    async def say(self, text: str) -> CallTurn:
        """Say something; a failing endpoint is part of the result and raises nothing."""
        self._turns += 1
        lookup = await self._endpoint.look_up(text, self._label)
        return CallTurn(
            self._turns,
            text,
            lookup.as_dict(),
            build_reply(lookup, reads=self._endpoint.reads, heard=text),
        )


class SpokenCall:
    """Speaks to a simulator that runs for this call alone, over a real WebSocket."""

    def __init__(
        self,
        url: str,
        token: str | None,
        *,
        label: str | None = None,
        reads: Reads = "context",
        timeout_ms: float = ENGINE_TIMEOUT_MS,
        keep_alive: bool = False,
        turn_s: float = TURN_S,
        synthesize: Synthesizer,
    ) -> None:
        """Prepare a call.

        Args:
            url, token, label, reads, timeout_ms, keep_alive: as for `TypedCall`.
            turn_s: seconds after which a turn that did not come is given up.
            synthesize: the caller's voice, and the agent's.

        Raises:
            OmniError: the URL, the token or the label cannot be used.
        """
        if label is not None:
            check_label(label)
        self._frame = configure_frame(kb_endpoint=url, kb_token=token, greeting="")
        self._label = label
        self._turn_s = turn_s
        self._synthesize = synthesize
        self._options = SimulatorOptions(
            reads=reads,
            timeout_ms=timeout_ms,
            keep_alive=keep_alive,
            debug=True,
            probe="call",
            pace=0.0,
            synthesize=synthesize,
        )
        self._records: asyncio.Queue[Record] = asyncio.Queue()
        self._simulator = Simulator(
            self._options, recorder=Recorder(listener=self._take)
        )
        self._audio_bytes = 0

    def _take(self, record: Record) -> None:
        if record["record"] == "turn":
            self._records.put_nowait(record)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(serving(self._simulator))
            url = connect_url(
                self._label, base=base_url(server, "ws"), rate=CALLER_RATE
            )
            protocols = subprotocols("pyai_test_kbserver")
            self._ws: ClientConnection = await stack.enter_async_context(
                connect(
                    url,
                    subprotocols=protocols,  # type: ignore[arg-type]  # a NewType of str
                    proxy=None,
                    max_size=MAX_FRAME_BYTES,
                    max_queue=MAX_QUEUED_FRAMES,
                )
            )
            await self._ws.send(self._frame.to_bytes())
            reading = asyncio.create_task(self._read())
            stack.callback(reading.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def say(self, text: str) -> CallTurn:
        """Speak, and wait for the turn it makes.

        Raises:
            OmniError: no turn was made: no speech was heard, or the session ended.
        """
        self._audio_bytes = 0
        self._simulator.add_to_script(text)
        speech = await asyncio.to_thread(self._synthesize, text or "mm", CALLER_RATE)
        pcm16 = speech + silence(PAUSE_MS, CALLER_RATE)
        for frame in audio_frames(pcm16, rate=CALLER_RATE, chunk_ms=FRAME_MS):
            await self._ws.send(encode(frame))
        try:
            record = await asyncio.wait_for(self._records.get(), self._turn_s)
        except TimeoutError:
            raise OmniError(
                f"no turn came of {text!r} within {self._turn_s:.0f} s: "
                "the speech was not heard"
            ) from None
        await self._until_quiet()
        return CallTurn(
            record["turn"],
            record["heard"],
            record["lookup"] or {},
            record["reply"],
            spoken_ms=len(speech) // 2 * 1000 // CALLER_RATE,
            audio_ms=self._audio_bytes // 2 * 1000 // AGENT_RATE,
        )

    async def _until_quiet(self) -> None:
        """Wait for the agent's audio under way; nothing on the wire says where it ends."""
        await (await self._ws.ping())
        before = -1
        while before != self._audio_bytes:
            before = self._audio_bytes
            await asyncio.sleep(QUIET_S)

    async def _read(self) -> None:
        async for message in self._ws:
            frame = parse_server(message)  # type: ignore[arg-type]  # a text frame is refused in there
            if isinstance(frame, Audio):
                self._audio_bytes += len(frame.pcm16)
