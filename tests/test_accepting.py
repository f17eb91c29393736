"""Connections are taken a few at a time, and none is lost."""

import asyncio
import socket
import ssl
import threading

import pytest

from kbserver.accepting import (
    HANDSHAKE_S,
    HANDSHAKES_AT_ONCE,
    Listener,
    new_event_loop,
)
from tests.authority import Authority

MANY = 300


class Echo(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


def run(test):
    """Run a coroutine on the loop that serves."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(test)


def listening() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    listener.setblocking(False)
    return listener


async def echoed(address, text: bytes, context=None) -> bytes:
    reader, writer = await asyncio.open_connection(*address, ssl=context)
    writer.write(text)
    answer = await reader.readexactly(len(text))
    writer.close()
    return answer


def test_every_connection_of_a_crowd_is_answered():
    async def crowd():
        sock = listening()
        address = sock.getsockname()
        server = await asyncio.get_running_loop().create_server(Echo, sock=sock)
        texts = [b"%d" % number for number in range(MANY)]
        answers = await asyncio.gather(*(echoed(address, text) for text in texts))
        server.close()
        await server.wait_closed()
        assert list(answers) == texts

    run(crowd())


def test_a_closed_listener_refuses_and_keeps_what_it_accepted():
    async def closed():
        sock = listening()
        address = sock.getsockname()
        server = await asyncio.get_running_loop().create_server(Echo, sock=sock)
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        server.close()
        await server.wait_closed()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection(*address)
        writer.write(b"b")
        assert await reader.readexactly(1) == b"b"
        writer.close()

    run(closed())


def test_a_broken_handshake_stops_nothing(tmp_path):
    authority = Authority(tmp_path)
    files = authority.issue(30)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])

    async def over_tls():
        sock = listening()
        address = sock.getsockname()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, sock=sock, ssl=ours)
        assert isinstance(server, Listener)
        _, writer = await asyncio.open_connection(*address)
        writer.write(b"this is no handshake")
        assert await echoed(address, b"hello", authority.trust) == b"hello"
        writer.close()
        server.close()
        await server.wait_closed()

    run(over_tls())


def test_handshakes_that_never_begin_shut_nobody_out(tmp_path):
    authority = Authority(tmp_path)
    files = authority.issue(30)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(files["ssl_certfile"], files["ssl_keyfile"])

    async def over_tls():
        sock = listening()
        address = sock.getsockname()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, sock=sock, ssl=ours)
        silent = []
        for _ in range(HANDSHAKES_AT_ONCE + 50):
            silent.append(await asyncio.open_connection(*address))
        async with asyncio.timeout(HANDSHAKE_S / 2):  # before the first of them ends
            assert await echoed(address, b"hello", authority.trust) == b"hello"
            oldest, _ = silent[0]
            assert await oldest.read() == b""
        assert not silent[-1][0].at_eof()
        for _, writer in silent:
            writer.close()
        server.close()
        await server.wait_closed()

    run(over_tls())


def test_a_server_without_a_socket_of_its_own_is_the_loops():
    async def plain():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        assert await echoed(address, b"x") == b"x"
        server.close()

    run(plain())


def test_the_loop_ends_while_own_code_hangs_in_a_thread_of_it():
    release = threading.Event()
    ended = []

    def hang():
        release.wait(20.0)
        ended.append(True)

    async def give_up_soon():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.to_thread(hang)
        assert await asyncio.to_thread(lambda: "another") == "another"

    run(give_up_soon())
    assert not ended  # nothing has waited for it
    release.set()
