"""Reads the bodies of requests: small ones, soon, and not too many at once."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from kbserver.errors import BodyTooLarge, InvalidRequest, Overloaded

READ_S = 5.0
"""For the few hundred bytes of a request: a caller that needs longer waits for no answer."""

AT_ONCE = 1024
"""Bodies being read: slow senders hold no turn's place, and at 64 KB each at most 64 MB."""


class Bodies:
    """Reads the bodies of one server's requests. For the event loop's thread."""

    def __init__(
        self, limit_bytes: int, *, read_s: float = READ_S, at_once: int = AT_ONCE
    ) -> None:
        """Start with none being read.

        Args:
            limit_bytes: of each body.
            read_s: seconds that one may take to arrive.
            at_once: bodies being read; a further one is refused.
        """
        self._limit_bytes = limit_bytes
        self._read_s = read_s
        self._at_once = at_once
        self._reading = 0

    async def read(self, request: Request) -> bytes:
        """Return the body of a request.

        Raises:
            Overloaded: too many are being read.
            BodyTooLarge: it is over the limit; raised before it is read if its length is announced.
            InvalidRequest: it did not come in time, or not at all.
        """
        if self._reading >= self._at_once:
            raise Overloaded(
                "too many requests at once; the call goes on without grounding"
            )
        announced = request.headers.get("content-length", "")
        if _is_over(announced, self._limit_bytes):
            raise self._too_large()
        self._reading += 1
        try:
            async with asyncio.timeout(self._read_s):
                return await self._read(request)
        except TimeoutError:
            message = f"the body did not arrive within {self._read_s:.0f} s"
            raise InvalidRequest(message, code="body_timeout") from None
        except ClientDisconnect:
            message = "the client left before its body arrived"
            raise InvalidRequest(message, code="client_left") from None
        finally:
            self._reading -= 1

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._limit_bytes:
                raise self._too_large()
        return bytes(body)

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
