"""When something breaks, each turn is answered with what is left, and with all once it is over."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from .conftest import LIMIT_S, PATIENT_MS, serving, wait_until
from .faulty import (
    FaultyModel,
    Stall,
    faulty_server,
    killed,
    not_a_number,
    raising,
    store_with_an_offer,
)

DEBUG = {"x-kbserver-debug": "1"}
IMPATIENT = {"x-request-timeout-ms": "1500"}
numbers = itertools.count()


def ask(client, query="how do i reset my router", headers=None):
    """Ask what no cache knows; the trace."""
    body = {"session_label": "support", "query": f"{query} {next(numbers)}"}
    answer = client.post("/kb", json=body, headers=DEBUG | (headers or {})).json()
    assert "ten seconds" in answer["context"], answer["trace"]
    return answer["trace"]


def ended(trace):
    return trace["outcome"], trace["reason"]


def wait_until_full(client):
    wait_until(lambda: ask(client)["outcome"] == "full")


@pytest.fixture(scope="module")
def model():
    return FaultyModel()


@pytest.fixture(scope="module")
def faulty_client(store, model):
    server = faulty_server(store, model, deadline_ms=PATIENT_MS)
    with (
        serving(server) as url,
        httpx2.Client(base_url=url, timeout=LIMIT_S) as client,
    ):
        yield client


@pytest.fixture
def client(faulty_client, model):
    """A client of a server whose model is well before the test, and after it."""
    wait_until_full(faulty_client)
    yield faulty_client
    model.suffer(None)


@pytest.mark.parametrize("trouble", [raising, killed, not_a_number])
def test_a_failing_embedder_costs_the_dense_arm_alone(client, model, trouble):
    model.suffer(trouble)
    ends = {ended(ask(client)) for _ in range(8)}
    model.suffer(None)
    assert ("degraded", "failed") in ends
    assert ends <= {("degraded", "failed"), ("degraded", "busy")}
    failed = 'kbserver_turns_degraded_total{corpus="support",reason="failed",route="support"}'
    assert counters(client)[failed] >= 1
    wait_until_full(client)


def counters(client):
    lines = client.get("/metrics").text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line[0] != "#")
    return {name: float(value) for name, value in samples}


def test_a_caller_may_lower_the_budget(client, model):
    stall = Stall()
    model.suffer(stall)
    with ThreadPoolExecutor(1) as another_caller:
        patient = another_caller.submit(ask, client)
        assert stall.entered.wait(LIMIT_S)
        impatient = ask(client, headers=IMPATIENT)
        assert not patient.done()  # it has the route's own budget
        stall.released.set()
        patient.result()
    assert impatient["outcome"] == "degraded"
    assert impatient["reason"] in ("late", "busy")


def test_a_hung_embedder_is_left_behind(client, model):
    stall = Stall()
    model.suffer(stall)
    traces = [ask(client, headers=IMPATIENT) for _ in range(6)]
    assert stall.holding
    model.suffer(None)
    stall.released.set()
    assert traces[0]["reason"] == "late"
    assert {trace["reason"] for trace in traces} <= {"late", "busy", "failed"}
    wait_until_full(client)


def test_turns_are_answered_by_words_while_the_model_is_loading(store):
    stall = Stall()

    class Loading(FaultyModel):
        def __call__(self, *args, **kwargs):
            stall()
            return super().__call__(*args, **kwargs)

    server = faulty_server(store, Loading(), deadline_ms=PATIENT_MS)
    with (
        serving(server, ready=False) as url,
        httpx2.Client(base_url=url, timeout=LIMIT_S) as client,
    ):
        assert ended(ask(client)) == ("degraded", "loading")
        assert client.get("/readyz").status_code == 503
        stall.released.set()
        wait_until_full(client)
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("years", [10, -10])
def test_a_clock_that_jumps_changes_what_is_valid_and_nothing_else(
    store, tmp_path, monkeypatch, years
):
    offers_store = store_with_an_offer(tmp_path, store / ".models")
    server = faulty_server(
        offers_store, FaultyModel(), deadline_ms=PATIENT_MS, min_score=0.0
    )
    true_time = time.time
    jump_s = years * 365 * 86_400
    with (
        serving(server) as url,
        httpx2.Client(base_url=url, timeout=LIMIT_S) as client,
    ):
        assert offers(client) == {"spring", "always"}
        monkeypatch.setattr(time, "time", lambda: true_time() + jump_s)
        assert offers(client) == {"always"}
        monkeypatch.undo()
        assert offers(client) == {"spring", "always"}


def offers(client):
    query = f"what does the offer cost {next(numbers)}"
    body = {"session_label": "x", "query": query}
    answer = client.post("/kb", json=body, headers=DEBUG).json()
    assert answer["trace"]["outcome"] == "full", answer
    return {word for word in ("spring", "always") if word in answer["context"]}
