"""What would hold the event loop happens elsewhere, and what a turn costs it is bounded."""

import asyncio
import threading
import time

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.asking.ask import Ask
from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.ground import Call, Services, ground
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.endpoint.turn import HEARD_CHARACTERS
from kbserver.labels import LabelPattern
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import TurnSettings, read_settings

from .conftest import PATIENT_MS, serving

SENTENCE = "and then i asked them how do i reset my router because the light was red "
MINUTE = SENTENCE * (HEARD_CHARACTERS // len(SENTENCE))
HOUR = SENTENCE * 700  # 50 KB
ROUNDS = 15


@pytest.fixture
def services(corpora):
    """Words alone are searched, in the event loop."""
    settings = TurnSettings(deadline_ms=10_000, arms="lexical", follow_up=False)
    route = Route(LabelPattern("*"), ("support",), settings)
    return Services(
        RouteTable([route]), corpora.retrievers, Memory(), GroundingCache(0)
    )


@pytest.mark.parametrize(
    ("longer", "usual"),
    [(HOUR, MINUTE), ("x" * 50_000, "x" * HEARD_CHARACTERS)],
    ids=["speech", "a single endless word"],
)
def test_an_hour_costs_the_event_loop_hardly_more_than_a_minute(
    loop, services, longer, usual
):
    costs_s = {longer: [], usual: []}
    for number in range(ROUNDS):
        for query, costs in costs_s.items():
            call = Call(Ask(f"{query} {number}", "support"))
            began = time.thread_time()
            loop.run(ground(call, services))
            costs.append(time.thread_time() - began)
    least = {query: min(costs) for query, costs in costs_s.items()}
    assert least[longer] < 3 * least[usual]


class Watched(Metrics):
    """Metrics that remember which thread wrote their page."""

    def __init__(self):
        super().__init__()
        self.threads = []

    def page(self):
        self.threads.append(threading.get_ident())
        return super().page()


def test_the_page_of_metrics_is_written_in_another_thread(store):
    server = KBServer(read_settings(store=store, open=True, deadline_ms=PATIENT_MS))
    server.metrics = Watched()
    loop_thread = []

    @server.route("where")
    async def where(turn):
        loop_thread.append(threading.get_ident())

    body = {"session_label": "where", "query": "where am i"}
    with serving(server) as url:
        httpx2.post(f"{url}/kb", json=body)
        assert httpx2.get(f"{url}/metrics").status_code == 200
    assert len(loop_thread) == len(server.metrics.threads) == 1
    assert loop_thread != server.metrics.threads


def test_the_event_loop_goes_on_while_the_store_is_looked_at(loop, corpora):
    async def run():
        went_on = []
        asyncio.get_running_loop().call_soon(went_on.append, True)
        changed = await corpora.refresh()
        return changed, went_on

    assert loop.run(run()) == (False, [True])
