"""One simulated Omni session: frames in, frames out, one knowledge lookup a caller turn.

Read `_turn` first. Source: the Omni contract, sections 3, 5 and 7.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from kbserver.errors import OmniError
from kbserver.omni.configure import check_endpoint, check_token
from kbserver.omni.engine import KnowledgeEndpoint, Lookup
from kbserver.omni.frames import (
    Audio,
    Command,
    Event,
    ServerFrame,
    audio_frames,
    encode,
    parse_client,
    transcript_frames,
)
from kbserver.omni.simulator.faults import Fault, FaultKind
from kbserver.omni.simulator.options import SimulatorOptions
from kbserver.omni.simulator.recording import Recorder
from kbserver.omni.simulator.reply import build_reply
from kbserver.omni.simulator.speech import AGENT_RATE
from kbserver.omni.simulator.vad import EnergyVad

PROTOCOL_VERSION = 2
CHUNK_MS = 120  # the contract: at most 150 ms of agent audio in a frame
AUDIO_OUT = f"pcm16@{AGENT_RATE}"
DEFAULT_VOICE = "simulated"
DEFAULT_GREETING = "Hello, how can I help?"
"""Ours: the contract says that "" suppresses the first turn, so there is one by default."""

MAX_FIELDS = 100
"""Of all configure frames together; the contract names some twenty."""
MAX_WAITING = 100
"""Turns that the agent has not come to; a caller says one in a few seconds."""

Source: TypeAlias = Literal["script", "input_text", "typed", "admin"]


@dataclass(frozen=True, slots=True)
class CallerTurn:
    """One thing the caller said, once its end was heard."""

    text: str
    source: Source
    ended_at: float
    """Monotonic seconds: when the caller fell silent."""


@dataclass
class SessionState:
    """What a session knows of itself; the simulator lists it."""

    label: str | None
    rate: int
    call_id: str = field(default_factory=lambda: f"call_{secrets.token_hex(8)}")
    config: dict[str, Any] = field(default_factory=dict)
    configured: bool = False
    turns: int = 0


class Line(Protocol):
    """The connection below a session."""

    async def send(self, message: bytes) -> None:
        """Send one binary message; what cannot be sent any more is dropped."""

    async def receive(self) -> bytes | str | None:
        """Return the next message, or None once the client is gone."""

    async def close(self, code: int, reason: str) -> None:
        """Close with a code."""

    async def drop(self) -> None:
        """Cut the connection without a closing handshake."""


class SimulatedSession:
    """One client's session, from `hello` to its end."""

    def __init__(
        self,
        line: Line,
        state: SessionState,
        *,
        options: SimulatorOptions,
        recorder: Recorder,
        next_utterance: Callable[[], str | None],
        faults: tuple[Fault, ...] = (),
    ) -> None:
        """Prepare a session on a connection that is open.

        Args:
            next_utterance: the words for the next turn that is heard as audio; None: no more.
            faults: for this session, beside those of the options.
        """
        self.state = state
        self._line = line
        self._options = options
        self._recorder = recorder
        self._next_utterance = next_utterance
        self._faults = list(options.faults + faults)
        self._vad = EnergyVad(state.rate, silence_ms=options.silence_ms)
        self._waiting: deque[CallerTurn] = deque()
        self._wake = asyncio.Event()
        self._barged_in = asyncio.Event()
        self._speaking = False
        self._opening: str | None = None
        self._knowledge: KnowledgeEndpoint | None = None

    async def run(self, *, remark: str | None = None) -> None:
        """Hold the session until the client leaves, it is ended, or a fault strikes.

        Args:
            remark: what there is to note about how the client connected.
        """
        state = self.state
        self._record("session", label=state.label, rate=state.rate)
        if remark is not None:
            self._note(remark)
        audio = {"audio_in": f"pcm16@{state.rate}", "audio_out": AUDIO_OUT}
        await self._event(
            "hello",
            call_id=state.call_id,
            protocol=PROTOCOL_VERSION,
            voice_id=DEFAULT_VOICE,
            **audio,
        )
        await self._event("session_started", call_id=state.call_id)
        listening = asyncio.create_task(self._listen())
        answering = asyncio.create_task(self._answer())
        try:
            done, _ = await asyncio.wait(
                (listening, answering), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            for task in (listening, answering):
                task.cancel()
            await asyncio.gather(listening, answering, return_exceptions=True)
            if self._knowledge is not None:
                await self._knowledge.aclose()
            if self._vad.speaking:
                self._note(
                    "the caller's audio stopped in mid-speech; "
                    "Omni has no commit frame: keep streaming silence"
                )
            self._record("end", turns=state.turns)

    def say(self, text: str, source: Source) -> None:
        """Let the caller say something without audio; it interrupts the agent as speech does."""
        # A terminal may hand on bytes that were no text.
        text = text.encode("utf-8", "replace").decode()
        self._hear(CallerTurn(text, source, time.monotonic()))

    def inject(self, fault: Fault) -> None:
        """Let a fault strike in a later turn of this session."""
        self._faults.append(fault)

    # What the client sends

    async def _listen(self) -> None:
        while True:
            message = await self._line.receive()
            if message is None:
                return
            try:
                frame = parse_client(message)  # type: ignore[arg-type]  # it refuses text
            except OmniError as exc:
                self._note(f"dropped, as the live engine does without a word: {exc}")
                continue
            if isinstance(frame, Audio):
                await self._hear_audio(frame.pcm16)
            elif isinstance(frame, Command):
                if not await self._obey(frame):
                    return

    async def _hear_audio(self, pcm16: bytes) -> None:
        for moment in self._vad.feed(pcm16):
            if moment == "began":
                self._interrupt()
                continue
            ended_at = time.monotonic() - self._options.silence_ms / 1000
            text = self._next_utterance()
            if text is None:
                self._note(
                    f"heard {self._vad.spoken_ms} ms of speech, "
                    "but the script has no words left for it"
                )
            else:
                self._hear(CallerTurn(text, "script", ended_at))

    async def _obey(self, command: Command) -> bool:
        """Carry out a control frame; False ends the session."""
        if command.event_keyed:
            fate = "taken all the same"
            if self._options.strict:
                fate = "dropped, as the live engine does"
            self._note(
                f"a client frame is keyed on 'event' ({command.type}); {fate}: "
                "client frames need 'type'"
            )
            if self._options.strict:
                return True
        text = command.fields.get("text")
        if command.type == "configure":
            await self._configure(dict(command.fields))
        elif command.type == "input_text" and isinstance(text, str):
            self.say(text, "input_text")
        elif command.type == "session_ending":
            await self._event("session_end", call_id=self.state.call_id)
            await self._line.close(1000, "session_ending")
            return False
        else:
            self._record("client", type=command.type, fields=dict(command.fields))
        return True

    async def _configure(self, fields: dict[str, Any]) -> None:
        voice = fields.get("voice_id")
        if voice is not None and not self._is_voice(voice):
            await self._send(Event("detail", {"detail": "voice_not_found"}))
            self._note(f"the voice {voice!r} does not exist")
            return
        config = self.state.config | fields
        if len(config) > MAX_FIELDS:
            self._note(f"dropped: a session takes {MAX_FIELDS} configure fields")
            return
        first = not self.state.configured
        self.state.config = config
        self._record("configure", fields=fields)
        if first or fields.keys() & {"kb_endpoint", "kb_token"}:
            url, token = config.get("kb_endpoint"), config.get("kb_token")
            await self._connect_knowledge(url, token)
        greeting = config.get("greeting", DEFAULT_GREETING)
        lines = [config.get("consent_line"), greeting]
        lines = [line for line in lines if isinstance(line, str) and line]
        tools = config.get("tools")
        if not isinstance(tools, list):
            tools = []
        self.state.configured = True
        await self._event(
            "configured",
            voice_id=config.get("voice_id", DEFAULT_VOICE),
            greeting=bool(greeting),
            kb=self._knowledge is not None,
            tools=len(tools),
            endpointing_ms=self._options.silence_ms,
            audio_out=AUDIO_OUT,
        )
        if first and lines:
            self._opening = " ".join(lines)
            self._wake.set()

    def _is_voice(self, voice: object) -> bool:
        voices = self._options.voices
        if voices is None:
            return True
        return isinstance(voice, str) and voice in voices

    async def _connect_knowledge(self, url: object, token: object) -> None:
        if self._knowledge is not None:
            await self._knowledge.aclose()
            self._knowledge = None
        if url is None:
            return
        try:
            check_endpoint(url, field="kb_endpoint")  # type: ignore[arg-type]  # checked in there
            if token is not None:
                check_token(token)  # type: ignore[arg-type]
        except OmniError as exc:
            self._note(f"the knowledge endpoint is not accepted: {exc}")
            return
        if token is not None:
            token = str(token)
        # In a thread: reading the system's certificates would make other sessions' turns late.
        self._knowledge = await asyncio.to_thread(
            KnowledgeEndpoint,
            str(url),
            token,
            reads=self._options.reads,
            timeout_ms=self._options.timeout_ms,
            keep_alive=self._options.keep_alive,
            debug=self._options.debug,
            probe=self._options.probe,
        )

    def _hear(self, turn: CallerTurn) -> None:
        if not self.state.configured:
            self._note(
                "the caller spoke before a configure frame was taken: "
                "no turn, as in the live engine"
            )
            return
        if len(self._waiting) >= MAX_WAITING:
            self._note(f"dropped: {MAX_WAITING} turns are waiting to be answered")
            return
        self._waiting.append(turn)
        self._interrupt()
        self._wake.set()

    def _interrupt(self) -> None:
        if self._speaking:
            self._barged_in.set()

    # What the engine does

    async def _answer(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._opening is not None:
                opening, self._opening = self._opening, None
                await self._say(opening)
            while self._waiting:
                self.state.turns += 1
                if not await self._turn(self.state.turns, self._waiting.popleft()):
                    return

    async def _turn(self, number: int, caller: CallerTurn) -> bool:
        """One caller turn, from the words to the agent's audio; False ends the session."""
        if await self._strike(number):
            return False
        for frame in transcript_frames(caller.text):
            await self._send(frame)
        lookup = await self._look_up(number, caller.text)
        if lookup is not None:
            await self._tell(lookup)
        since_caller_end_ms = round((time.monotonic() - caller.ended_at) * 1000)
        await self._event(
            "turn_begin",
            turn=number,
            since_caller_end_ms=since_caller_end_ms,
            call_id=self.state.call_id,
        )
        found = lookup or Lookup("miss", "no_kb")
        reply = build_reply(found, reads=self._options.reads, heard=caller.text)
        recorded = None
        if lookup is not None:
            recorded = lookup.as_dict()
        interrupted = True  # also by the client's leaving
        try:
            interrupted = await self._say(reply)
        finally:
            self._record(
                "turn",
                label=self.state.label,
                turn=number,
                source=caller.source,
                heard=caller.text,
                lookup=recorded,
                since_caller_end_ms=since_caller_end_ms,
                reply=reply,
                interrupted=interrupted,
            )
        return True

    async def _look_up(self, number: int, query: str) -> Lookup | None:
        timeout_ms = self._options.timeout_ms
        if self._knowledge is None:
            return None
        if self._fault("kb-slow", number):
            await asyncio.sleep(timeout_ms / 1000)
            return Lookup("late", "timeout", timeout_ms)
        if self._fault("kb-fail", number):
            return Lookup("unreachable", "refused")
        return await self._knowledge.look_up(query, self.state.label)

    async def _tell(self, lookup: Lookup) -> None:
        if lookup.outcome == "grounded":
            await self._event("kb_query", top_ids=lookup.top_ids)
        else:
            await self._event("kb_query", none=True, reason=lookup.reason)

    async def _say(self, text: str) -> bool:
        """Speak until the caller does; return whether the caller interrupted."""
        self._barged_in.clear()
        self._speaking = True
        if self._waiting:  # the caller went on speaking while this was looked up
            self._barged_in.set()
        try:
            await self._event("transcript", role="assistant", text=text, final=True)
            pcm16 = await asyncio.to_thread(self._options.synthesize, text, AGENT_RATE)
            for frame in audio_frames(pcm16, rate=AGENT_RATE, chunk_ms=CHUNK_MS):
                if self._barged_in.is_set():
                    break
                await self._send(frame)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHUNK_MS / 1000 * self._options.pace):
                        await self._barged_in.wait()
        finally:
            self._speaking = False
        if not self._barged_in.is_set():
            return False
        await self._event("barge_in", call_id=self.state.call_id)
        await self._event("flush", reason="barge_in")
        await self._event("assistant_interrupted", reply=text)
        return True

    async def _strike(self, number: int) -> bool:
        if self._fault("drop", number):
            await self._line.drop()
            return True
        if self._fault("1011", number):
            message = "simulated engine failure"
            await self._event("error", code="engine_error", message=message)
            await self._line.close(1011, "engine error")
            return True
        return False

    def _fault(self, kind: FaultKind, number: int) -> bool:
        strikes = any(
            fault.kind == kind and fault.strikes(number) for fault in self._faults
        )
        if strikes:
            self._note(f"the fault {kind} strikes in turn {number}")
        return strikes

    async def _event(self, name: str, **fields: Any) -> None:
        await self._send(Event(name, fields))

    async def _send(self, frame: ServerFrame) -> None:
        await self._line.send(encode(frame))

    def _note(self, text: str) -> None:
        self._record("note", note=text)

    def _record(self, kind: str, **facts: Any) -> None:
        self._recorder.write(kind, self.state.call_id, **facts)
