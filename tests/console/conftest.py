"""Consoles in process, over records that hold some turns."""

import asyncio
import shutil

import httpx2
import pytest

from kbserver.console.access import Doors, Grant, Visitor
from kbserver.console.app import Console
from kbserver.console.resources import Asked
from kbserver.console.source import Source
from kbserver.record.database import key_of, open_for_writing
from kbserver.record.rows import Rows
from kbserver.settings import read_settings
from tests.record.conftest import NOON, plain
from tests.record.conftest import candidate as candidate
from tests.record.conftest import turn as turn

NOW = NOON + 3_600.0
TOKEN = "a-token-of-the-console"
JUDGE = "a-token-that-may-judge"
VIEW = "a-token-that-may-view!"
TENANT = "a-token-bound-to-hotels"
GRANTS = [
    (TOKEN, Grant("publish")),
    (JUDGE, Grant("judge")),
    (VIEW, Grant("view")),
    (TENANT, Grant("judge", ("hotel-*",))),
]
EVERYTHING = Visitor(Grant("publish"))
HOTELS = Visitor(Grant("judge", ("hotel-*",)))
HOST = "127.0.0.1:8090"
ORIGIN = f"http://{HOST}"


def silent(number, **more):
    near = candidate("p9", answered=False, score=0.1, document="billing.md")
    ending = {"outcome": "empty", "reason": "below_min_score", "candidates": (near,)}
    return turn(number, **(ending | more))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def settings(folder, monkeypatch):
    monkeypatch.delenv("KB_TOKEN", raising=False)
    monkeypatch.delenv("KB_CONSOLE_TOKEN", raising=False)
    return read_settings(store=folder)


@pytest.fixture
def source(settings):
    return Source(settings, clock=lambda: NOW)


@pytest.fixture
def library(store, folder):
    """A store of the test's own: the shared one's files, linked; its record is apart."""
    ignored = shutil.ignore_patterns(".record", ".lock")
    shutil.copytree(store, folder, symlinks=True, ignore=ignored)
    return folder


@pytest.fixture
def fill(folder):
    """Record turns and events."""

    def write(*turns, events=()):
        connection = open_for_writing(folder / ".record")
        key = key_of(folder / ".record")
        Rows(connection, key=key, mask=plain).add(turns, events)
        connection.close()

    return write


@pytest.fixture
def ask(source):
    """Ask a resource's function."""

    def read(function, visitor=EVERYTHING, **values):
        asked = Asked(source, visitor, {name: str(v) for name, v in values.items()})
        return function(asked)

    return read


@pytest.fixture
def console(source):
    return Console(source, Doors(GRANTS, clock=lambda: NOW))


@pytest.fixture
def web(console):
    """Send one request to the console, as a script with a token unless told otherwise."""

    def send(method, path, *, token=TOKEN, headers=None, app=console, **more):
        peer = more.pop("peer", "127.0.0.1")
        sent = {"host": HOST} | (headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"

        async def once():
            transport = httpx2.ASGITransport(app, client=(peer, 1))
            async with httpx2.AsyncClient(transport=transport) as client:
                return await client.request(
                    method, f"http://{HOST}{path}", headers=sent, **more
                )

        return asyncio.run(once())

    return send


@pytest.fixture
def browser(web):
    """Sign in with a token; returns a function that sends requests with the cookie."""

    def enter(token=TOKEN):
        answer = web(
            "POST",
            "/sign-in",
            token=None,
            headers={"origin": ORIGIN},
            data={"token": token},
        )
        assert answer.status_code == 303, answer.text
        cookie = answer.headers["set-cookie"].partition(";")[0]

        def send(method, path, *, headers=None, **more):
            sent = {"cookie": cookie} | (headers or {})
            return web(method, path, token=None, headers=sent, **more)

        return send

    return enter


def form_token(page):
    return page.text.split('name="form_token" value="')[1].split('"')[0]
