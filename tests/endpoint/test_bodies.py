"""Bodies as an ASGI server hands them on: part by part, late, too large, or not at all."""

import asyncio

import pytest
from starlette.requests import Request

from kbserver.endpoint.bodies import Bodies
from kbserver.errors import BodyTooLarge, InvalidRequest, Overloaded

LEFT = {"type": "http.disconnect"}


def part(body, *, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def request(*messages, length=None):
    """A request whose body comes in these messages, and then no further ones."""
    headers = []
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
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
        read(Bodies(10, read_s=0.001), *messages)
    assert caught.value.code == code


def test_only_so_many_are_read_at_once_and_each_leaves_its_place():
    async def run():
        bodies = Bodies(10, at_once=2)
        stuck = [asyncio.create_task(bodies.read(request())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await bodies.read(request(part(b"x")))
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        return await bodies.read(request(part(b"x")))

    assert asyncio.run(run()) == b"x"
