"""Beyond capacity: meaning is shed first, then turns are refused; health stays answerable."""

import asyncio
import itertools
import resource
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from .conftest import LIMIT_S, PATIENT_MS, serving, wait_until
from .faulty import FaultyModel, faulty_server, slow

BUDGET_MS = 4000
MODEL_S = 0.5  # for each query, in each of two threads
numbers = itertools.count()
MOST_FULL = 2 * int(BUDGET_MS / 1000 / MODEL_S)  # in one budget, on any machine


@pytest.fixture(scope="module")
def model():
    return FaultyModel()


@pytest.fixture(scope="module")
def url(store, model):
    server = faulty_server(store, model, deadline_ms=BUDGET_MS, embed_threads=2)
    with serving(server) as url:
        model.suffer(slow(MODEL_S))
        yield url


def burst(url, labels):
    """Ask one turn for each label, all at once; (label, how it ended) of each."""
    return asyncio.run(_burst(url, labels))


async def _burst(url, labels):
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=url, timeout=LIMIT_S, limits=limits
    ) as client:
        return await asyncio.gather(*(turn(client, label) for label in labels))


async def turn(client, label):
    query = f"how do i reset my router {next(numbers)}"  # in no cache
    body = {"session_label": label, "query": query}
    response = await client.post("/kb", json=body, headers={"x-kbserver-debug": "1"})
    if response.status_code == 503:
        return label, "refused"
    trace = response.json()["trace"]
    return label, f"{trace['outcome']} {trace['reason']}".strip()


def by_both_arms(turns, label):
    """The share of a label's turns for which the model had time."""
    ends = [end for one, end in turns if one == label]
    shed = [end for end in ends if end.endswith(("busy", "late"))]
    return 1.0 - len(shed) / len(ends)


def turned_away_from_the_model(url):
    """How many turns of a burst do not wait for the model; each is answered."""
    turns = burst(url, ["support"] * 2 * MOST_FULL)
    ends = Counter(end for _, end in turns)
    assert set(ends) <= {"full", "degraded busy", "degraded late"}, ends
    assert ends["full"] <= MOST_FULL
    return ends["degraded busy"]


def test_meaning_is_shed_first_and_every_turn_is_answered(url):
    # How slow the model is is learnt from what it answers: in the first burst, or in a later one.
    wait_until(lambda: turned_away_from_the_model(url))
    wait_until(lambda: burst(url, ["support"]) == [("support", "full")])


def test_a_noisy_label_gets_half_of_the_model_at_most_and_all_are_answered(url):
    burst(url, ["hotels"])  # known as one of those that share, before the noise begins
    turns = burst(url, ["support"] * 2 * MOST_FULL + ["hotels"] * 4)
    assert by_both_arms(turns, "support") <= 0.5
    assert "refused" not in {end for label, end in turns if label == "hotels"}


def test_too_much_even_for_words_is_refused_and_health_stays_answerable(store):
    server = faulty_server(
        store, FaultyModel(), deadline_ms=PATIENT_MS, max_concurrent_turns=4
    )
    begun, answer_now = threading.Semaphore(0), threading.Event()

    @server.route("held", deadline_ms=10_000)
    async def held(turn):
        begun.release()
        await asyncio.to_thread(answer_now.wait)

    body = {"session_label": "held", "query": "where is my parcel"}
    with (
        serving(server) as url,
        httpx2.Client(base_url=url, timeout=LIMIT_S) as client,
        ThreadPoolExecutor(4) as callers,
    ):
        first = [callers.submit(httpx2.post, f"{url}/kb", json=body) for _ in range(4)]
        try:
            for _ in first:
                assert begun.acquire(timeout=LIMIT_S)
            refused = [client.post("/kb", json=body) for _ in range(20)]
            pages = [client.get(path) for path in ("/healthz", "/readyz", "/metrics")]
            assert not any(one.done() for one in first)  # they still hold the places
        finally:
            answer_now.set()
        assert {one.result().status_code for one in first} == {200}
    assert {response.status_code for response in refused} == {503}
    assert {response.headers["retry-after"] for response in refused} == {"1"}
    codes = {response.json()["error"]["code"] for response in refused}
    assert codes == {"overloaded"}
    assert [page.status_code for page in pages] == [200, 200, 200]


def connected(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=LIMIT_S)


def test_slow_senders_hold_no_places(store):
    server = faulty_server(
        store, FaultyModel(), deadline_ms=PATIENT_MS, max_concurrent_turns=2
    )
    head = b"POST /kb HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n"
    question = {"session_label": "support", "query": "how do i reset my router"}
    with serving(server) as url, httpx2.Client(base_url=url, timeout=LIMIT_S) as client:
        senders = [connected(url) for _ in range(50)]
        try:
            for one in senders[:25]:
                one.sendall(head + b"{")
            for one in senders[25:]:
                one.sendall(head[:20])  # half open: not even the headers
            answer = client.post("/kb", json=question)
            assert answer.status_code == 200 and answer.json()["context"]
        finally:
            for one in senders:
                one.close()


def test_slow_readers_and_callers_that_leave_hold_nothing(store):
    server = faulty_server(store, FaultyModel(), deadline_ms=PATIENT_MS)
    body = b'{"session_label": "support", "query": "how do i reset my router"}'
    head = b"POST /kb HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    question = {"session_label": "support", "query": "what does a paper bill cost"}
    with serving(server) as url, httpx2.Client(base_url=url, timeout=LIMIT_S) as client:
        readers = [connected(url) for _ in range(20)]
        for one in readers:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.sendall((head + body) * 20)  # pipelined, and never read
        for one in readers[10:]:
            one.close()
        answer = client.post("/kb", json=question)
        assert answer.status_code == 200 and answer.json()["context"]
        for one in readers:
            one.close()
        wait_until(lambda: server.admission.in_work == 0)


def resident_mb():
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.fixture
def many_files():
    """Raise the limit on open files as far as it goes; it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_idle_connections_do_no_harm(store, many_files):
    """As many of 3,000 as the limit on open files allows; both ends need one each."""
    count = 3_000
    if many_files != resource.RLIM_INFINITY:
        count = min(count, (many_files - 500) // 2)
    server = faulty_server(store, FaultyModel(), deadline_ms=PATIENT_MS)
    question = {"session_label": "support", "query": "how do i reset my router"}
    with serving(server) as url, httpx2.Client(base_url=url, timeout=LIMIT_S) as client:
        assert client.post("/kb", json=question).status_code == 200
        before_mb = resident_mb()
        idle = []
        for number in range(count):
            idle.append(connected(url))
            if number % 100 == 0:  # lets the server accept
                assert client.get("/healthz").status_code == 200
        grown_mb = resident_mb() - before_mb
        assert client.post("/kb", json=question).json()["context"]
        assert grown_mb / count < 0.03  # of a connection, the client's end included
        for one in idle:
            one.close()
        assert client.post("/kb", json=question).status_code == 200
