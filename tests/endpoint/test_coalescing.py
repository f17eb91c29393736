"""Heads wait for their bodies, and for nothing else."""

import asyncio
import socket

from kbserver.endpoint.coalescing import OnePiece

HEAD, BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n", b"body"


class Told(socket.socket):
    """A socket that remembers what it was asked to send."""

    def send(self, data):
        self.asked = [*getattr(self, "asked", []), bytes(data)]
        return super().send(data)


async def sent(act):
    """What the system was asked to send, and what of it the peer has."""
    one, peer = socket.socketpair()
    with Told(fileno=one.detach()) as told, peer:
        transport, _ = await asyncio.get_running_loop().create_connection(
            asyncio.Protocol, sock=told
        )
        await act(OnePiece(transport))
        transport.close()
        await asyncio.sleep(0.01)
        assert peer.recv(1000) == b"".join(told.asked)
        return told.asked


def test_head_and_body_are_sent_at_once():
    async def act(transport):
        for _ in range(2):
            transport.write(HEAD)
            transport.write(BODY)
        transport.write(b"more")

    assert asyncio.run(sent(act)) == [HEAD + BODY, HEAD + BODY, b"more"]


def test_a_head_alone_waits_for_one_round_of_the_event_loop():
    async def act(transport):
        transport.write(HEAD)
        await asyncio.sleep(0.01)
        transport.write(BODY)

    assert asyncio.run(sent(act)) == [HEAD, BODY]


def test_nothing_is_lost_when_the_connection_is_closed():
    async def act(transport):
        transport.write(HEAD)
        transport.close()
        assert transport.is_closing()

    assert asyncio.run(sent(act)) == [HEAD]
