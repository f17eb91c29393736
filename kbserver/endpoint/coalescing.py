"""Answers that leave in one piece: uvicorn writes head and body apart, which takes two system calls and two packets."""

from __future__ import annotations

import asyncio
from typing import Any


class OnePiece:
    """A transport that keeps the head of an answer until its body is written, or until the event loop's next round."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._head = b""

    def write(self, data: bytes) -> None:
        """Write what follows a head together with it."""
        if not self._head and data.startswith(b"HTTP/"):
            self._head = data
            self._loop.call_soon(
                self._flush
            )  # of an answer without a body, or that is not there yet
        else:
            head, self._head = self._head, b""
            self._transport.write(head + data)

    def close(self) -> None:
        """Close once all is sent."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        if self._head:
            self.write(b"")
