"""`POST /session` over real HTTP, with a stand-in for PyAI's API on another port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kbserver.answers import AnswerLimits
from kbserver.endpoint.tokens.browser_sessions import BrowserSessions
from kbserver.endpoint.tokens.keys import new_secret, read_keys
from kbserver.endpoint.tokens.signed import SigningKeys, unverified
from kbserver.errors import Overloaded, SettingsError, WireError
from kbserver.omni.configure import configure_frame
from kbserver.settings import read_settings
from kbserver.settings.model import SessionSettings
from tests.raw_server import raw_server, whole

API_KEY = "pyai_live_0123456789_never_shown"
ORIGIN = "https://www.example.com"
QUICK = AnswerLimits(seconds=0.5, body_bytes=10_000)
KB_ENDPOINT = "https://kb.example.com/kb"


@dataclass
class PyAI:
    """Answers `POST /v1/omni/sessions` as the contract says or a test wishes, and takes notes."""

    asked: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    answer: Any = None
    status: int = 200
    delay_s: float = 0.0
    url: str = "wss://api.example.com/v1/omni?format=pcm16&rate=24000"

    async def sessions(self, request: Request) -> Response:
        wanted = await request.json()
        self.asked.append((dict(request.headers), wanted))
        await asyncio.sleep(self.delay_s)
        if self.status == 307:
            return RedirectResponse("/elsewhere", 307)
        good = {
            "object": "omni.session",
            "token": f"eph_{len(self.asked)}",
            "expires_at": 1_800_000_060_000,
            "url": self.url,
            "session_label": wanted["session_label"],
        }
        return JSONResponse(good if self.answer is None else self.answer, self.status)

    async def elsewhere(self, request: Request) -> Response:
        self.asked.append((dict(request.headers), "redirected"))
        return JSONResponse({})


@contextlib.contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Serve an app on a free port of this machine; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, lifespan="on", ws="none")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until = time.monotonic() + 60
            while not server.started and time.monotonic() < until:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def stand_in() -> Iterator[tuple[PyAI, str]]:
    pyai = PyAI()
    routes = [
        Route("/v1/omni/sessions", pyai.sessions, methods=["POST"]),
        Route("/elsewhere", pyai.elsewhere, methods=["POST"]),
    ]
    with serving(Starlette(routes=routes)) as url:
        yield pyai, url


@pytest.fixture
def pyai(stand_in: tuple[PyAI, str]) -> PyAI:
    stand_in[0].__init__()  # type: ignore[misc]  # as it was at the start
    return stand_in[0]


@pytest.fixture
def pyai_base(stand_in: tuple[PyAI, str]) -> str:
    return stand_in[1]


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys(read_keys(new_secret(), source="test"))


OWN = ("api_key", "token_for", "limits", "clock")  # arguments that are no settings


def sessions(
    keys: SigningKeys, base: str = "https://api.example.com", **changed: Any
) -> BrowserSessions:
    own: dict[str, Any] = {
        "api_key": API_KEY,
        "token_for": lambda label: keys.issue(label, 3_600, max_turns=200),
    }
    table: dict[str, Any] = {
        "allowed_origins": [ORIGIN, "http://localhost:5173"],
        "kb_endpoint": KB_ENDPOINT,
        "base": base,
    }
    for name, value in changed.items():
        if name in OWN:
            own[name] = value
        else:
            table[name] = value
    return BrowserSessions(session_settings(table), **own)


def session_settings(table: dict[str, Any]) -> SessionSettings:
    settings = read_settings(session=table).session
    assert settings is not None
    return settings


@contextlib.contextmanager
def endpoint(browser_sessions: BrowserSessions) -> Iterator[httpx2.Client]:
    """The session endpoint on a port of its own, and a client for it that plays the browser."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette):  # type: ignore[no-untyped-def]
        async with browser_sessions:
            yield

    async def wire_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, WireError)
        envelope = {
            "error": {"code": error.code, "type": error.type, "message": str(error)}
        }
        headers = {}
        if isinstance(error, Overloaded):
            headers["retry-after"] = str(error.retry_after_s)
        return JSONResponse(envelope, error.status, headers=headers)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse({}, error.status_code, headers=error.headers)

    app = Starlette(
        routes=browser_sessions.routes(),
        exception_handlers={WireError: wire_error, HTTPException: http_error},
        lifespan=lifespan,
    )
    with (
        serving(app) as url,
        httpx2.Client(base_url=url, headers={"origin": ORIGIN}) as client,
    ):
        yield client


def test_a_page_gets_a_session_of_its_own(keys, pyai, pyai_base):
    configure = {
        "persona": "Be brief.",
        "voice_id": "v1",
        "greeting": "",
        "language": "en",
        "caller_key": None,
    }
    with endpoint(sessions(keys, pyai_base, configure=configure)) as page:
        answer = page.post("/session")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    label = session["session_label"]
    assert label.startswith("web-") and len(label) == len("web-") + 32
    assert session["token"] == "eph_1"
    assert session["expires_at"] == 1_800_000_060_000
    assert urlsplit(session["url"])[:3] == ("wss", "api.example.com", "/v1/omni")
    assert parse_qs(urlsplit(session["url"]).query) == {
        "format": ["pcm16"],
        "rate": ["24000"],
        "session_label": [label],
    }
    kb_token = session["configure"]["kb_token"]
    frame = configure_frame(
        kb_endpoint=KB_ENDPOINT,
        kb_token=kb_token,
        persona="Be brief.",
        voice_id="v1",
        greeting="",
        language="en",
    )
    assert session["configure"] == frame.as_dict()
    grant = keys.verify(kb_token)
    assert grant.allows(label)
    assert not grant.allows("web-" + "0" * 32)
    assert not grant.allows(None)
    assert unverified(kb_token)[1]["kb_turns"] == 200


def test_pyai_is_asked_as_the_contract_says(keys, pyai, pyai_base):
    """Contract section 4: POST /v1/omni/sessions {allowed_origins, ttl_seconds, session_label}."""
    with endpoint(
        sessions(keys, pyai_base, connect_ttl_s=90, label_prefix="shop")
    ) as page:
        session = page.post(
            "/session", json={"label": "somebody-else", "persona": "evil"}
        ).json()
    ((headers, wanted),) = pyai.asked
    assert headers["authorization"] == f"Bearer {API_KEY}"
    assert wanted == {
        "allowed_origins": [ORIGIN],
        "ttl_seconds": 90,
        "session_label": session["session_label"],
    }
    assert session["session_label"].startswith("shop-")
    assert "persona" not in session["configure"]


def test_two_visitors_have_labels_and_tokens_that_do_not_open_each_others(
    keys, pyai, pyai_base
):
    with endpoint(sessions(keys, pyai_base)) as page:
        mine, theirs = page.post("/session").json(), page.post("/session").json()
    assert mine["session_label"] != theirs["session_label"]
    assert not keys.verify(mine["configure"]["kb_token"]).allows(
        theirs["session_label"]
    )
    assert mine["configure"]["kb_token"] != theirs["configure"]["kb_token"]


def test_a_label_that_pyai_put_into_the_url_is_not_put_there_twice(
    keys, pyai, pyai_base
):
    with endpoint(sessions(keys, pyai_base)) as page:
        pyai.url = "ws://127.0.0.1:9/v1/omni"
        session = page.post("/session").json()
        assert (
            session["url"]
            == f"ws://127.0.0.1:9/v1/omni?session_label={session['session_label']}"
        )
        pyai.url = "wss://api.example.com/v1/omni?session_label=somebody-else"
        assert page.post("/session").status_code == 502


def test_another_origin_gets_nothing_and_pyai_is_not_asked(keys, pyai, pyai_base):
    foreign = [
        None,
        "null",
        "https://evil.example.com",
        "http://www.example.com",
        "https://www.example.com:8443",
        "https://www.example.com.evil.com",
        "https://www.example.com/",
        "HTTPS://WWW.EXAMPLE.COM",
        "*",
    ]
    with endpoint(sessions(keys, pyai_base)) as page:
        del page.headers["origin"]
        for origin in foreign:
            answer = page.post("/session", headers={"origin": origin} if origin else {})
            assert answer.status_code == 403, origin
            assert answer.json()["error"]["code"] == "origin_not_allowed"
            assert "access-control-allow-origin" not in answer.headers
    assert pyai.asked == []


def test_the_preflight_is_answered_for_allowed_origins_only(keys):
    asks = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    with endpoint(sessions(keys)) as page:
        allowed = page.options("/session", headers=asks)
        foreign = page.options(
            "/session", headers=asks | {"origin": "https://evil.example.com"}
        )
        other_method = page.options(
            "/session", headers=asks | {"access-control-request-method": "DELETE"}
        )
        no_preflight = page.options("/session")
        read = page.get("/session")
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert allowed.headers["access-control-allow-methods"] == "POST"
    assert "access-control-allow-credentials" not in allowed.headers
    assert foreign.status_code == 400
    assert "access-control-allow-origin" not in foreign.headers
    assert other_method.status_code == 400
    assert no_preflight.status_code == 405
    assert no_preflight.headers["allow"] == "POST"
    assert read.status_code == 405


def test_one_client_is_limited_and_told_when_to_come_back(keys, pyai, pyai_base):
    with endpoint(sessions(keys, pyai_base, per_client_per_minute=3)) as page:
        answers = [page.post("/session") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].json()["error"]["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["retry-after"]) <= 20
    assert answers[3].headers["access-control-allow-origin"] == ORIGIN
    assert len(pyai.asked) == 3


def test_all_clients_together_are_limited_too(keys, pyai, pyai_base):
    with endpoint(sessions(keys, pyai_base, total_per_minute=2)) as page:
        assert [page.post("/session").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            {"status": 401, "answer": {"error": {"message": f"bad key {API_KEY}"}}},
            "check PYAI_API_KEY",
        ),
        ({"status": 403, "answer": {}}, "omni:session"),
        ({"status": 429, "answer": {}}, "PyAI answered 429"),
        ({"status": 500, "answer": {"detail": API_KEY}}, "PyAI answered 500"),
        ({"status": 307}, "PyAI answered 307"),
        ({"answer": ["not", "an", "object"]}, "is not {token, url, expires_at}"),
        (
            {"answer": {"token": "t", "url": "wss://x.example.com"}},
            "is not {token, url, expires_at}",
        ),
        (
            {"answer": {"token": "t", "url": "https://x.example.com", "expires_at": 1}},
            "wss://",
        ),
        (
            {"answer": {"token": "t", "url": "ws://x.example.com", "expires_at": 1}},
            "wss://",
        ),
        ({"answer": {"token": "t", "url": "wss://[x", "expires_at": 1}}, "wss://"),
        (
            {"answer": {"token": "", "url": "wss://x.example.com", "expires_at": 1}},
            "is not {token",
        ),
        ({"delay_s": 1.0}, "TimeoutError"),
    ],
)
def test_when_pyai_fails_the_page_learns_nothing_but_that_and_the_log_says_why(
    keys, pyai, pyai_base, caplog, fault, said
):
    for name, value in fault.items():
        setattr(pyai, name, value)
    with (
        caplog.at_level(logging.DEBUG),
        endpoint(sessions(keys, pyai_base, limits=QUICK)) as page,
    ):
        answer = page.post("/session")
    assert answer.status_code == 502
    assert answer.json()["error"] == {
        "code": "session_unavailable",
        "type": "upstream_error",
        "message": "no session could be had from PyAI; try again in a while",
    }
    assert said in "\n".join(
        record.getMessage()
        for record in caplog.records
        if record.name == "kbserver.endpoint"
    )
    assert len(pyai.asked) == 1  # one attempt, and no redirect is followed with the key
    for record in caplog.records:
        assert API_KEY not in record.getMessage() + str(record.exc_info)


def test_the_key_is_in_no_log_at_any_level_and_in_no_answer(
    keys, pyai, pyai_base, caplog
):
    with caplog.at_level(logging.DEBUG), endpoint(sessions(keys, pyai_base)) as page:
        answer = page.post("/session")
    assert answer.status_code == 200
    assert API_KEY not in answer.text
    kb_token = answer.json()["configure"]["kb_token"]
    for record in caplog.records:
        for secret in (API_KEY, kb_token, "eph_1"):
            assert secret not in record.getMessage()


def test_a_proxy_of_the_environment_does_not_see_the_key_in_the_clear(
    keys, pyai, pyai_base, monkeypatch
):  # type: ignore[no-untyped-def]
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with endpoint(sessions(keys, pyai_base)) as page:
            client = httpx2.Client(
                base_url=page.base_url, headers={"origin": ORIGIN}, trust_env=False
            )
            with client:
                assert client.post("/session").status_code == 200
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_https_goes_through_the_proxy_of_the_environment(keys, monkeypatch):
    heads: list[bytes] = []

    def refuse(head: bytes) -> list[bytes]:
        heads.append(head.split(b"\r\n")[0])
        return [whole(b"", status=b"403 Forbidden")]

    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with raw_server(refuse) as port:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{port}")
        with endpoint(sessions(keys)) as page:
            page = httpx2.Client(base_url=page.base_url, headers=page.headers)
            with page:
                assert page.post("/session").status_code == 502
        assert heads == [b"CONNECT api.example.com:443 HTTP/1.1"]
        monkeypatch.setenv("no_proxy", "api.example.com")
        assert sessions(keys)._proxy is None


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "http://proxy:port", "ftp://x"]
)
def test_a_proxy_of_another_kind_is_refused_at_the_start(keys, monkeypatch, proxy):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(SettingsError, match="put api.example.com into NO_PROXY"):
        sessions(keys)


def test_an_unreachable_pyai_is_a_failure_like_any_other(keys):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with endpoint(sessions(keys, f"http://127.0.0.1:{port}")) as page:
        assert page.post("/session").status_code == 502


def test_before_it_is_opened_it_says_how_to_open_it(keys):
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(sessions(keys).new(ORIGIN))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"base": "https://user:word@api.example.com"},
            "base holds credentials",
        ),
        (
            {"kb_endpoint": "https://user:word@kb.example.com/kb"},
            "kb_endpoint holds credentials",
        ),
        ({"allowed_origins": []}, "allowed_origins: is empty"),
        ({"allowed_origins": ["*"]}, "allowed_origins"),
        ({"allowed_origins": ["null"]}, "allowed_origins"),
        ({"allowed_origins": ["https://*.example.com"]}, "allowed_origins"),
        ({"allowed_origins": ["http://www.example.com"]}, "use https"),
        (
            {"allowed_origins": ["https://www.example.com/"]},
            "write 'https://www.example.com'",
        ),
        (
            {"allowed_origins": ["https://WWW.example.com:443"]},
            "write 'https://www.example.com'",
        ),
        (
            {"allowed_origins": ["https://user@www.example.com"]},
            "allowed_origins: holds credentials",
        ),
        ({"kb_endpoint": "http://kb.example.com/kb"}, "session: kb_endpoint"),
        ({"kb_endpoint": "kb.example.com"}, "session: kb_endpoint"),
        ({"base": "ftp://api.example.com"}, "session: base"),
        ({"base": "https://[::1"}, "session: base"),
        ({"api_key": ""}, "PYAI_API_KEY"),
        ({"api_key": "two words"}, "PYAI_API_KEY"),
        ({"label_prefix": "web*"}, "label_prefix"),
        ({"label_prefix": "{x}"}, "label_prefix"),
        ({"label_prefix": ""}, "label_prefix"),
        ({"connect_ttl_s": 601}, "less than or equal to 600"),
        ({"per_client_per_minute": 0}, "greater than 0"),
        ({"configure": {"kb_token": "mine"}}, "'kb_token'"),
    ],
)
def test_what_cannot_be_used_is_named_at_the_start(keys, changed, words):
    with pytest.raises(SettingsError, match=words.replace("*", r"\*")) as caught:
        sessions(keys, **changed)
    assert API_KEY not in str(caught.value)
    assert "user:word" not in str(caught.value)


def test_loopback_origins_and_ipv6_are_allowed_while_developing(keys):
    sessions(
        keys,
        allowed_origins=[
            "http://localhost:3000",
            "http://[::1]:3000",
            "http://127.0.0.1",
        ],
    )


def test_a_key_that_cannot_sign_is_found_at_the_start(keys):
    with pytest.raises(SettingsError, match="366|from 1 to"):
        sessions(keys, token_for=lambda label: keys.issue(label, 0))


def test_the_answer_is_json_a_page_can_use_whatever_the_persona(keys, pyai, pyai_base):
    persona = 'Ünïcode "quotes" </script> \u2028 ' + "x" * 1_000
    with endpoint(sessions(keys, pyai_base, configure={"persona": persona})) as page:
        answer = page.post("/session")
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content)["configure"]["persona"] == persona
