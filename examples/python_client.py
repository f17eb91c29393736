"""An Omni client in one file: pyai-sdk for the frames, websockets for the connection.

Recordings (WAV, 16 kHz, mono, 16 bit), or a tone for each turn of `kbserver simulate --script`:

    python examples/python_client.py question1.wav question2.wav
    python examples/python_client.py --turns 3

Reads PYAI_API_KEY, KB_ENDPOINT and KB_TOKEN, and PYAI_BASE_URL for the simulator
(http://127.0.0.1:8787).
"""

import argparse
import asyncio
import json
import math
import os
import struct
import time
import wave
from typing import Any

from pyai import PyAI
from websockets.asyncio.client import ClientConnection, connect

from kbserver import new_session_label

RATE = 16_000  # Hz of what we send
FRAME_BYTES = RATE // 50 * 2  # 20 ms of PCM16
SILENCE = bytes(FRAME_BYTES)
AGENT_RATE = 24_000  # Hz of what comes back
QUIET_S = 0.5  # after the agent's last sound, before the caller speaks again
FIRST_SOUND_S = 5.0  # an answer without any sound by then has none


def tone(seconds: float) -> bytes:
    """A hum as long as a question, where there is no recording."""
    samples = (
        int(8_000 * math.sin(2 * math.pi * 200 * n / RATE))
        for n in range(int(RATE * seconds))
    )
    return b"".join(struct.pack("<h", sample) for sample in samples)


def recording(path: str) -> bytes:
    """Return the samples of a WAV file."""
    with wave.open(path) as audio:
        found = (audio.getframerate(), audio.getnchannels(), audio.getsampwidth())
        if found != (RATE, 1, 2):
            raise SystemExit(f"{path}: give a WAV file with {RATE} Hz, mono, 16 bit")
        return audio.readframes(audio.getnframes())


class Call:
    """One conversation: `speak` sends, `listen` receives, side by side."""

    def __init__(self, ws: ClientConnection) -> None:
        self.ws = ws
        self.answers = 0
        self.heard_s = 0.0
        self.playing_until = 0.0  # monotonic seconds
        self.quiet_at = 0.0  # when the answer under way is over, as far as is known

    async def speak(self, utterances: list[bytes]) -> None:
        """Send each utterance in real time, and silence while the agent answers."""
        for turn, utterance in enumerate(utterances):
            for at in range(0, len(utterance), FRAME_BYTES):
                await self.send_audio(utterance[at : at + FRAME_BYTES])
            while self.answers <= turn or time.monotonic() < self.quiet_at:
                await self.send_audio(SILENCE)
        await self.ws.close()

    async def send_audio(self, pcm16: bytes) -> None:
        """Send 20 ms of samples, and take as long."""
        await self.ws.send(PyAI.omni_audio_frame(pcm16))
        await asyncio.sleep(0.02)

    async def listen(self) -> None:
        """Print what is said on both sides, and what was looked up."""
        async for message in self.ws:
            if isinstance(message, str):
                continue  # the engine's frames are binary
            tag, body = message[0], message[1:]
            if tag == 0x01:
                self.play(body)
            elif tag == 0x02:
                heard = PyAI.omni_transcript_body(body) or {}
                print("caller:", heard.get("text"))
            elif tag == 0x03:
                self.react(json.loads(body))

    def play(self, pcm16: bytes) -> None:
        """Play a piece of the agent's voice; it comes faster than it is said, or as it is said."""
        seconds = len(pcm16) / 2 / AGENT_RATE
        self.heard_s += seconds
        self.playing_until = max(self.playing_until, time.monotonic()) + seconds
        self.quiet_at = self.playing_until + QUIET_S

    def react(self, event: dict[str, Any]) -> None:
        """Server events are keyed on `event`, our own frames on `type`."""
        match event.get("event"):
            case "configured" if not event["kb"]:
                raise SystemExit(
                    "the engine did not accept KB_ENDPOINT; try: kbserver doctor"
                )
            case "kb_query":
                print("lookup:", event.get("top_ids") or event.get("reason"))
            case "transcript" if event["role"] == "assistant":
                print("agent: ", event["text"])
                self.answers += 1
                # The words come before the voice.
                self.quiet_at = time.monotonic() + FIRST_SOUND_S


async def main(utterances: list[bytes]) -> None:
    """Hold one conversation."""
    pyai = PyAI(
        os.environ["PYAI_API_KEY"],
        os.environ.get("PYAI_BASE_URL", "https://api.pyai.com"),
    )
    # A label of its own for every call: route it with label = "support-*".
    label = new_session_label("support")
    url = pyai.realtime_url(session_label=label, query={"rate": str(RATE)})
    configure = pyai.omni_configure_frame(
        persona="You answer callers of our support line in one or two sentences.",
        greeting="",
        kb_endpoint=os.environ["KB_ENDPOINT"],
        kb_token=os.environ["KB_TOKEN"],
    )
    async with connect(url, subprotocols=pyai.realtime_subprotocols()) as ws:
        call = Call(ws)
        await ws.send(b"\x03" + json.dumps(configure).encode())
        await asyncio.gather(call.speak(utterances), call.listen())
    print(f"{call.heard_s * 1000:.0f} ms of agent audio")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recordings", nargs="*", help="one WAV file a turn")
    parser.add_argument(
        "--turns", type=int, default=1, help="without recordings: how many turns to hum"
    )
    options = parser.parse_args()
    asyncio.run(
        main(
            [recording(path) for path in options.recordings]
            or [tone(1.0)] * options.turns
        )
    )
