"""Models that misbehave while a server runs: turns go on by words, and in full once it is over."""

import itertools
import time

import httpx2
import numpy as np
import pytest

from tests.endpoint.conftest import LIMIT_S, PATIENT_MS, serving, wait_until
from tests.endpoint.faulty import FaultyModel, faulty_server, raising

TURNS = 6
DEBUG = {"x-kbserver-debug": "1"}
numbers = itertools.count()


def gives(make):
    """A trouble that gives something in place of the vectors."""

    def trouble(texts):
        return make(len(texts))

    return trouble


def raises(error):
    def trouble(texts):
        raise error

    return trouble


def slow(texts):
    time.sleep(1.5)


def vectors(count, dim=384, value=0.05):
    return np.full((count, dim), value, np.float32)


TROUBLES = {
    "raises": raising,
    "StopIteration": raises(StopIteration()),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "GeneratorExit": raises(GeneratorExit()),
    "slow": slow,
    "one row too many": gives(lambda count: vectors(count + 1)),
    "a dimension too few": gives(lambda count: vectors(count, 383)),
    "one row alone": gives(lambda count: vectors(count)[0]),
    "NaN": gives(lambda count: vectors(count, value=np.nan)),
    "infinite": gives(lambda count: vectors(count, value=np.inf)),
    "too large for single precision": gives(
        lambda count: np.full((count, 384), 1e300, np.float64)
    ),
    "a text": gives(lambda count: "vectors"),
    "objects": gives(lambda count: np.full((count, 384), object())),
}


@pytest.fixture(scope="module")
def model():
    return FaultyModel()


@pytest.fixture(scope="module")
def client(store, model):
    server = faulty_server(store, model, deadline_ms=PATIENT_MS)
    with (
        serving(server) as url,
        httpx2.Client(base_url=url, timeout=LIMIT_S) as client,
    ):
        yield client


def ask(client, limit_ms=PATIENT_MS):
    """Ask what no cache knows; the outcome and its reason."""
    query = f"how do i reset my router {next(numbers)}"
    headers = DEBUG | {"x-request-timeout-ms": str(limit_ms)}
    body = {"session_label": "support", "query": query}
    answer = client.post("/kb", json=body, headers=headers)
    assert answer.status_code == 200
    said = answer.json()
    assert "ten seconds" in said["context"], said["trace"]
    return said["trace"]["outcome"], said["trace"]["reason"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_model_that_misbehaves_costs_the_search_by_meaning_alone(
    client, model, trouble
):
    wait_until(lambda: ask(client) == ("full", ""))
    model.suffer(TROUBLES[trouble])
    try:
        limit_ms = 1_000 if trouble == "slow" else PATIENT_MS
        ends = {ask(client, limit_ms) for _ in range(TURNS)}
    finally:
        model.suffer(None)
    assert ends & {("degraded", "failed"), ("degraded", "late")}
    assert {outcome for outcome, _ in ends} == {"degraded"}
    wait_until(lambda: ask(client) == ("full", ""))


@pytest.mark.parametrize("kind", [np.float64, np.float16, "list"])
def test_vectors_of_another_kind_are_vectors(client, model, kind):
    def other(texts):
        given = model.opened[-1].real.embed_queries(texts)
        return given.tolist() if kind == "list" else given.astype(kind)

    wait_until(lambda: ask(client) == ("full", ""))
    model.suffer(other)
    try:
        assert {ask(client) for _ in range(TURNS)} == {("full", "")}
    finally:
        model.suffer(None)
