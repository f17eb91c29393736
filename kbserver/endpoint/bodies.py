"""Reading the bodies of requests: small ones, soon, and not too many at once."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from kbserver.errors import BodyTooLarge, InvalidRequest, Overloaded

BODY_READ_S = 5.0  # a request is a few hundred bytes; who needs longer to send them is not waiting for an answer
BODIES_AT_ONCE = 1024  # being read; slow senders hold no turn's place, and at 64 KB each no more than 64 MB


class Bodies:
    """Reads the bodies of one server's requests. For the event loop's thread."""

    def __init__(self, limit_bytes: int) -> None:
        """Read at most `limit_bytes` of each."""
        self._limit_bytes = limit_bytes
        self._reading = 0

    async def read(self, request: Request) -> bytes:
        """Return the body of a request.

        Raises:
            Overloaded: too many are being read.
            BodyTooLarge: it is over the limit; said before it is read where its length is announced.
            InvalidRequest: it did not come in time, or not at all.
        """
        if self._reading >= BODIES_AT_ONCE:
            raise Overloaded(
                "too many requests at once; the call goes on without grounding"
            )
        self._reading += 1
        try:
            return await self._read(request)
        finally:
            self._reading -= 1

    async def _read(self, request: Request) -> bytes:
        limit = self._limit_bytes
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise _too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_READ_S):
                async for part in request.stream():
                    body += part
                    if len(body) > limit:
                        raise _too_large(limit)
        except TimeoutError:
            raise InvalidRequest(
                f"the body did not arrive within {BODY_READ_S:.0f} s",
                code="body_timeout",
            ) from None
        except ClientDisconnect:
            raise InvalidRequest(
                "the client left before its body arrived", code="client_left"
            ) from None
        return bytes(body)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body is over {limit} bytes; a turn needs a few hundred",
        code="body_too_large",
    )
