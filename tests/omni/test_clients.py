"""Clients not written for the simulator, unchanged but for the base URL, in grounded calls.

The knowledge endpoint is a real kbserver over a real store.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pyai import OMNI_EVENTS, PyAI
from websockets.asyncio.client import connect

from kbserver import KBServer, read_settings
from kbserver.omni.serving import base_url, serving
from kbserver.omni.simulator.speech import silence, tone

pytestmark = pytest.mark.anyio

TOKEN = "a-token-for-tests-only-0123456789abcdef"
TURNS = {
    "how do i reset my router": "hold the button",
    "what does a red light mean": "no connection",
    "how many days of notice to cancel": "30 days",
}
SCRIPT = tuple(TURNS)


@pytest.fixture
async def kbserver(store: Path) -> AsyncIterator[str]:
    """The URL of a kbserver over the shared store, with time to spare."""
    settings = read_settings(
        store=store, deadline_ms=10_000, tokens=[{"value": TOKEN}], speakable=False
    )
    async with serving(KBServer(settings), lifespan="on") as server:
        yield base_url(server) + "/kb"


@pytest.mark.parametrize("offer", ["realtime_subprotocol", "realtime_subprotocols"])
async def test_the_sdk_with_websockets_completes_three_grounded_turns(
    simulate, kbserver, offer
) -> None:  # type: ignore[no-untyped-def]
    async with simulate(script=SCRIPT) as stage:
        pyai = PyAI(api_key="pyai_test_anything", base_url=stage.http)
        url = pyai.realtime_url(session_label="support", query={"rate": "16000"})
        offered = getattr(pyai, offer)()
        offered = [offered] if isinstance(offered, str) else offered
        caller, replies, seen, audio = [], [], [], 0
        async with (
            asyncio.timeout(60),
            connect(url, subprotocols=offered, proxy=None, max_queue=None) as ws,
        ):
            frame = pyai.omni_configure_frame(
                voice_id="stock_emma_en_gb",
                persona="Support.",
                kb_endpoint=kbserver,
                kb_token=TOKEN,
                greeting="",
            )
            await ws.send(b"\x03" + json.dumps(frame).encode())
            await say_something(ws, pyai)
            async for message in ws:
                assert isinstance(message, bytes), "Omni server frames must be binary"
                tag, body = message[0], message[1:]
                if tag == 0x01:
                    audio += len(body)
                    if len(replies) == len(TURNS):
                        break
                elif tag == 0x02:
                    transcript = pyai.omni_transcript_body(body)
                    assert transcript is not None
                    caller.append(transcript["text"])
                elif tag == 0x03:
                    event = json.loads(body)
                    seen.append(event["event"])
                    if event["event"] == "transcript":
                        replies.append(event["text"])
                        if len(replies) < len(TURNS):
                            await say_something(ws, pyai)
        pyai.close()
    assert "".join(caller) == "".join(SCRIPT)
    for reply, expected in zip(replies, TURNS.values(), strict=True):
        assert expected in reply.lower()
    assert seen[:3] == ["hello", "session_started", "configured"]
    assert seen.count("kb_query") == seen.count("turn_begin") == 3
    assert {"hello", "session_started", "configured", "transcript"} <= set(OMNI_EVENTS)
    assert audio > 0
    assert [turn["lookup"]["outcome"] for turn in stage.records("turn")] == [
        "grounded"
    ] * 3


async def say_something(ws: Any, pyai: PyAI) -> None:
    speech = tone("as long as a question takes", 16_000) + silence(900, 16_000)
    for at in range(0, len(speech), 640):
        await ws.send(pyai.omni_audio_frame(speech[at : at + 640]))


async def test_a_client_with_the_key_in_the_url_and_an_event_keyed_frame_completes_the_call(
    simulate, kbserver
) -> None:  # type: ignore[no-untyped-def]
    """As clients were written before the SDK: no subprotocol, `event` in the client's frames."""
    configure = {
        "event": "configure",
        "greeting": "",
        "kb_endpoint": kbserver,
        "kb_token": TOKEN,
    }
    replies = []
    async with simulate() as stage:
        url = f"{stage.ws}/v1/omni?api_key=pyai_test_x&agent_id=support&format=pcm16&rate=24000"
        async with asyncio.timeout(60), connect(url, proxy=None, max_queue=None) as ws:
            await ws.send(b"\x03" + json.dumps(configure).encode())
            for question in SCRIPT:
                await ws.send(
                    b"\x03"
                    + json.dumps({"event": "input_text", "text": question}).encode()
                )
                while len(replies) < SCRIPT.index(question) + 1:
                    message = await ws.recv()
                    event = json.loads(message[1:]) if message[0] == 0x03 else {}
                    if event.get("event") == "transcript":
                        replies.append(event["text"])
    for reply, expected in zip(replies, TURNS.values(), strict=True):
        assert expected in reply.lower()


NODE_CLIENT = textwrap.dedent(
    """
    import { createRequire } from "node:module";
    const WebSocket = createRequire(process.argv[2] + "/")("ws");
    const [url, endpoint, token] = process.argv.slice(3);
    const questions = JSON.parse(process.argv[6]);
    const ws = new WebSocket(url, ["pyai-key.pyai_test_node"]);
    const tag = Buffer.from([3]);
    const control = (fields) =>
      ws.send(Buffer.concat([tag, Buffer.from(JSON.stringify(fields))]));
    const ask = () => control({ type: "input_text", text: questions.shift() });
    const replies = [];
    const knowledge = { kb_endpoint: endpoint, kb_token: token };
    ws.on("open", () => control({ type: "configure", greeting: "", ...knowledge }));
    ws.on("message", (data, isBinary) => {
      if (!isBinary) throw new Error("a text frame");
      if (data[0] !== 3) return;
      const event = JSON.parse(data.subarray(1).toString());
      if (event.event === "configured") ask();
      if (event.event !== "transcript") return;
      replies.push(event.text);
      if (questions.length) return ask();
      console.log(JSON.stringify({ protocol: ws.protocol, replies }));
      ws.close();
    });
    ws.on("error", (error) => { console.error(String(error)); process.exit(1); });
    setTimeout(() => { console.error("no end in 40 s"); process.exit(2); }, 40000).unref();
    """
)


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm package `ws`, if Node and the npm registry are there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true}')
    done = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", "ws@8"],
        cwd=folder,
        capture_output=True,
        timeout=60,
    )
    if done.returncode:
        pytest.skip("npm cannot install the package ws here")
    return folder


async def test_a_node_client_with_ws_that_offers_only_its_key_completes_the_call(
    simulate, kbserver, node_modules, tmp_path
) -> None:  # type: ignore[no-untyped-def]
    client = tmp_path / "client.mjs"
    client.write_text(NODE_CLIENT)
    async with simulate() as stage:
        url = f"{stage.ws}/v1/omni?format=pcm16&rate=24000&session_label=support"
        process = await asyncio.create_subprocess_exec(
            "node", str(client), str(node_modules), url, kbserver, TOKEN, json.dumps(SCRIPT),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    answer = json.loads(out)
    assert answer["protocol"] == "pyai-key.pyai_test_node"
    for reply, expected in zip(answer["replies"], TURNS.values(), strict=True):
        assert expected in reply.lower()
