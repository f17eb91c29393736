"""The browser example in a real browser, with a real kbserver and the simulator."""

from __future__ import annotations

import asyncio
import shutil
import socket
import threading
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.tokens.keys import new_secret
from kbserver.omni.serving import serving
from kbserver.omni.simulator.faults import parse_fault
from kbserver.omni.simulator.speech import silence, tone
from kbserver.settings import read_settings
from tests.omni.chromium import CHROMIUM, PATIENCE_S, running, tab

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium on this machine; on Debian: apt install chromium",
    ),
]

PAGE = Path(__file__).parents[2] / "examples" / "browser"
SPOKEN_RATE = (
    48_000  # Hz of the recording that plays the microphone: not what the page sends
)
NOTED = """
    const played = [], stopped = [];
    const { start, stop } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (...at) {
        played.push({ rate: this.buffer.sampleRate, seconds: this.buffer.duration, at: at[0] });
        return start.apply(this, at);
    };
    AudioBufferSourceNode.prototype.stop = function (...at) {
        stopped.push(this);
        return stop.apply(this, at);
    };
    const sent = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (frame) {
        sent.push({ tag: frame[0], bytes: frame.byteLength, at: performance.now() / 1000 });
        return send.call(this, frame);
    };
"""  # notes what the page gives the loudspeaker and the engine, and lets it pass


@pytest.fixture(scope="module")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A browser whose microphone hears a second of speech, then silence."""
    folder = tmp_path_factory.mktemp("chromium")
    with wave.open(str(folder / "microphone.wav"), "wb") as audio:
        audio.setparams((1, 2, SPOKEN_RATE, 0, "NONE", ""))
        audio.writeframes(
            silence(2_000, SPOKEN_RATE) + tone("a question of one second", SPOKEN_RATE)
        )
        audio.writeframes(silence(4_000, SPOKEN_RATE))
    recording = f"--use-file-for-fake-audio-capture={folder / 'microphone.wav'}"
    with running(
        folder / "profile", "--use-fake-device-for-media-stream", recording
    ) as address:
        yield address


class Quiet(SimpleHTTPRequestHandler):
    """As `python -m http.server`, without its log."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def page_server(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def stage(simulate: Any, store: Path, tmp_path: Path) -> Any:
    """Page, kbserver and simulator, each on its own port; yields page URL and simulator."""

    @asynccontextmanager
    async def start(**options: Any) -> AsyncIterator[tuple[str, Any]]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        folder = shutil.copytree(PAGE, tmp_path / "page")
        html = (folder / "index.html").read_text()
        assert "http://127.0.0.1:8080/session" in html
        (folder / "index.html").write_text(html.replace("http://127.0.0.1:8080", url))
        with page_server(folder) as page:
            async with simulate(**options) as engine:
                settings = read_settings(
                    store=store,
                    deadline_ms=10_000,
                    signing_key=new_secret(),
                    PYAI_API_KEY="pyai_test_x",
                    session={
                        "allowed_origins": [page],
                        "kb_endpoint": f"{url}/kb",
                        "base": engine.http,
                        "configure": {"greeting": "Hello, what can I do for you?"},
                    },
                    routes=[{"label": "web-*", "corpora": ["support"]}],
                )
                port = urlsplit(url).port or 0
                async with (
                    serving(KBServer(settings), port=port, lifespan="on"),
                    httpx2.AsyncClient() as http,
                ):
                    while (await http.get(f"{url}/readyz")).status_code != 200:
                        await asyncio.sleep(0.05)
                    yield page, engine

    return start


async def test_a_visitor_without_a_microphone_types_and_reads_grounded_answers(
    stage: Any, devtools: str
) -> None:
    async with (
        stage() as (url, engine),
        tab(devtools, url, width=320, height=640) as page,
    ):
        assert await page.evaluate("document.getElementById('text').disabled")
        await page.evaluate("document.getElementById('toggle').click()")
        await page.until(
            "document.getElementById('status').textContent.includes('without a microphone')"
        )
        assert (
            await page.evaluate("document.activeElement.id") == "text"
        )  # the visitor can type at once
        await page.until(
            "document.querySelector('.agent p')?.textContent === 'Hello, what can I do for you?'"
        )

        await ask(page, "how do i uh reset the rooter")
        await page.until("document.querySelectorAll('.agent').length === 2")
        await ask(page, "got it thanks")
        await page.until("document.querySelectorAll('.agent').length === 3")
        caller, agent = await texts(page, ".caller p"), await texts(page, ".agent p")
        notes = await texts(page, ".caller .note")
        assert caller == ["how do i uh reset the rooter", "got it thanks"]
        assert "ten seconds" in agent[1] and "ten seconds" not in agent[2]
        assert notes[0].startswith("found: ") and notes[1].startswith("found nothing")

        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        assert await names(page) >= {
            ("heading", "Talk to us"), ("button", "Hang up"), ("button", "Send"),
            ("log", "Conversation"), ("textbox", "Type instead of speaking"),
        }  # fmt: skip

        await page.evaluate("document.getElementById('toggle').click()")
        await page.until(
            "document.getElementById('status').textContent === 'The call is over.'"
        )
        assert (
            await page.evaluate("document.getElementById('toggle').textContent")
            == "Start call"
        )
        assert page.complaints == []
        await until(lambda: engine.records("end"))
        session, *_ = engine.records("session")
        assert session["label"].startswith("web-") and session["rate"] == 16_000
        assert [turn["source"] for turn in engine.records("turn")] == ["input_text"] * 2


async def test_a_visitor_is_heard_through_the_microphone(
    stage: Any, devtools: str
) -> None:
    async with (
        stage(script=("how do i reset the router",)) as (url, engine),
        tab(devtools, url, microphone=True, before=NOTED) as page,
    ):
        await page.evaluate("document.getElementById('toggle').click()")
        await page.until(
            "document.getElementById('status').textContent === 'In a call: speak, or type.'"
        )
        await page.until("document.querySelectorAll('.agent').length === 2")
        assert await texts(page, ".caller p") == ["how do i reset the router"]
        assert "ten seconds" in (await texts(page, ".agent p"))[1]
        await page.until(
            "played.at(-1).at > 2"
        )  # more than two seconds of the agent, one piece after the other
        played = await page.evaluate("played")
        assert {chunk["rate"] for chunk in played} == {24_000}
        assert all(
            after["at"] >= chunk["at"] + chunk["seconds"] - 1e-6
            for chunk, after in pairwise(played)
        )
        sent = await page.evaluate("sent")
        audio = [frame for frame in sent if frame["tag"] == 1]
        samples = sum((frame["bytes"] - 1) // 2 for frame in audio)
        assert sent[0]["tag"] == 3 and len(audio) == len(sent) - 1
        assert samples / (audio[-1]["at"] - audio[0]["at"]) == pytest.approx(
            16_000, rel=0.2
        )
        await until(lambda: engine.records("turn"))
        assert [turn["source"] for turn in engine.records("turn")] == ["script"]
        assert page.complaints == []


async def test_the_agent_falls_silent_when_the_visitor_goes_on(
    stage: Any, devtools: str
) -> None:
    async with stage(pace=1.0) as (url, _), tab(devtools, url, before=NOTED) as page:
        await page.evaluate("document.getElementById('toggle').click()")
        await page.until("played.length > 2")
        await ask(page, "what do the lights mean")
        await page.until("document.querySelectorAll('.agent').length === 2")
        assert await page.evaluate("stopped.length") > 0
        assert await texts(page, ".agent:first-child .note") == ["interrupted"]


async def test_the_page_says_when_its_origin_is_not_allowed(
    stage: Any, devtools: str
) -> None:
    async with (
        stage() as (url, _),
        tab(devtools, url.replace("127.0.0.1", "localhost")) as page,
    ):
        await page.evaluate("document.getElementById('toggle').click()")
        await page.until("document.querySelector('#status.problem')")
        said = await page.evaluate("document.getElementById('status').textContent")
        assert f"does not allow {url.replace('127.0.0.1', 'localhost')}" in said
        assert (
            await page.evaluate("document.getElementById('toggle').textContent")
            == "Start call"
        )


async def test_the_page_says_when_the_engine_is_busy(stage: Any, devtools: str) -> None:
    async with (
        stage(faults=(parse_fault("4429"),)) as (url, _),
        tab(devtools, url) as page,
    ):
        await page.evaluate("document.getElementById('toggle').click()")
        await page.until(
            "document.getElementById('status').textContent.startsWith('All lines are busy')"
        )


async def ask(page: Any, text: str) -> None:
    await page.until("!document.getElementById('text').disabled")
    await page.evaluate(f"document.getElementById('text').value = {text!r}")
    await page.evaluate("document.getElementById('typed').requestSubmit()")


async def until(happened: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():
            await asyncio.sleep(0.02)


async def texts(page: Any, selector: str) -> list[str]:
    found = await page.evaluate(
        f"[...document.querySelectorAll({selector!r})].map((element) => element.textContent)"
    )
    return list(found)


async def names(page: Any) -> set[tuple[str, str]]:
    """What a screen reader finds: (role, name)."""
    tree = await page.send("Accessibility.getFullAXTree")
    return {
        (node["role"]["value"], node["name"]["value"])
        for node in tree["nodes"]
        if "name" in node
    }
