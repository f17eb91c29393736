"""Beyond capacity: meaning is shed first, then turns are refused at once; nobody else is harmed."""

import asyncio
import resource
import socket
import time
from collections import Counter

import httpx2
import pytest

from ..conftest import watches_a_clock
from .conftest import serving
from .faulty import FaultyModel, faulty_server, slow

pytestmark = [pytest.mark.xdist_group("overload"), watches_a_clock]

BUDGET_MS = 1000  # of a test that shares two cores; the model below is slowed down in proportion
MODEL_S = 0.08  # two at a time: 25 queries a second, whatever the machine


@pytest.fixture(scope="module")
def server(store):
    model = FaultyModel()
    server = faulty_server(store, model, deadline_ms=BUDGET_MS, embed_threads=2)
    server.model = model
    return server


@pytest.fixture(scope="module")
def url(server):
    with serving(server) as url:
        server.model.suffer(slow(MODEL_S))
        yield url


async def turn(client, label, number):
    body = {
        "session_label": label,
        "query": f"how do i reset my router {label} {number}",
    }
    began = time.perf_counter()
    response = await client.post("/kb", json=body, headers={"x-kbserver-debug": "1"})
    trace = response.json().get("trace", {})
    said = (
        "refused"
        if response.status_code == 503
        else f"{trace['outcome']} {trace['reason']}".strip()
    )
    return label, said, (time.perf_counter() - began) * 1000.0, trace.get("in_budget")


async def offered(url, rates, seconds):
    """Offer turns at a rate a second for each label, however slowly they are answered."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=30, limits=limits) as client:
        began, tasks = time.perf_counter(), []

        async def label_of(label, rate):
            for number in range(int(rate * seconds)):
                await asyncio.sleep(
                    max(0.0, began + number / rate - time.perf_counter())
                )
                tasks.append(asyncio.create_task(turn(client, label, number)))

        await asyncio.gather(*(label_of(label, rate) for label, rate in rates.items()))
        return await asyncio.gather(*tasks)


def share(turns, label, said):
    mine = [one for one in turns if one[0] == label]
    return sum(one[1] == said for one in mine) / len(mine)


def test_meaning_is_shed_first_and_every_turn_is_answered_in_its_budget(url):
    turns = asyncio.run(offered(url, {"support": 60}, 3.0))
    said = Counter(one[1] for one in turns)
    assert set(said) <= {"full", "degraded busy", "degraded late"}, said
    assert said["full"] >= 40 and said["degraded busy"] >= 20
    assert sum(bool(one[3]) for one in turns) >= 0.95 * len(turns)
    time.sleep(1.0)
    after = asyncio.run(offered(url, {"support": 5}, 1.0))
    assert [one[1] for one in after] == ["full"] * 5


def test_a_noisy_label_leaves_the_model_to_the_others(url):
    turns = asyncio.run(offered(url, {"support": 80, "hotels": 8}, 4.0))
    noisy = share(turns, "support", "full")
    quiet = (
        1.0
        - share(turns, "hotels", "degraded busy")
        - share(turns, "hotels", "degraded late")
    )
    assert noisy < 0.6
    assert quiet > 0.85


def test_health_and_metrics_stay_answerable_under_overload(url):
    async def both():
        load = asyncio.create_task(offered(url, {"support": 100}, 2.0))
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            took = []
            while not load.done():
                began = time.perf_counter()
                assert (await client.get("/healthz")).status_code == 200
                took.append(time.perf_counter() - began)
                await asyncio.sleep(0.05)
            assert (await client.get("/metrics")).status_code == 200
        await load
        return sorted(took)

    took = asyncio.run(both())
    assert took[len(took) // 2] < 0.1
    assert took[-1] < BUDGET_MS / 1000.0


def test_too_much_even_for_words_is_refused_at_once(store):
    server = faulty_server(
        store, FaultyModel(), deadline_ms=BUDGET_MS, max_concurrent_turns=4
    )

    @server.route("stuck", deadline_ms=BUDGET_MS)
    async def stuck(turn):
        await asyncio.sleep(0.5)

    async def run(url):
        async with httpx2.AsyncClient(base_url=url, timeout=30) as client:
            body = {"session_label": "stuck", "query": "where is my parcel"}
            return await asyncio.gather(*(timed(client, body) for _ in range(24)))

    async def timed(client, body):
        began = time.perf_counter()
        response = await client.post("/kb", json=body)
        return response, time.perf_counter() - began

    with serving(server) as url:
        answers = asyncio.run(run(url))
    refused = [
        (response, took) for response, took in answers if response.status_code == 503
    ]
    assert Counter(response.status_code for response, _ in answers) == {200: 4, 503: 20}
    assert all(response.headers["retry-after"] == "1" for response, _ in refused)
    assert all(
        response.json()["error"]["code"] == "overloaded" for response, _ in refused
    )
    assert (
        sorted(took for _, took in refused)[10] < 0.45
    )  # before the turns that hold the places are over


def connected(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_slow_senders_hold_no_places(store):
    server = faulty_server(
        store, FaultyModel(), deadline_ms=BUDGET_MS, max_concurrent_turns=2
    )
    head = b"POST /kb HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
    with serving(server) as url, httpx2.Client(base_url=url, timeout=30) as client:
        slow_ones = [connected(url) for _ in range(50)]
        try:
            for one in slow_ones[:25]:
                one.sendall(head + b"{")
            for one in slow_ones[25:]:
                one.sendall(head[:20])  # half open: not even the headers
            answer = client.post(
                "/kb",
                json={"session_label": "support", "query": "how do i reset my router"},
            )
            assert answer.status_code == 200 and answer.json()["context"]
        finally:
            for one in slow_ones:
                one.close()


def test_slow_readers_and_those_who_leave_hold_nothing(store):
    server = faulty_server(store, FaultyModel(), deadline_ms=BUDGET_MS)
    body = b'{"session_label": "support", "query": "how do i reset my router"}'
    request = (
        b"POST /kb HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    with serving(server) as url, httpx2.Client(base_url=url, timeout=30) as client:
        readers = [connected(url) for _ in range(20)]
        for one in readers:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.sendall(request * 20)  # pipelined, and never read
        for one in readers[10:]:
            one.close()
        began = time.monotonic()
        answer = client.post(
            "/kb",
            json={"session_label": "support", "query": "what does a paper bill cost"},
        )
        assert answer.status_code == 200 and answer.json()["context"]
        assert time.monotonic() - began < 5.0
        for one in readers:
            one.close()
        deadline = time.monotonic() + 10
        while server.admission.in_work and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.admission.in_work == 0


def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def test_idle_connections_do_no_harm(store):
    """As many of 10,000 as the limit on open files allows; server and client need one each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(10_000, (hard - 500) // 2) if hard != resource.RLIM_INFINITY else 10_000
    server = faulty_server(store, FaultyModel(), deadline_ms=BUDGET_MS)
    try:
        with serving(server) as url, httpx2.Client(base_url=url, timeout=30) as client:
            question = {"session_label": "support", "query": "how do i reset my router"}
            assert client.post("/kb", json=question).status_code == 200
            before, idle = resident_mb(), []
            for number in range(count):
                idle.append(connected(url))
                if number % 100 == 0:  # lets the server accept
                    assert client.get("/healthz").status_code == 200
            grown = resident_mb() - before
            took = []
            for _ in range(10):
                began = time.monotonic()
                assert client.post("/kb", json=question).json()["context"]
                took.append(time.monotonic() - began)
            assert sorted(took)[5] < 0.2
            assert grown / count < 0.03  # MB a connection, the client's end included
            for one in idle:
                one.close()
            assert client.post("/kb", json=question).status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
