"""Bodies as an ASGI server hands them on: part by part, late, too large, or not at all."""

import asyncio

import pytest
from starlette.requests import Request

from kbserver.bodies import Bodies
from kbserver.errors import BodyEncoded, BodyTooLarge, InvalidRequest

LEFT = {"type": "http.disconnect"}


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def request(*messages, length=None, encoding=None):
    """A request whose body comes in these messages, and then no further ones."""
    headers = []
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    if encoding is not None:
        headers.append((b"content-encoding", encoding.encode()))
    coming = list(messages)

    async def receive():
        if coming:
            return coming.pop(0)
        return await asyncio.Event().wait()

    scope = {"type": "http", "method": "POST", "path": "/kb", "headers": headers}
    return Request(scope, receive)


def read(bodies, *messages, length=None):
    return asyncio.run(bodies.read(request(*messages, length=length)))


def test_a_body_is_joined_from_its_parts():
    parts = (part(b"ab", more=True), part(b"", more=True), part(b"c"))
    assert read(Bodies(10), *parts) == b"abc"


def test_a_byte_order_mark_in_front_is_left_out_and_no_other():
    mark = b"\xef\xbb\xbf"
    parts = (part(mark[:1], more=True), part(mark[1:] + b"{}" + mark))
    assert read(Bodies(10), *parts) == b"{}" + mark


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "GZIP"])
def test_a_compressed_body_is_refused_before_it_is_read(encoding):
    compressed = request(part(b"", more=True), encoding=encoding)
    with pytest.raises(BodyEncoded, match="send plain JSON") as caught:
        asyncio.run(Bodies(10, first_s=60.0).read(compressed))
    assert caught.value.code == "unsupported_encoding"


@pytest.mark.parametrize("encoding", ["identity", "Identity ", ""])
def test_a_body_that_says_it_is_not_compressed_is_read(encoding):
    plain = request(part(b"{}"), encoding=encoding)
    assert asyncio.run(Bodies(10).read(plain)) == b"{}"


def test_a_body_of_exactly_the_limit_is_read():
    assert read(Bodies(3), part(b"abc"), length=3) == b"abc"


def test_a_body_that_announces_too_much_is_refused_before_it_is_read():
    with pytest.raises(BodyTooLarge, match="over 3 bytes"):
        read(Bodies(3), length=4)  # reading would never end


def test_a_body_that_grows_too_large_is_refused_on_the_way():
    with pytest.raises(BodyTooLarge):
        read(Bodies(3), part(b"ab", more=True), part(b"cd", more=True))


@pytest.mark.parametrize(
    ("messages", "code"),
    [((part(b"{", more=True),), "body_timeout"), ((LEFT,), "client_left")],
)
def test_a_body_that_never_arrives_is_given_up(messages, code):
    with pytest.raises(InvalidRequest) as caught:
        read(Bodies(10, first_s=0.001), *messages)
    assert caught.value.code == code


def stalled(*messages):
    """A request that sends these parts of its body, and then nothing."""
    return request(*(part(body, more=True) for body in messages))


async def ended(*tasks):
    """How each of some reads ended: its body, the code of its error, or None while it waits."""
    for _ in range(5):
        await asyncio.sleep(0)
    said = []
    for task in tasks:
        if not task.done():
            said.append(None)
        elif task.exception() is not None:
            said.append(task.exception().code)
        else:
            said.append(task.result())
    return said


def test_where_too_many_wait_the_slowest_is_given_up_and_never_the_newest():
    async def test():
        bodies = Bodies(10_000, bytes_a_second=100, at_once=3)

        def begin(*messages):
            return asyncio.create_task(bodies.read(stalled(*messages)))

        oldest = begin(b"x" * 500)  # five seconds more than the others
        slow = begin()
        newer = begin(b"x" * 100)
        assert await ended(oldest, slow, newer) == [None, None, None]
        assert await bodies.read(request(part(b"good"))) == b"good"
        assert await ended(oldest, slow, newer) == [None, "body_timeout", None]
        newest = begin()
        assert await ended(newest) == [None]
        assert await bodies.read(request(part(b"good"))) == b"good"
        assert await ended(oldest, newer, newest) == [None, None, "body_timeout"]

    asyncio.run(test())


def test_a_crowd_of_bodies_that_never_come_refuses_no_turn():
    async def test():
        bodies = Bodies(10, at_once=4)
        stuck = [asyncio.create_task(bodies.read(stalled())) for _ in range(12)]
        assert await ended(*stuck) == ["body_timeout"] * 8 + [None] * 4
        return await bodies.read(request(part(b"x")))

    assert asyncio.run(test()) == b"x"


def test_a_body_that_goes_on_coming_is_waited_for_and_one_that_stops_is_not():
    async def test():
        bodies = Bodies(1_000, first_s=0.05, bytes_a_second=1)
        coming = asyncio.Queue()
        going_on = Request(request().scope, coming.get)
        reading = asyncio.create_task(bodies.read(going_on))
        stopped = asyncio.create_task(bodies.read(stalled()))
        coming.put_nowait(part(b"x" * 100, more=True))
        with pytest.raises(InvalidRequest, match="too slowly"):
            await stopped
        coming.put_nowait(part(b"y"))
        return await reading

    assert asyncio.run(test()) == b"x" * 100 + b"y"


def test_a_place_is_left_when_a_body_has_come_or_its_client_has_gone():
    async def test():
        bodies = Bodies(10, at_once=1)
        with pytest.raises(InvalidRequest):
            await bodies.read(request(LEFT))
        with pytest.raises(BodyTooLarge):
            await bodies.read(request(part(b"x" * 11)))
        await bodies.read(request(part(b"x")))
        waiting = asyncio.create_task(bodies.read(stalled()))
        assert await ended(waiting) == [None]
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        other = asyncio.create_task(bodies.read(stalled()))
        assert await ended(other) == [None]

    asyncio.run(test())
