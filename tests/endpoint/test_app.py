import asyncio
import gzip
import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.doors.base import limit_ms as limit_of
from kbserver.endpoint.routing import Route
from kbserver.errors import Overloaded, SettingsError, StoreMissing
from kbserver.labels import LabelPattern
from kbserver.notes import Counts
from kbserver.settings import read_settings

from .conftest import LIMIT_S, PATIENT_MS, TOKEN, serving


def ask(client, query, label=None, **more):
    response = client.post("/kb", json={"session_label": label, "query": query, **more})
    assert response.status_code == 200, response.text
    return response.json()


def test_a_question_is_answered_from_the_labels_corpus_alone(client):
    answer = ask(client, "how do i reset my router", "support")
    assert list(answer) == ["session_label", "query", "context", "results"]
    assert answer["session_label"] == "support"
    assert "ten seconds" in answer["results"][0]["content"]
    assert "10 seconds" in answer["context"] or "ten seconds" in answer["context"]
    assert all("Adelaide" not in result["content"] for result in answer["results"])
    assert "Adelaide" in ask(client, "are dogs welcome", "hotels")["context"]


def test_the_same_passage_has_the_same_non_empty_id_every_time(client):
    first, second = (
        ask(client, "reset the router", "support")["results"][0]["id"] for _ in range(2)
    )
    assert first and first == second


@pytest.mark.parametrize("label", ["sales", "", None, "x" * 256, "сервис-日本"])
def test_an_unknown_or_absent_label_reaches_nothing(client, label):
    answer = ask(client, "how do i reset my router", label)
    assert (answer["context"], answer["results"]) == ("", [])


def test_a_token_bound_to_other_labels_looks_like_an_unknown_label(client):
    theirs = {"Authorization": "Bearer billing-token"}
    body = {"session_label": "hotels", "query": "are dogs welcome"}
    stranger = client.post("/kb", json=body, headers=theirs)
    unknown = client.post(
        "/kb", json=body | {"session_label": "nowhere"}, headers=theirs
    )
    assert stranger.status_code == unknown.status_code == 200
    assert stranger.json() | {"session_label": ""} == unknown.json() | {
        "session_label": ""
    }
    assert (
        client.post(
            "/kb", json=body | {"session_label": "support"}, headers=theirs
        ).status_code
        == 200
    )


def test_every_tolerance_of_the_contract(client):
    body = {"query": "reset the router"}
    wanted = ask(client, "reset the router", "support")["results"]
    assert (
        client.post("/kb", json=body | {"agent_id": "support"}).json()["results"]
        == wanted
    )
    assert (
        client.post(
            "/kb", json=body, headers={"x-pyai-session-label": "support"}
        ).json()["results"]
        == wanted
    )
    assert (
        ask(client, "reset the router", "support", call_id=7, nested={"a": [1]})[
            "results"
        ]
        == wanted
    )
    content = json.dumps(body | {"session_label": "support"})
    plain = client.post("/kb", content=content, headers={"content-type": "text/plain"})
    assert plain.json()["results"] == wanted
    with_mark = client.post("/kb", content=content.encode("utf-8-sig"))
    assert with_mark.json()["results"] == wanted
    for path in ("/kb/", "/kb//", "/kb/?x=1"):
        assert client.post(path, content=content).json()["results"] == wanted
    assert ask(client, "", "support")["results"] == []


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/", "/metrics/"])
def test_a_slash_at_the_end_of_any_path_makes_no_difference(client, path):
    assert client.get(path).status_code == 200
    assert client.head("/" + path).status_code == 404


def test_a_refusal_of_a_compressed_body_says_what_is_taken(client):
    headers = {"Content-Encoding": "gzip"}
    refused = client.post("/kb", content=b"x", headers=headers)
    assert refused.headers["accept-encoding"] == "identity"
    assert "send plain JSON" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (lambda c: c.post("/kb", content=b"{"), 400, "invalid_json"),
        (lambda c: c.post("/kb", content=b""), 400, "invalid_json"),
        (lambda c: c.post("/kb", json=[]), 400, "invalid_body"),
        (lambda c: c.post("/kb", json={}), 400, "missing_field"),
        (lambda c: c.post("/kb", json={"query": 1}), 400, "invalid_type"),
        (
            lambda c: c.post("/kb", json={"query": "x", "session_label": "y" * 257}),
            400,
            "invalid_session_label",
        ),
        (lambda c: c.post("/kb", content=b"x" * 70_000), 413, "body_too_large"),
        (
            lambda c: c.post("/kb", content=iter([b"x" * 40_000] * 3)),
            413,
            "body_too_large",
        ),
        (lambda c: c.get("/kb"), 405, "method_not_allowed"),
        (lambda c: c.put("/kb", json={"query": "x"}), 405, "method_not_allowed"),
        (lambda c: c.post("/kb/x", json={"query": "x"}), 404, "not_found"),
        (lambda c: c.get("/kb/"), 405, "method_not_allowed"),
        (
            lambda c: c.post(
                "/kb",
                content=gzip.compress(b'{"query": "x"}'),
                headers={"Content-Encoding": "gzip"},
            ),
            415,
            "unsupported_encoding",
        ),
        (lambda c: c.get("/"), 404, "not_found"),
        (
            lambda c: c.post(
                "/kb", json={"query": "x"}, headers={"Authorization": "Bearer no"}
            ),
            401,
            "invalid_token",
        ),
        (
            lambda c: c.post("/kb", content=b"{", headers={"Authorization": ""}),
            401,
            "missing_token",
        ),
    ],
)
def test_what_is_wrong_gets_the_envelope_and_never_a_redirect(
    client, send, status, code
):
    response = send(client)
    assert response.status_code == status
    error = response.json()["error"]
    assert error["code"] == code
    assert set(error) == {"message", "type", "code", "param"}
    assert status != 405 or "takes POST" in error["message"]
    assert "Traceback" not in response.text


def test_health_readiness_and_metrics(client, url):
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = {"status": "ready", "corpora_failing": 0}
    assert client.get("/readyz").json() == ready
    full = 'kbserver_turns_total{corpus="support",outcome="full",route="support"}'
    before = counted(httpx2.get(f"{url}/metrics").text, full)
    ask(client, "how do i cancel", "support")
    page = httpx2.get(f"{url}/metrics").text
    assert counted(page, full) == before + 1
    assert counted(page, "kbserver_ready") == 1
    assert counted(page, "kbserver_turns_in_flight") == 0
    made = 'kbserver_corpus_generation_timestamp_seconds{corpus="support"}'
    assert counted(page, made) > 1.6e9
    assert counted(page, 'kbserver_stage_seconds_count{stage="lexical"}') >= 1
    assert counted(page, 'kbserver_stage_seconds_count{stage="embed"}') >= 1
    assert "cancel" not in page


def counted(page, name):
    return next(
        float(line.split()[-1]) for line in page.splitlines() if line.startswith(name)
    )


def test_metrics_are_not_for_strangers(url):
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert httpx2.get(f"{url}/metrics", headers=forwarded).status_code == 401
    assert (
        httpx2.get(
            f"{url}/metrics", headers=forwarded | {"Authorization": f"Bearer {TOKEN}"}
        ).status_code
        == 200
    )


def test_handlers_answer_over_http_and_are_counted_by_how_they_end(store):
    server = KBServer(read_settings(store=store, deadline_ms=PATIENT_MS, open=True))

    @server.route("hits-{what}", corpora=["support"])
    async def hits(turn):
        return await turn.retrieve(turn.parameters["what"], top_k=1)

    @server.route("text-*")
    def text(turn):
        return f"You said {turn.query}."

    @server.route("none", fallback="Please hold.")
    def none(turn):
        return None

    @server.route("broken", corpora=["support"])
    def broken(turn):
        raise RuntimeError("boom")

    @server.route("stuck", deadline_ms=10)
    async def stuck(turn):
        await asyncio.Event().wait()

    query = "where is my parcel"
    with serving(server) as url, httpx2.Client(base_url=url) as client:
        assert "red light" in ask(client, "x y z", "hits-red light")["context"]
        answer = ask(client, query, "text-1")
        assert answer["context"] == "You said where is my parcel."
        [result] = answer["results"]
        assert result["id"] and result["content"] == answer["context"]
        fallback = ask(client, query, "none")
        assert fallback["context"] == "Please hold."
        assert fallback["results"] == [
            {"id": "fallback", "content": "Please hold.", "score": 0.0}
        ]
        for label in ("broken", "stuck", "somewhere-else"):
            answer = ask(client, query, label)
            assert (answer["context"], answer["results"]) == ("", [])
        page = client.get("/metrics").text
    for reason, corpora, route in (
        ("error", "support", "broken"),
        ("late", "", "stuck"),
        ("unknown_label", "", ""),
    ):
        labels = f'corpus="{corpora}",reason="{reason}",route="{route}"'
        assert counted(page, f"kbserver_turns_empty_total{{{labels}}}") == 1


def test_what_is_done_to_a_hit_is_seen_by_no_other_turn(store):
    routes = [{"label": "support", "corpora": ["support"]}]
    server = KBServer(
        read_settings(store=store, deadline_ms=PATIENT_MS, open=True, routes=routes)
    )
    asked = "how do i reset the router"

    @server.route("vip")
    async def vip(turn):
        hits = await turn.retrieve()
        for hit in hits:
            hit.passage.metadata["secret"] = "of one caller"
            hit.arms["secret"] = 1.0
        return hits

    async def run():
        async with server.running():
            await server.until_ready()
            for label in ("vip", "support", "support", "support"):
                hits = (await server.ground(asked, label)).hits
                assert hits and hits[0].own_spoken_form is not None
                for hit in hits:
                    assert ("secret" in hit.passage.metadata, "secret" in hit.arms) == (
                        label == "vip",
                    ) * 2
                    hit.passage.metadata["folder"] = hit.arms["lexical"] = None

    asyncio.run(run())


def test_a_scope_made_from_the_label_ranks_inside_it(store):
    route = {
        "label": "hotel-{id}",
        "corpora": ["hotels"],
        "scope": {"folder": "hotels/{id}"},
    }
    server = KBServer(
        read_settings(store=store, deadline_ms=PATIENT_MS, open=True, routes=[route])
    )
    with serving(server) as url, httpx2.Client(base_url=url) as client:
        seven, eight = (ask(client, "can i bring my dog", f"hotel-{n}") for n in (7, 8))
        assert "Adelaide" in seven["context"] and "Bellevue" not in seven["context"]
        assert "Bellevue" in eight["context"] and "Adelaide" not in eight["context"]
        assert ask(client, "can i bring my dog", "hotel-9")["results"] == []
        assert ask(client, "can i bring my dog", "hotel-..")["results"] == []


def test_turns_beyond_the_limit_are_refused_while_others_have_the_places(store):
    settings = read_settings(
        store=store, deadline_ms=PATIENT_MS, open=True, max_concurrent_turns=1
    )
    server = KBServer(settings)

    @server.route("held")
    async def held(turn):
        begun.set()
        await asyncio.to_thread(answer_now.wait)
        return "done"

    begun, answer_now = threading.Event(), threading.Event()
    body = {"session_label": "held", "query": "where is it"}
    with serving(server) as url, httpx2.Client(base_url=url) as client:
        with ThreadPoolExecutor(1) as caller:
            first = caller.submit(httpx2.post, f"{url}/kb", json=body)
            try:
                assert begun.wait(LIMIT_S)
                second = client.post("/kb", json=body)
                health = client.get("/healthz")
            finally:
                answer_now.set()
        assert first.result().json()["context"] == "done"
        assert client.post("/kb", json=body).status_code == 200
    assert second.status_code == 503
    assert second.headers["retry-after"] == "1"
    assert second.json()["error"]["code"] == "overloaded"
    assert health.status_code == 200


class Listening:
    """Keeps what it is told."""

    def __init__(self):
        self.turns, self.events, self.said = [], [], []

    def feedback(self, note):
        self.said.append(note)

    def turn(self, tell):
        self.turns.append(tell)

    def event(self, note):
        self.events.append(note)

    def flush(self):
        return False

    def counts(self):
        return Counts(True, len(self.turns), {}, 0, 0.0)


def test_every_turn_is_told_as_its_route_lets_it_and_its_id_stands_in_a_header(store):
    listener = Listening()
    routes = [
        {"label": "quiet-*", "corpora": ["support"], "record": "off"},
        {"label": "loud-*", "corpora": ["support"], "record": "words"},
        {"label": "support", "corpora": ["support"]},
    ]
    settings = read_settings(
        store=store, deadline_ms=PATIENT_MS, open=True, routes=routes
    )
    with serving(KBServer(settings, listener=listener)) as url:
        answers = {}
        for label in ("quiet-1", "loud-1", "support", "nobody-77"):
            body = {"session_label": label, "query": "how do i cancel"}
            answers[label] = httpx2.post(f"{url}/kb", json=body)
        doctor = {"x-kbserver-probe": "doctor"}
        httpx2.post(f"{url}/kb", json=body, headers=doctor)
        httpx2.post(f"{url}/kb", content=b"{")
        said = {"session_label": "support", "verdict": "handed_over", "turn": "abc"}
        told = httpx2.post(f"{url}/feedback", json=said)
        refused = httpx2.post(f"{url}/feedback", json={"verdict": "right"})
    assert (told.status_code, told.content) == (204, b"")
    assert refused.json()["error"]["param"] == "session_label"
    assert [note[1:] for note in listener.said] == [("support", "abc", "handed_over")]
    ids = {
        label: answer.headers.get("x-kbserver-turn")
        for label, answer in answers.items()
    }
    assert ids["quiet-1"] is None
    notes = [tell() for tell in listener.turns]
    assert [note.id for note in notes[:3]] == [
        ids["loud-1"],
        ids["support"],
        ids["nobody-77"],
    ]
    assert [note.words is not None for note in notes] == [True, False, False, False]
    assert notes[0].words.query == "how do i cancel"
    assert notes[1].candidates[0].document == "billing/cancel.txt"
    assert notes[1].searches[0].min_score_from == "default"
    assert notes[1].answer_bytes == len(answers["support"].content)
    assert [note.reason for note in notes[2:]] == ["unknown_label"] * 2
    assert [note.probe for note in notes] == [None, None, None, "doctor"]
    kinds = [event.kind for event in listener.events]
    expected = [
        "generation",
        "generation",
        "start",
        "refused",
        "unknown_labels",
        "stop",
    ]
    assert kinds == expected
    assert listener.events[3].details == {"invalid_json": 1, "missing_field": 1}
    assert listener.events[4].details == {"nobody-#": 2}


def test_the_trace_is_shown_only_where_debug_is_on(store):
    body = {"session_label": "support", "query": "how do i cancel"}
    for debug in (False, True):
        with serving(
            KBServer(
                read_settings(
                    store=store, deadline_ms=PATIENT_MS, open=True, debug=debug
                )
            )
        ) as url:
            answer = httpx2.post(
                f"{url}/kb", json=body, headers={"x-kbserver-debug": "1"}
            ).json()
            assert ("trace" in answer) is debug
            assert "trace" not in httpx2.post(f"{url}/kb", json=body).json()
    assert answer["trace"]["outcome"] == "full"
    assert {"lexical", "embed", "dense", "fuse", "compose"} <= set(
        answer["trace"]["stages_ms"]
    )


def test_it_refuses_to_start_without_a_token_or_a_store(store, tmp_path, monkeypatch):
    monkeypatch.delenv("KB_TOKEN", raising=False)
    with pytest.raises(SettingsError, match="--open"):
        KBServer(read_settings(store=store)).check_tokens()

    async def start(path):
        async with KBServer(read_settings(store=path, open=True)).running():
            pass

    with pytest.raises(StoreMissing, match="kbserver ingest"):
        asyncio.run(start(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreMissing, match="kbserver ingest"):
        asyncio.run(start(tmp_path / "empty"))


def damage(corpus):
    """Keep the live generation of a corpus from being opened."""
    live = (corpus / "LIVE").read_text().strip()
    (corpus / live / "passages.jsonl").unlink()


def test_a_damaged_corpus_is_not_answered_from_another(store, tmp_path):
    own = tmp_path / "store"
    shutil.copytree(store, own, symlinks=True)
    damage(own / "hotels")
    settings = read_settings(
        store=own, deadline_ms=PATIENT_MS, open=True, follow_up=False
    )
    server = KBServer(settings)

    async def run():
        async with server.running():
            await server.until_ready()
            dark = await server.ground("are dogs welcome", "hotels")
            unknown = await server.ground("how do i reset my router", "other")
            well = await server.ground("how do i reset my router", "support")
            return dark.trace, unknown.trace, well.trace

    dark, unknown, well = asyncio.run(run())
    assert (dark.outcome, dark.reason) == ("empty", "corpus_failed")
    assert (unknown.outcome, unknown.reason) == ("empty", "unknown_label")
    assert well.outcome == "full"


def test_a_route_over_a_damaged_corpus_answers_from_the_others(store, tmp_path):
    own = tmp_path / "store"
    shutil.copytree(store, own, symlinks=True)
    damage(own / "hotels")
    routes = [{"label": "*", "corpora": ["hotels", "support"]}]
    settings = read_settings(
        store=own, deadline_ms=PATIENT_MS, open=True, routes=routes
    )

    async def run():
        server = KBServer(settings)
        async with server.running():
            await server.until_ready()
            grounding = await server.ground("how do i reset my router", "anyone")
            return grounding.trace, grounding.hits[0].corpus

    trace, corpus = asyncio.run(run())
    assert (trace.outcome, trace.reason) == ("degraded", "corpus_failed")
    assert corpus == "support"


def test_a_second_corpus_takes_no_label_away_from_a_running_server(
    store, tmp_path, caplog
):
    own = tmp_path / "store"
    shutil.copytree(store, own, symlinks=True)
    shutil.move(own / "hotels", tmp_path / "hotels")
    settings = read_settings(store=own, open=True, reload_s=0.05)

    async def run():
        server = KBServer(settings)
        async with server.running():
            assert server.table.summary() == "* → support"
            shutil.move(tmp_path / "hotels", own / "hotels")
            while len(server.table.routes) == 1:
                await asyncio.sleep(0.01)

    with caplog.at_level("WARNING", "kbserver.endpoint"):
        asyncio.run(asyncio.wait_for(run(), LIMIT_S))
    [said] = [record.getMessage() for record in caplog.records]
    now = "hotels → hotels, support → support, * → support"
    assert f"* → support  became  {now};" in said
    assert "[[routes]]" in said


def test_routes_may_be_given_in_place_of_those_of_the_settings(store):
    written = [{"label": "*", "corpora": ["hotels"]}]
    settings = read_settings(
        store=store, deadline_ms=PATIENT_MS, open=True, reload_s=0, routes=written
    )
    given = Route(LabelPattern("only"), ("support",), settings.turn_settings())

    async def run():
        server = KBServer(settings, routes=[given])
        async with server.running():
            patterns = [route.pattern.pattern for route in server.table.routes]
            other = await server.ground("are dogs welcome", "other")
            known = await server.ground("how do i reset my router", "only")
            return patterns, other.trace.reason, known.hits[0].corpus

    assert asyncio.run(run()) == (["only"], "unknown_label", "support")


def test_a_given_route_to_a_corpus_that_is_not_there_is_an_error(store):
    settings = read_settings(store=store, open=True)
    given = Route(LabelPattern("only"), ("nowhere",), settings.turn_settings())
    with pytest.raises(SettingsError, match="'nowhere'"):
        KBServer(settings, routes=[given]).look_at_store()


@pytest.mark.parametrize(
    ("text", "limit_ms"),
    [
        ("100", 100.0),
        ("59999", 59_999.0),
        ("60000", None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("١٠٠", None),
        ("", None),
    ],
)
def test_a_budget_in_a_header_is_a_whole_number_of_milliseconds(text, limit_ms):
    assert limit_of({"x-request-timeout-ms": text}) == limit_ms


def test_the_metrics_have_a_token_of_their_own_that_opens_no_document(store):
    metrics = {"token": {"value": "metrics-token"}}
    tokens = [{"value": TOKEN}]
    server = KBServer(read_settings(store=store, tokens=tokens, metrics=metrics))
    own = {"Authorization": "Bearer metrics-token"}
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    with serving(server, ready=False) as url:
        status = [
            httpx2.get(f"{url}/metrics", headers=proxied | headers).status_code
            for headers in (own, {"Authorization": f"Bearer {TOKEN}"}, {})
        ]
        asked = httpx2.post(f"{url}/kb", json={"query": "hello"}, headers=own)
    assert status == [200, 200, 401]
    assert asked.status_code == 401


@pytest.mark.parametrize("token", [None, {"value": "metrics-token"}])
def test_a_listener_of_its_own_serves_metrics_and_no_turns(store, token):
    """A request's `server` is the address it came to, as uvicorn tells it."""
    metrics = {"listen": "127.0.0.1:9464", "token": token}
    server = KBServer(
        read_settings(store=store, tokens=[{"value": TOKEN}], metrics=metrics)
    )
    transport = httpx2.ASGITransport(app=server, client=("10.0.0.9", 1))

    async def statuses(base, headers=None):
        async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
            found = [
                (await client.get(path, headers=headers)).status_code
                for path in ("/metrics", "/healthz", "/readyz/")
            ]
            turn = await client.post("/kb", json={"query": "hello"}, headers=headers)
            return [*found, turn.status_code]

    bearer = {"Authorization": f"Bearer {TOKEN}"}
    own = {"Authorization": "Bearer metrics-token"}
    listener, front = "http://127.0.0.1:9464", "http://127.0.0.1:8080"
    first = 200 if token is None else 401
    assert asyncio.run(statuses(listener)) == [first, 200, 503, 404]
    assert asyncio.run(statuses(listener, bearer)) == [200, 200, 503, 404]
    assert asyncio.run(statuses(front))[0] == 401
    if token is not None:
        assert asyncio.run(statuses(listener, own)) == [200, 200, 503, 404]


def test_a_turn_is_a_line_in_the_log_without_its_words(store, caplog):
    settings = read_settings(
        store=store, deadline_ms=PATIENT_MS, open=True, access_log=True
    )
    server = KBServer(settings)
    with serving(server) as url, caplog.at_level("INFO", "kbserver.turns"):
        body = {"query": "how do i reset my router", "session_label": "support"}
        httpx2.post(f"{url}/kb", json=body)
    [record] = [one for one in caplog.records if one.name == "kbserver.turns"]
    assert record.event == "turn"
    assert record.facts["route"] == "support" and record.facts["ms"] > 0.0
    assert record.facts["outcome"] in ("full", "degraded")
    assert "router" not in record.getMessage() + str(record.facts)


def test_a_session_takes_no_share_of_another_label(store, monkeypatch):
    server = KBServer(read_settings(store=store, open=True))
    keys = []

    def turn(key):
        keys.append(key)
        raise Overloaded("full")

    monkeypatch.setattr(server.admission, "turn", turn)
    transport = httpx2.ASGITransport(app=server)

    async def ask_twice():
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as http:
            for label, session in (("hotels", ""), ("support", "hotels")):
                body = {"query": "hello", "session_label": label}
                headers = {"x-kbserver-session": session}
                await http.post("/kb", json=body, headers=headers)

    asyncio.run(ask_twice())
    assert len(set(keys)) == 2


def test_only_a_path_that_changes_costs_a_copy_of_the_scope(store, monkeypatch):
    server = KBServer(read_settings(store=store, open=True))
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    monkeypatch.setattr(server, "app", app)
    plain, slash = ({"type": "http", "path": path} for path in ("/kb", "/kb/"))
    for scope in (plain, slash):
        asyncio.run(server(scope, None, None))
    assert seen[0] is plain
    assert seen[1] == {"type": "http", "path": "/kb"} and slash["path"] == "/kb/"
