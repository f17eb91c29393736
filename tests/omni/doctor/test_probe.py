import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.omni.doctor.probe import Probe, Response, percentile
from kbserver.omni.failures import Failure
from kbserver.omni.serving import base_url, serving

TURN = {"session_label": None, "query": "reset my pin"}


@pytest.mark.anyio
async def test_what_comes_back_is_a_response_with_its_time(kb):
    async with Probe(kb.url, kb.token) as probe:
        response = await probe.ask(TURN)
    assert response.status == 200
    assert response.fields["results"][0]["id"] == "kb-pin"
    assert response.headers["content-type"] == "application/json"
    assert response.took_ms > 0
    assert str(response) == "HTTP 200"


@pytest.mark.anyio
async def test_another_token_or_none_replaces_the_probes_own(kb):
    async with Probe(kb.url, kb.token) as probe:
        for token, status in (("other", 401), (None, 401), (kb.token, 200)):
            assert (await probe.ask(TURN, token=token)).status == status
    sent = [request["headers"].get("authorization") for request in kb.requests]
    assert sent == ["Bearer other", None, f"Bearer {kb.token}"]


@pytest.mark.anyio
async def test_connections_are_kept_unless_fresh_ones_are_wanted(kb):
    for fresh, connections in ((False, 1), (True, 3)):
        kb.connections.clear()
        async with Probe(kb.url, kb.token, fresh=fresh) as probe:
            for _ in range(3):
                await probe.ask(TURN)
        assert len(kb.connections) == connections


@pytest.mark.anyio
async def test_responses_are_in_the_order_of_the_bodies(kb):
    bodies = [{"session_label": None, "query": f"q{number}"} for number in range(9)]
    async with Probe(kb.url, kb.token) as probe:
        responses = await probe.ask_all(bodies)
    assert [response.fields["query"] for response in responses] == [
        body["query"] for body in bodies
    ]


@pytest.mark.anyio
async def test_nothing_there_is_a_response_with_its_failure():
    async with serving(lambda *_: None) as server:
        closed = base_url(server)
    async with Probe(f"{closed}/kb", None) as probe:
        response = await probe.ask(TURN)
    assert response.status == 0
    assert response.failure is not None
    assert response.failure.word == "refused"
    assert str(response) == response.failure.sentence


@given(st.binary(max_size=60))
def test_any_body_has_fields(body):
    assert isinstance(Response(200, body).fields, dict)


def test_a_body_that_is_no_object_has_none():
    assert Response(200, b"[1]").fields == {}
    assert Response(200, b'{"a": 1}').fields == {"a": 1}
    assert str(Response(0, failure=Failure("dns", "no such name"))) == "no such name"


@given(
    st.lists(st.floats(0, 1e6), min_size=1), st.sampled_from([0.01, 0.5, 0.95, 0.99, 1])
)
def test_a_percentile_is_a_value_that_the_share_does_not_exceed(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_of_no_values_there_is_no_percentile():
    assert math.isnan(percentile([], 0.5))
