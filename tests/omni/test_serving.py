import asyncio
import contextlib
import errno
import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.responses import PlainTextResponse

from kbserver.errors import OmniError
from kbserver.http_protocol import BoundedHttp, HttpLimits
from kbserver.omni.serving import base_url, serving

pytestmark = pytest.mark.anyio

APP = PlainTextResponse("here")


async def test_an_application_is_served_until_the_block_is_left():
    async with serving(APP) as server:
        url = base_url(server)
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(url)).text == "here"
    async with httpx2.AsyncClient(trust_env=False) as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(url)


async def test_two_are_served_on_ports_of_their_own():
    async with serving(APP) as one, serving(APP) as other:
        assert base_url(one) != base_url(other)
        assert base_url(one, "ws").startswith("ws://127.0.0.1:")


async def test_an_ipv6_address_stands_in_brackets():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    try:
        async with serving(APP, host="::1") as server:
            assert base_url(server).startswith("http://[::1]:")
    except OmniError:
        pytest.skip("create_server takes no IPv6 address without a family")


async def test_a_port_that_is_taken_is_named_with_the_next_step():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OmniError, match=f"{port} is taken; give another --port"):
            async with serving(APP, port=port):
                pass


async def test_an_address_of_another_machine_is_refused():
    with pytest.raises(OmniError, match="203.0.113.7:0 cannot be used") as caught:
        async with serving(APP, host="203.0.113.7"):
            pass
    assert errno.errorcode  # the system's own words follow
    assert "assign" in str(caught.value)


async def test_the_log_is_left_as_it_was():
    log = logging.getLogger("uvicorn.error")
    before = list(log.filters)
    async with serving(APP):
        assert len(log.filters) == len(before) + 1
    assert log.filters == before


class HurriedHttp(BoundedHttp):
    """The same limits but for seconds, which a test would have to wait for."""

    limits = HttpLimits(head_s=0.2)


@pytest.mark.parametrize("more", ["Content-Length: 5", f"X-Long: {'a' * 9_000}"])
async def test_a_websocket_that_is_never_opened_is_closed(more):
    async with serving(APP, http=HurriedHttp) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(server))
        head = "GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket"
        writer.write(f"{head}\r\n{more}\r\n\r\n".encode())
        with contextlib.suppress(ConnectionResetError):
            await asyncio.wait_for(reader.read(), 60)
        writer.close()


def _port(server: Any) -> int:
    return int(urlsplit(base_url(server)).port or 0)
