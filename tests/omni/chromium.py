"""A headless Chromium, driven over its own DevTools protocol: no driver, no download."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

CHROMIUM = (
    shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
PATIENCE_S = 60  # two cores that others use too


@contextmanager
def running(folder: Path, *flags: str) -> Iterator[str]:
    """Start a browser with a profile of its own; gives the URL of its DevTools."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, *flags, f"--user-data-dir={folder}", "about:blank"]
    # It leaves folders behind; and a socket, whose path may have 107 bytes at most.
    scratch = tempfile.TemporaryDirectory(prefix="c", ignore_cleanup_errors=True)
    environment = os.environ | {"TMPDIR": scratch.name}
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + PATIENCE_S
        address = folder / "DevToolsActivePort"
        while not (address.exists() and len(address.read_text().splitlines()) == 2):
            assert process.poll() is None and time.monotonic() < until, (
                "the browser did not start"
            )
            time.sleep(0.05)
        port, path = address.read_text().splitlines()
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)
        scratch.cleanup()


class PageLeft(Exception):
    """The page that was asked is no longer shown."""


class Tab:
    """One page in a browser context of its own: no cookies, permissions or cache of other tests."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session: str | None = None
        self._context = ""
        self.complaints: list[str] = []
        """Uncaught exceptions and console errors."""

    async def open(
        self, url: str, *, microphone: bool, width: int, height: int, before: str = ""
    ) -> None:
        """Load a page of this origin after `before` ran in it, with or without the microphone."""
        self._context = (await self.send("Target.createBrowserContext"))[
            "browserContextId"
        ]
        setting = "granted" if microphone else "denied"
        await self.send(
            "Browser.setPermission",
            permission={"name": "microphone"}, setting=setting, browserContextId=self._context,
        )  # fmt: skip
        target = await self.send(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )
        attached = await self.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        await self.resize(width, height)
        if before:
            await self.send("Page.addScriptToEvaluateOnNewDocument", source=before)
        await self.send("Page.navigate", url=url)
        await self.until(
            "document.readyState === 'complete' && location.protocol === 'http:'"
        )

    async def resize(self, width: int, height: int, scale: float = 1) -> None:
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 500,
        )

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, run as the visitor's own doing."""
        answer = await self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait for a JavaScript expression to be true."""
        end = time.monotonic() + PATIENCE_S
        shown = ""
        while time.monotonic() < end:
            try:
                if await self.evaluate(f"Boolean({expression})"):
                    return
                shown = await self.evaluate("document.body?.innerText")
            except PageLeft:
                pass  # the next page is asked
            await asyncio.sleep(0.05)
        raise AssertionError(f"never true: {expression}\n{shown}\n{self.complaints}")

    async def screenshot(self, path: Path) -> None:
        picture = await self.send("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(picture["data"]))

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        waiting = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps(message))
        answer = await asyncio.wait_for(waiting, PATIENCE_S)
        if "navigated or closed" in answer.get("error", {}).get("message", ""):
            raise PageLeft(method)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    async def listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._answers.pop(message["id"]).set_result(message)
            elif message["method"] == "Runtime.exceptionThrown":
                details = message["params"]["exceptionDetails"]
                self.complaints.append(
                    details.get("exception", {}).get("description") or details["text"]
                )
            elif (
                message["method"] == "Log.entryAdded"
                and message["params"]["entry"]["level"] == "error"
            ):
                self.complaints.append(message["params"]["entry"]["text"])

    async def close(self) -> None:
        self._session = None
        await self.send("Target.disposeBrowserContext", browserContextId=self._context)


@asynccontextmanager
async def tab(
    devtools: str,
    url: str,
    *,
    microphone: bool = False,
    width: int = 1000,
    height: int = 720,
    before: str = "",
) -> AsyncIterator[Tab]:
    async with connect(devtools, max_size=None) as socket:
        page = Tab(socket)
        listening = asyncio.create_task(page.listen())
        try:
            await page.open(
                url, microphone=microphone, width=width, height=height, before=before
            )
            yield page
            await page.close()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
