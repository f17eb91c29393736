"""Reads the bodies of requests: small ones, soon, and not too many at once."""

from __future__ import annotations

import asyncio
from codecs import BOM_UTF8

from starlette.requests import ClientDisconnect, Request

from kbserver.errors import BodyEncoded, BodyTooLarge, InvalidRequest

FIRST_S = 2.0
"""For the few hundred bytes of a turn: a caller that needs longer waits for no answer."""

BYTES_A_SECOND = 32 * 1024
"""So many bytes that have come give a body one second more: one that stops is given up soon."""

AT_ONCE = 1024
"""Bodies being waited for: at 64 KB each at most 64 MB."""


class Bodies:
    """Reads the bodies of one server's requests. For the event loop's thread.

    Slow senders hold no turn's place, and none of these for long: where there are too many, the one
    that is nearest to its end is given up, never the newest.
    """

    def __init__(
        self,
        limit_bytes: int,
        *,
        first_s: float = FIRST_S,
        bytes_a_second: float = BYTES_A_SECOND,
        at_once: int = AT_ONCE,
    ) -> None:
        """Start with none being read.

        Args:
            limit_bytes: of each body.
            first_s: seconds until one must be whole, before any of it counts.
            bytes_a_second: of a body that has come, for one second more.
            at_once: bodies being waited for; a further one takes the place of the slowest.
        """
        self._limit_bytes = limit_bytes
        self._first_s = first_s
        self._bytes_a_second = bytes_a_second
        self._at_once = at_once
        self._waiting: set[asyncio.Timeout] = set()

    async def read(self, request: Request) -> bytes:
        """Return the body of a request, without a byte order mark in front.

        Raises:
            BodyEncoded: it is compressed.
            BodyTooLarge: it is over the limit; raised before it is read if its length is announced.
            InvalidRequest: it came too slowly, or not at all.
        """
        encoding = request.headers.get("content-encoding", "identity")
        if encoding.strip().lower() not in ("", "identity"):
            raise BodyEncoded(
                "the body has a Content-Encoding; send plain JSON, a turn needs little",
                code="unsupported_encoding",
            )
        announced = request.headers.get("content-length", "")
        if _is_over(announced, self._limit_bytes):
            raise self._too_large()
        if len(self._waiting) >= self._at_once:
            self._give_up_the_slowest()
        began = asyncio.get_running_loop().time()
        end = asyncio.timeout_at(began + self._first_s)
        try:
            async with end:
                self._waiting.add(end)
                body = await self._read(request, began, end)
                return body.removeprefix(BOM_UTF8)
        except TimeoutError:
            message = "the body came too slowly; send it at once, right behind the head"
            raise InvalidRequest(message, code="body_timeout") from None
        except ClientDisconnect:
            message = "the client left before its body arrived"
            raise InvalidRequest(message, code="client_left") from None
        finally:
            self._waiting.discard(end)

    async def _read(
        self, request: Request, began: float, end: asyncio.Timeout
    ) -> bytes:
        body = bytearray()
        while True:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            if len(body) > self._limit_bytes:
                raise self._too_large()
            if not message.get("more_body", False):
                return bytes(body)
            if end in self._waiting:  # else it is given up already
                more_s = len(body) / self._bytes_a_second
                end.reschedule(began + self._first_s + more_s)

    def _give_up_the_slowest(self) -> None:
        """End the wait that would end first: the longest, for what has come of its body."""
        slowest = min(self._waiting, key=lambda end: end.when() or 0.0)
        self._waiting.remove(slowest)
        if not slowest.expired():
            slowest.reschedule(asyncio.get_running_loop().time())

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body is over {self._limit_bytes} bytes; a turn needs a few hundred",
            code="body_too_large",
        )


def _is_over(announced: str, limit_bytes: int) -> bool:
    """Whether a Content-Length announces more than the limit; False for what is no number."""
    if not announced.isascii() or not announced.isdigit():
        return False
    if len(announced) > _MOST_DIGITS:
        return True
    return int(announced) > limit_bytes


_MOST_DIGITS = (
    18  # of a length that is worth reading; Python refuses to read thousands of them
)
