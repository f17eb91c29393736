"""The socket, the options for uvicorn, and garbage that is frozen once a server is open."""

import asyncio
import gc
import logging
import re
import socket
import subprocess
import sys
from functools import partial

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.serve import (
    FULL_COLLECTION_AFTER,
    WorkerApp,
    _without_query,
    freeze_garbage,
    listen,
    serve,
    url_of,
)
from kbserver.errors import ModelError, SettingsError
from kbserver.settings import read_settings

from .conftest import wait_until


@pytest.fixture
def usual_collections():
    """The thresholds of the garbage collector; what a test froze is thawed after it."""
    usual = gc.get_threshold()
    yield usual
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (("127.0.0.1", 8080), "http://127.0.0.1:8080"),
        (("::1", 8080, 0, 0), "http://[::1]:8080"),
    ],
)
def test_a_url_names_host_and_port(address, url):
    class Listener:
        def getsockname(self):
            return address

    assert url_of(Listener()) == url
    assert url_of(Listener(), tls=True) == url.replace("http", "https")


def test_a_free_port_is_taken_and_silent_peers_are_probed():
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
        assert listener.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not listener.getblocking()


def test_a_port_that_is_taken_is_an_error_with_the_flag_that_changes_it():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            SettingsError, match=f"{port} on 127.0.0.1 is taken.*--port"
        ):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "x" * 300])
def test_a_host_that_is_no_address_of_this_machine_is_an_error(host):
    with pytest.raises(SettingsError, match="use 127.0.0.1 or 0.0.0.0"):
        listen(host, 0)


def test_tls_files_that_cannot_be_used_are_named(store, tmp_path):
    certificate = tmp_path / "certificate.pem"
    certificate.write_text("no certificate")
    settings = read_settings(
        store=store, open=True, port=0, tls_certificate=certificate
    )
    with pytest.raises(SettingsError, match="must be PEM files that belong together"):
        serve(KBServer(settings))


def test_what_was_loaded_at_the_start_is_not_collected_again(store, usual_collections):
    frozen = gc.get_freeze_count()
    young, old, _ = usual_collections

    async def run():
        server = KBServer(read_settings(store=store, open=True))
        async with server.running():
            await freeze_garbage(server)
            assert gc.get_freeze_count() > frozen + 10_000
            assert gc.get_threshold() == (young, old, FULL_COLLECTION_AFTER)

    asyncio.run(run())


def test_a_model_that_cannot_be_opened_does_not_keep_garbage_thawed(usual_collections):
    class Server:
        async def until_ready(self):
            raise ModelError("it is not there")

    asyncio.run(freeze_garbage(Server()))
    assert gc.get_threshold()[2] == FULL_COLLECTION_AFTER


class Ready:
    """A server that says when its models were waited for."""

    def __init__(self, store):
        self.settings = read_settings(store=store, open=True)
        self.server = KBServer(self.settings)
        self.read_again = self.server.read_again
        self.frozen = asyncio.Event()

    async def __call__(self, scope, receive, send):
        await self.server(scope, receive, send)

    async def until_ready(self):
        await self.server.until_ready()
        asyncio.get_running_loop().call_soon(self.frozen.set)


def test_one_of_several_processes_freezes_its_garbage_once_it_is_open(
    store, usual_collections
):
    frozen = gc.get_freeze_count()

    async def run():
        servers = []

        def make_server():
            servers.append(Ready(store))
            return servers[0]

        app = WorkerApp(partial(make_server))
        assert gc.get_freeze_count() == frozen
        events, answers = asyncio.Queue(), asyncio.Queue()
        lifespan = asyncio.create_task(
            app({"type": "lifespan"}, events.get, answers.put)
        )
        await events.put({"type": "lifespan.startup"})
        assert (await answers.get())["type"] == "lifespan.startup.complete"
        await servers[0].frozen.wait()
        assert gc.get_threshold()[2] == FULL_COLLECTION_AFTER
        assert gc.get_freeze_count() > frozen + 10_000
        await events.put({"type": "lifespan.shutdown"})
        assert (await answers.get())["type"] == "lifespan.shutdown.complete"
        await lifespan

    asyncio.run(run())


def access_line(*args):
    """A line of uvicorn's access log, as it is printed; None if it is not."""
    record = logging.makeLogRecord({"msg": '%s - "%s %s HTTP/%s" %d', "args": args})
    return record.getMessage() if _without_query(record) else None


def test_a_line_of_the_access_log_ends_where_the_query_begins():
    line = access_line("192.0.2.7:0", "GET", "/a?q=words", "1.1", 200)
    assert line == '192.0.2.7:0 - "GET /a HTTP/1.1" 200'
    assert len(access_line("9" * 9_000, "GET", "/" * 9_000, "1.1", 200)) < 450


def test_a_line_of_another_form_is_not_printed():
    assert access_line("GET /a?q=words", "x", "y", "z") is None


def test_without_any_logging_set_up_the_access_log_goes_to_stderr(store, tmp_path):
    """As in a program that calls `server.run()` and has never heard of `logging`."""
    code = f"""
from kbserver.endpoint.app import KBServer
KBServer(store={str(store)!r}, open=True, port=0, access_log=True).run()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        lines = iter(process.stderr.readline, "")
        url = next(filter(None, map(re.compile(r"http\S+(?=/kb)").search, lines)))[0]
        wait_until(lambda: answers(f"{url}/healthz?secret"))
        process.terminate()
        said = process.communicate(timeout=60)[1]
    assert '"GET /healthz HTTP/1.1" 200' in said and "secret" not in said


def answers(url):
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.HTTPError:
        return False
