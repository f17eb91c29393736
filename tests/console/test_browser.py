"""The console in a real browser: every page at three widths, in the dark, by keyboard, with axe.

`CONSOLE_PICTURES=docs/pictures` has it write the pictures of docs/console.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from kbserver.console.access import Doors
from kbserver.console.app import Console
from kbserver.console.pages import PAGES
from kbserver.console.reading.gaps import gaps
from kbserver.console.resources import Asked
from kbserver.endpoint.serve import listen
from kbserver.notes import EventNote, SearchNote, new_id
from kbserver.record.judgements import judgements
from tests.omni.chromium import CHROMIUM, Tab, running, tab
from tests.record.conftest import candidate

from .conftest import EVERYTHING, GRANTS, NOW, TOKEN, turn

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no Chromium on this machine; on Debian: apt install chromium",
    ),
]

AXE = Path(__file__).parent / "axe.min.js"
AXE_SHA256 = "880970c081707360e64f34cea25ff91892f5bc95675b0776925b9709dd8a68bb"
WIDTHS = (320, 900, 1440)
HOSTILE = "<script>document.title='taken'</script> javascript:alert(1) \u202egpj.exe"
QUESTIONS = (
    "how do i reset the router",
    "what does the red light mean",
    "when is my bill made",
    "can i cancel and what does it cost",
    "do you sell used routers",
)
FOUND = (
    "router/reset.md",
    "router/lights.md",
    "billing/dates.md",
    "billing/cancel.txt",
)
REPORTED = """
    window.reported = [];
    addEventListener("securitypolicyviolation", e => reported.push(e.violatedDirective));
"""
PICTURES = os.environ.get("CONSOLE_PICTURES")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@contextmanager
def served(console: Console) -> Iterator[str]:
    """Run a console on a free port in a thread; yields its URL."""
    listener = listen("127.0.0.1", 0)
    config = uvicorn.Config(console, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


def a_day_of_calls() -> list[Any]:
    """Some calls, of which those after an event find less."""
    notes = []
    for number in range(240):
        at = NOW - 80_000 + 330 * number
        place = number % len(QUESTIONS)
        is_silent = number > 190 or place == 4
        score = 0.31 if number > 190 else 0.2 + 0.12 * place
        if is_silent:
            score = min(score, 0.14 if number <= 190 else 0.44)
        least = 0.47 if number > 190 else 0.15
        hits = (
            candidate(
                f"p{place}",
                answered=not is_silent,
                score=score,
                document=FOUND[place % 4],
            ),
            candidate("p9", answered=False, score=0.09, document=FOUND[0]),
        )
        outcome = {"outcome": "full", "reason": None}
        if is_silent:
            outcome = {"outcome": "empty", "reason": "below_min_score"}
        query = QUESTIONS[place]
        if number == 239:
            query = HOSTILE
        note = turn(
            number,
            at=at,
            label=f"call-{number // 4}",
            query=query,
            embedding=bytes(127 * (axis == place) for axis in range(8)),
            candidates=hits,
            searches=(SearchNote("support", "000001-a", least, "calibrated"),),
            stages_ms={"embed": 5.2, "lexical": 2.1, "dense": 0.4, "fuse": 0.6},
            total_ms=8.4,
            **outcome,
        )
        notes.append(note._replace(id=new_id(at)))
    return notes


async def sign_in(page: Tab) -> None:
    await page.evaluate(
        f"document.querySelector('[type=password]').value = {TOKEN!r};"
        "document.querySelector('main form').requestSubmit()"
    )
    await page.until("document.querySelector('nav')")


async def visit(page: Tab, path: str) -> None:
    await page.evaluate(f"window.left = true; location.href = {path!r}")
    await page.until("!window.left && document.readyState === 'complete'")


async def look_at(page: Tab, path: str, wanted: int = 200) -> list[str]:
    """Return what is wrong with a page: status, each width, axe, policy and console."""
    page.complaints.clear()
    await visit(page, path)
    wrong = [
        f"{path}: {one}" for one in page.complaints if f"status of {wanted} " not in one
    ]
    status = await page.evaluate(
        "performance.getEntriesByType('navigation')[0].responseStatus"
    )
    if status != wanted:
        wrong.append(f"{path}: answered with {status}")
    for width in WIDTHS:
        await page.resize(width, 900)
        over = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            wrong.append(f"{path}: {over} px too wide at {width} px")
    found = await page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then(r => JSON.stringify(r.violations"
        ".filter(v => ['serious', 'critical'].includes(v.impact))"
        ".map(v => [v.id, v.nodes[0].html, v.nodes[0].failureSummary])))"
    )
    wrong += [f"{path}: {one}" for one in json.loads(found)]
    reported = await page.evaluate("JSON.stringify(reported)")
    wrong += [f"{path}: policy {one}" for one in json.loads(reported)]
    taken = await page.evaluate("document.title.includes('taken')")
    return wrong + [f"{path}: a script of a caller ran"] * taken


async def picture(page: Tab, path: str, name: str, *, dark: bool = False) -> None:
    if PICTURES is None:
        return
    await in_the_dark(page, dark=dark)
    await visit(page, path)
    await page.resize(1100, 760)
    await page.screenshot(Path(PICTURES) / f"{name}.png")


async def in_the_dark(page: Tab, *, dark: bool = True) -> None:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    await page.send("Emulation.setEmulatedMedia", features=[scheme])


async def test_every_page_can_be_read_and_used_by_anyone(
    source: Any, library: Path, fill: Any, tmp_path: Path
) -> None:
    notes = a_day_of_calls()
    moved = EventNote(
        notes[191].at - 5, "calibration", "support", "min_score 0.150 → 0.470", {}
    )
    started = EventNote(notes[0].at, "start", "", "serving * → support", {})
    fill(*notes, events=[started, moved])
    console = Console(source, Doors(GRANTS))
    call = console_call(source)
    answered = notes[0].id
    paths = [one.path for one in PAGES if "{" not in one.path] + [
        f"/calls/{call}",
        f"/turns/{answered}",
        "/documents/support/router/reset.md",
        "/documents?corpus=support",
        "/try?question=how+do+i+reset+the+router&corpus=support",
        f"/gaps/{gap_id(source)}",
    ]
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == AXE_SHA256
    axe = AXE.read_text(encoding="utf-8")
    with (
        running(tmp_path / "profile") as devtools,
        served(console) as url,
    ):
        async with tab(devtools, url, before=REPORTED + axe) as page:
            wrong = await look_at(page, "/", 401)
            await sign_in(page)
            for path in paths:
                wrong += await look_at(page, path)
            wrong += await look_at(page, "/nowhere", 404)
            await in_the_dark(page)
            for path in ("/", f"/turns/{answered}", "/documents?corpus=support"):
                wrong += await look_at(page, path)
            assert wrong == []
            await keyboard_alone(page, answered)
            await live(page, fill)
            for path, name in (
                ("/", "today"),
                (f"/calls/{call}", "call"),
                ("/try?question=how+do+i+reset+the+router&corpus=support", "try"),
                ("/documents?corpus=support", "documents"),
                ("/suspects", "suspects"),
            ):
                await picture(page, path, name)
            await picture(page, "/calls", "calls-dark", dark=True)
    with source.record() as record:
        (judged,) = judgements(record, turn=answered)
    assert (judged.verdict, judged.document) == ("wrong", "router/reset.md")


def console_call(source: Any) -> str:
    with source.record() as record:
        (call,) = record.execute(
            "SELECT call FROM turns ORDER BY at DESC LIMIT 1"
        ).fetchone()
    return str(call)


def gap_id(source: Any) -> str:
    return str(gaps(Asked(source, EVERYTHING))["gaps"][0]["id"])


async def keyboard_alone(page: Tab, id: str) -> None:
    """Judge a turn with Tab and Enter; what has the focus shows it."""
    await visit(page, f"/turns/{id}")
    for _ in range(60):
        await press(page, "Tab", 9)
        held = await page.evaluate("document.activeElement.textContent.trim()")
        width = await page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle"
        )
        assert width != "none", held
        if held == "Wrong":
            break
    assert held == "Wrong"
    await press(page, "Enter", 13)
    await page.until("document.querySelector('.done')")
    assert "Judged" in await page.evaluate(
        "document.querySelector('.done').textContent"
    )


async def press(page: Tab, key: str, code: int) -> None:
    text = {"text": "\r"} if key == "Enter" else {}
    for kind in ("keyDown", "keyUp"):
        await page.send(
            "Input.dispatchKeyEvent",
            type=kind,
            key=key,
            code=key,
            windowsVirtualKeyCode=code,
            **(text if kind == "keyDown" else {}),
        )


async def live(page: Tab, fill: Any) -> None:
    """A turn that comes shows by itself, and waits while the page is paused."""
    await visit(page, "/live")
    await page.until("document.getElementById('state').textContent.includes('come')")
    shown = "[...document.querySelectorAll('#turns .words')].map(e => e.innerText)"
    fill(turn(9001, at=NOW - 5, query="where is my engineer"))
    await page.until(f"{shown}[0] === 'where is my engineer'")
    await page.evaluate("document.getElementById('pause').click()")
    fill(turn(9002, at=NOW - 4, query="and when"))
    await page.until("waiting.includes('and when')")
    assert await page.evaluate(f"{shown}[0]") == "where is my engineer"
    await page.evaluate("document.getElementById('pause').click()")
    await page.until(f"{shown}[0] === 'and when'")
