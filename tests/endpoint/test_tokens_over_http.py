"""Static and signed tokens at `/kb`, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import httpx2
import pytest
import uvicorn

from kbserver.endpoint.admission import Admission
from kbserver.endpoint.app import KBServer
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.endpoint.tokens.keys import new_ed25519, new_secret
from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern
from kbserver.settings import read_settings

STATIC = "static-token-of-the-operator"


@contextlib.contextmanager
def serving(server: KBServer) -> Iterator[httpx2.Client]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = uvicorn.Server(
            uvicorn.Config(server, log_config=None, lifespan="off", ws="none")
        )
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not running.started and thread.is_alive():
                time.sleep(0.01)
            with httpx2.Client(
                base_url=f"http://127.0.0.1:{listener.getsockname()[1]}"
            ) as client:
                yield client
        finally:
            running.should_exit = True
            thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> KBServer:
    return server_with(new_secret(), monkeypatch)


def server_with(signing_keys: str, monkeypatch: pytest.MonkeyPatch) -> KBServer:
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", signing_keys)
    monkeypatch.setenv("KB_TOKEN", STATIC)
    server = KBServer(read_settings(fallback="sorry", deadline_ms=10_000))
    settings = server.settings.turn_settings()
    server.table = RouteTable(
        [
            Route(
                LabelPattern("web-*"),
                (),
                settings,
                handler=lambda turn: "reset it in the app",
            ),
            Route(
                LabelPattern("hotel-{id}"),
                ("hotels",),
                settings,
                {"folder": "hotels/{id}"},
                lambda turn: "room 5",
            ),
        ]
    )
    return server


def ask(client: httpx2.Client, label: str, token: str) -> httpx2.Response:
    wanted = {"session_label": label, "query": "how do i reset my pin"}
    return client.post("/kb", json=wanted, headers={"authorization": f"Bearer {token}"})


def answer(client: httpx2.Client, label: str, token: str) -> tuple[object, ...]:
    """Everything of an answer but the label and the date."""
    response = ask(client, label, token)
    body = response.json()
    assert body.pop("session_label") == label
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in ("date", "content-length")
    }
    return response.status_code, body, headers


def test_static_and_signed_tokens_are_good_side_by_side(server):
    with serving(server) as client:
        for token in (
            STATIC,
            server.issue_token("web-1", 60),
            server.issue_token("web-*", 60),
        ):
            assert (
                ask(client, "web-1", token).json()["context"] == "reset it in the app"
            )


def test_a_stolen_token_gets_the_answer_of_an_unknown_label(server):
    stolen = server.issue_token("web-1", 60)
    elsewhere = server.issue_token("hotel-*", 60, corpora=["other"])
    outside = server.issue_token("hotel-*", 60, scope={"folder": "hotels/8"})
    with serving(server) as client:
        unknown = answer(client, "nowhere", STATIC)
        assert unknown[0] == 200
        assert unknown[1] == {
            "query": "how do i reset my pin",
            "context": "",
            "results": [],
        }
        assert answer(client, "web-2", stolen) == unknown
        assert answer(client, "hotel-7", stolen) == unknown
        assert answer(client, "nowhere", stolen) == unknown
        assert (
            answer(client, "hotel-7", elsewhere) == unknown
        )  # not even the fallback of a route that is not its own
        assert answer(client, "hotel-7", outside) == unknown
        assert ask(client, "hotel-8", outside).json()["context"] == "room 5"


def test_a_token_that_is_good_no_longer_is_401_and_says_why(server):
    signing = server.signing_keys
    exhausted = server.issue_token("web-1", 60, max_turns=1)
    expired = signing.issue("web-1", 60, now=time.time() - 3_600)
    with serving(server) as client:
        assert ask(client, "web-1", exhausted).status_code == 200
        for token, code in (
            (exhausted, "exhausted_token"),
            (expired, "expired_token"),
            ("a.b.c", "invalid_token"),
        ):
            refused = ask(client, "web-1", token)
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.json()["error"]["code"] == code


def test_only_a_turn_that_is_grounded_uses_up_a_turn(server):
    token = server.issue_token("*", 60, max_turns=2)
    bearer = {"authorization": f"Bearer {token}"}
    with serving(server) as client:
        for _ in range(3):
            assert ask(client, "nowhere", token).json()["context"] == ""
            assert client.post("/kb", content=b"{", headers=bearer).status_code == 400
            large = client.post("/kb", content=b"x" * 70_000, headers=bearer)
            assert large.status_code == 413
            assert client.get("/kb", headers=bearer).status_code == 405
        places = server.admission
        server.admission = Admission(0, budget_ms=300.0, fewest_turns=0)
        assert ask(client, "web-1", token).status_code == 503
        server.admission = places
        said = [ask(client, "web-1", token).status_code for _ in range(3)]
    assert said == [200, 200, 401]


def test_of_turns_at_once_exactly_so_many_are_grounded(server):
    token = server.issue_token("*", 60, max_turns=7)
    waiting = []
    all_wait = asyncio.Event()

    async def slow(turn):
        waiting.append(turn)
        if len(waiting) == 7:
            all_wait.set()
        await all_wait.wait()
        return "reset it in the app"

    patient = {"deadline_ms": 20_000}
    settings = server.settings.turn_settings().model_copy(update=patient)
    route = Route(LabelPattern("web-*"), (), settings, handler=slow)
    server.table = RouteTable([route])

    async def crowd():
        transport = httpx2.ASGITransport(server)
        async with httpx2.AsyncClient(
            transport=transport, base_url="http://kb"
        ) as client:
            headers = {"authorization": f"Bearer {token}"}
            return await asyncio.gather(
                *(
                    client.post(
                        "/kb",
                        json={"session_label": label, "query": "reset my pin"},
                        headers=headers,
                    )
                    for label in ("web-1", "nowhere", "web-2") * 100
                )
            )

    answers = asyncio.run(crowd())
    grounded = [answer for answer in answers if "reset it" in answer.text]
    assert len(grounded) == len(waiting) == 7
    assert {answer.status_code for answer in answers} <= {200, 401, 503}


@pytest.mark.parametrize("make", [new_secret, new_ed25519])
def test_after_rotation_nothing_comes_out_for_an_old_token(make, monkeypatch):
    old, new = make(), make()
    issued = server_with(old, monkeypatch).issue_token("web-1", 3_600)
    with serving(
        server_with(f"{new}\n{old}", monkeypatch)
    ) as client:  # while both keys live
        assert ask(client, "web-1", issued).json()["context"] == "reset it in the app"
    with serving(server_with(new, monkeypatch)) as client:
        refused = ask(client, "web-1", issued)
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == "invalid_token"
    assert "reset" not in refused.text and issued not in refused.text


def test_a_session_token_does_not_open_the_metrics(server):
    proxied = {"x-forwarded-for": "192.0.2.1"}
    with serving(server) as client:
        stolen = {"authorization": f"Bearer {server.issue_token('*', 60)}"}
        assert client.get("/metrics", headers=proxied | stolen).status_code == 401
        assert (
            client.get(
                "/metrics", headers=proxied | {"authorization": f"Bearer {STATIC}"}
            ).status_code
            == 200
        )


def test_a_signing_key_alone_is_enough_and_a_server_without_one_says_how_to_make_it(
    monkeypatch,
):
    monkeypatch.delenv("KB_TOKEN", raising=False)
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", new_secret())
    KBServer(read_settings()).check_tokens()
    monkeypatch.delenv("KBSERVER_SIGNING_KEY")
    with pytest.raises(SettingsError, match="no token"):
        KBServer(read_settings()).check_tokens()
    with pytest.raises(SettingsError, match="--new-key"):
        KBServer(read_settings(open=True)).issue_token("web-1", 60)
