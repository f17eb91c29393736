"""A story: a day of calls, a gap found, written, ingested behind the gate, and closed; a wrong
passage judged, the threshold moved, a release rolled back; each seen served.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from kbserver import cli
from kbserver.console.access import Doors
from kbserver.console.app import Console
from kbserver.console.source import Source
from kbserver.endpoint.app import KBServer
from kbserver.record.database import open_for_reading
from kbserver.record.judgements import judgements
from kbserver.record.keeper import recording
from kbserver.settings import read_settings
from tests.conftest import DOCUMENTS, write_documents
from tests.endpoint.conftest import PATIENT_MS, serving
from tests.omni.chromium import CHROMIUM, Tab, running, tab
from tests.omni.conftest import simulate
from tests.omni.simulator.test_session import ask, dial, start

from .conftest import GRANTS
from .test_browser import served, sign_in, visit

__all__ = ["simulate"]  # the fixture

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium on this machine; on Debian: apt install chromium",
    ),
]

RESET = "how do i reset the router"
GAP = "how do i bake a sourdough bread"
CALLS = {
    "call-1": [RESET, GAP],
    "call-2": ["how is sourdough bread baked"],
    "call-3": [GAP],
}
LIMIT_S = 60.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def command(*arguments: object) -> str:
    """Run a command in a thread: it has an event loop of its own."""
    root = logging.getLogger()
    before = root.handlers[:]
    runner = CliRunner()
    result = await asyncio.to_thread(runner.invoke, cli.app, list(map(str, arguments)))
    root.handlers[:] = before  # the command's own writes to a stream that is closed now
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.output


async def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds; returns what it gave."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            held = holds()
            if held:
                return held
            await asyncio.sleep(0.02)


async def press(page: Tab, text: str, within: str = "main") -> None:
    """Press the first button of this text, and wait until the page says that it was done."""
    await page.evaluate(
        f"[...document.querySelectorAll('{within} button')]"
        f".find(b => b.textContent.trim() === {text!r}).click(); window.left = true"
    )
    await page.until("!window.left && document.querySelector('.done')")


async def set_threshold(page: Tab, least: float) -> None:
    await visit(page, f"/try?question=x&corpus=support&min_score={least}")
    await page.evaluate(
        "const form = document.querySelector('form[action$=\"/threshold\"]');"
        f"form.querySelector('[name=min_score]').value = '{least}';"
        "form.requestSubmit(); window.left = true"
    )
    await page.until("!window.left && document.querySelector('.done')")


async def test_a_day_with_the_console(
    store: Path, tmp_path: Path, simulate: Any
) -> None:
    own = tmp_path / "store"
    own.mkdir()
    (own / ".models").symlink_to(store / ".models")
    docs = write_documents(tmp_path / "support", DOCUMENTS["support"])
    ingest = ("ingest", docs, "--store", own)
    await command(*ingest)
    settings = read_settings(
        store=own, open=True, deadline_ms=PATIENT_MS, record={"mode": "words"}
    )
    source = Source(settings)
    with (
        recording(settings) as recorder,
        serving(KBServer(settings, listener=recorder)) as url,
        served(Console(source, Doors(GRANTS))) as console,
        running(tmp_path / "profile") as devtools,
    ):

        def said(query: str) -> str:
            body = {"query": query, "session_label": "a-tool"}
            probe = {"x-kbserver-probe": "console"}
            answer = httpx2.post(f"{url}/kb", json=body, headers=probe)
            return str(answer.json()["context"])

        async with simulate() as stage:
            for label, queries in CALLS.items():
                async with dial(stage, label) as ws:
                    await start(ws, kb_endpoint=f"{url}/kb", kb_token="t")
                    for query in queries:
                        await ask(ws, query)
        turns = await until(lambda: recorded(settings.record_folder, 4))
        first = source.store.live("support")

        async with tab(devtools, console) as page:
            await sign_in(page)
            page.complaints.clear()  # of the page that asks for a token: it is a 401
            await visit(page, "/gaps")
            gaps = "document.querySelectorAll('main li.card')"
            assert await page.evaluate(f"{gaps}.length") == 1
            assert "3 turns of 3 calls" in await page.evaluate(f"{gaps}[0].innerText")
            href = await page.evaluate(f"{gaps}[0].querySelector('a').pathname")
            await visit(page, href)
            stub = await page.evaluate("document.getElementById('stub').value")
            assert f'"{GAP}"' in stub
            await press(page, "It is being written")

            answer = "Sourdough bread is baked at 230 degrees for 45 minutes."
            (docs / "sourdough.md").write_text(f"{stub}\n{answer}\n")
            gate = ("--replay", "7d", "--require", "gone<=0", "silent<=0")
            await command(*ingest, *gate)
            second = source.store.live("support")
            assert second != first
            await until(lambda: "baked at" in said(GAP))

            await visit(page, "/gaps")
            await press(page, "Ask open gaps again")
            assert f"closed by {second}" in await page.evaluate(f"{gaps}[0].innerText")

            await visit(page, f"/turns/{turns[0]}")
            await press(page, "Wrong")
            with source.record() as record:
                (judged,) = judgements(record)
            assert (judged.question, judged.verdict) == (RESET, "wrong")
            assert judged.document == "router/reset.md"

            assert said(RESET)
            await set_threshold(page, 1.0)
            await until(lambda: not said(RESET))
            await set_threshold(page, 0.15)
            await until(lambda: said(RESET))

            await visit(page, "/releases")
            text = await page.evaluate("document.querySelector('main').innerText")
            assert "holds" in text and second in text
            await press(page, "Serve it")
            await until(lambda: not said(GAP))
            assert source.store.live("support") == first
            assert page.complaints == []


def recorded(folder: Path, count: int) -> list[str]:
    """Return the ids of the turns of callers, oldest first; [] until there are as many."""
    try:
        connection = open_for_reading(folder)
    except Exception:  # not made yet
        return []
    rows = connection.execute("SELECT id FROM turns ORDER BY id").fetchall()
    connection.close()
    return [row["id"] for row in rows if len(rows) >= count]
