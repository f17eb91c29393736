"""Both arms start together; when the reserve begins, what is there is ranked and sent."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.models import open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.index.store import Store
from kbserver.retrieval.retriever import Retriever
from kbserver.settings import TurnSettings

from ..conftest import watches_a_clock
from .faulty import FaultyEncoder, slow

pytestmark = watches_a_clock

QUERY = "how do i reset my router"
BUDGET_MS = 500.0
NOISE_MS = 200.0  # of a machine shared with many others; what is waited for in vain takes seconds


class Impaired:
    """A part of a snapshot, the same but for what `trouble` does before a search."""

    def __init__(self, real, trouble):
        self._real, self._trouble, self.on = real, trouble, False

    def __getattr__(self, name):
        return getattr(self._real, name)

    def propose(self, *args, **kwargs):
        if self.on:
            self._trouble()
        return self._real.propose(*args, **kwargs)

    def find(self, *args, **kwargs):
        if self.on:
            self._trouble()
        return self._real.find(*args, **kwargs)


class ImpairedSnapshot:
    """A snapshot with one of its indexes impaired."""

    def __init__(self, real, **impaired):
        self._real = real
        self.__dict__.update(impaired)

    def __getattr__(self, name):
        return getattr(self._real, name)


@asynccontextmanager
async def retriever_of(store, *, encoder_trouble=None, in_loop_ms=0.0, **impaired):
    """A retriever over the support corpus; `lexical=` or `vectors=` say what happens before a search there.

    In threads, as in a large corpus, unless `in_loop_ms` is more than a search costs.
    """
    with Store(store).open("support") as snapshot, ThreadPoolExecutor(4) as threads:
        parts = {
            name: Impaired(getattr(snapshot, name), trouble)
            for name, trouble in impaired.items()
        }
        encoder = FaultyEncoder(
            open_encoder(
                snapshot.manifest.model, cache=store / ".models", for_queries=True
            )
        )
        embedder = QueryEmbedder(lambda: encoder, workers=1)
        await embedder.open()
        await embedder.until_ready()
        retriever = Retriever(
            "support",
            ImpairedSnapshot(snapshot, **parts),
            embedder,
            threads,
            in_loop_ms=in_loop_ms,
        )
        retriever.warm()
        encoder.trouble = encoder_trouble
        for part in parts.values():
            part.on = True
        try:
            yield retriever
        finally:
            await embedder.close()


async def asked(retriever, *, budget_ms=BUDGET_MS, settings=None, **more):
    began = time.perf_counter()
    deadline = Deadline.after_ms(budget_ms)
    found = await retriever.retrieve(
        QUERY, scope={}, settings=settings or TurnSettings(), deadline=deadline, **more
    )
    return found, (time.perf_counter() - began) * 1000.0


def raise_an_error():
    raise RuntimeError("the index is broken")


@pytest.mark.parametrize(
    ("impaired", "reason"),
    [
        ({"encoder_trouble": slow(2.0)}, "late"),
        ({"vectors": lambda: time.sleep(2.0)}, "late"),
        ({"vectors": raise_an_error}, "failed"),
    ],
)
def test_a_dense_arm_in_trouble_leaves_the_words(store, impaired, reason):
    async def run():
        async with retriever_of(store, **impaired) as retriever:
            return await asked(retriever)

    found, ms = asyncio.run(run())
    assert found.degraded == reason
    assert found.hits[0].passage.source == "router/reset.md"
    assert "lexical" in found.hits[0].arms and "dense" not in found.hits[0].arms
    assert ms < BUDGET_MS + NOISE_MS


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [(lambda: time.sleep(2.0), "late"), (raise_an_error, "failed")],
)
def test_a_lexical_arm_in_trouble_leaves_the_meaning(store, trouble, reason):
    async def run():
        async with retriever_of(store, lexical=trouble) as retriever:
            return await asked(retriever)

    found, ms = asyncio.run(run())
    assert found.degraded == f"lexical_{reason}"
    assert found.hits[0].passage.source == "router/reset.md"
    assert set(found.hits[0].arms) == {"dense"}
    assert ms < BUDGET_MS + NOISE_MS


@pytest.mark.parametrize("in_loop_ms", [0.0, 1000.0])
@pytest.mark.parametrize(
    ("impaired", "degraded", "arms"),
    [
        ({}, None, {"lexical", "dense"}),
        ({"encoder_trouble": slow(2.0)}, "late", {"lexical"}),
        ({"vectors": raise_an_error}, "failed", {"lexical"}),
        ({"lexical": raise_an_error}, "lexical_failed", {"dense"}),
    ],
)
def test_a_search_gives_the_same_in_the_event_loop_as_in_threads(
    store, impaired, degraded, arms, in_loop_ms
):
    async def run():
        async with retriever_of(store, in_loop_ms=in_loop_ms, **impaired) as retriever:
            return await asked(retriever)

    found, _ = asyncio.run(run())
    assert (found.degraded, set(found.hits[0].arms)) == (degraded, arms)
    assert found.hits[0].passage.source == "router/reset.md"


def test_a_search_that_has_become_dear_leaves_the_event_loop(store):
    def work():  # 20 ms of CPU time
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass

    async def run():
        async with retriever_of(store, in_loop_ms=4.0, lexical=work) as retriever:
            threads = [
                await in_threads(retriever, f"{QUERY} {number}") for number in range(20)
            ]
            return threads

    async def in_threads(retriever, query):
        """Whether the event loop went on while a search by words alone was under way."""
        went_on = []
        asyncio.get_running_loop().call_soon(went_on.append, True)
        settings = TurnSettings(arms="lexical")
        await retriever.retrieve(
            query, scope={}, settings=settings, deadline=Deadline.after_ms(BUDGET_MS)
        )
        return bool(went_on)

    threads = asyncio.run(run())
    assert not threads[0] and threads[-1]


def test_both_arms_in_trouble_give_nothing_in_time(store):
    async def run():
        async with retriever_of(
            store, lexical=lambda: time.sleep(1.0), encoder_trouble=slow(1.0)
        ) as retriever:
            return await asked(retriever)

    found, ms = asyncio.run(run())
    assert (list(found.hits), found.nothing, found.degraded) == ([], "late", None)
    assert ms < BUDGET_MS + NOISE_MS


@pytest.mark.parametrize("in_loop_ms", [0.0, 1000.0])
def test_the_arms_run_side_by_side(store, in_loop_ms):
    """Each takes 200 ms: one after the other they would not fit."""
    trouble = {"lexical": lambda: time.sleep(0.2), "encoder_trouble": slow(0.2)}

    async def run():
        async with retriever_of(store, in_loop_ms=in_loop_ms, **trouble) as retriever:
            return await asked(retriever, budget_ms=380.0)

    found, _ = asyncio.run(run())
    assert found.degraded is None
    assert set(found.hits[0].arms) == {"lexical", "dense"}


def test_an_earlier_moment_for_the_embedding_leaves_the_rest_of_the_budget(store):
    async def run():
        async with retriever_of(store, encoder_trouble=slow(1.0)) as retriever:
            return await asked(
                retriever, budget_ms=5000.0, embed_by=Deadline.after_ms(50.0)
            )

    found, ms = asyncio.run(run())
    assert (
        found.degraded == "busy" and found.hits
    )  # there was time, only not for this caller
    assert ms < 1000.0


def test_a_route_of_words_alone_is_not_degraded(store):
    async def run():
        async with retriever_of(store, encoder_trouble=slow(5.0)) as retriever:
            return await asked(retriever, settings=TurnSettings(arms="lexical"))

    found, ms = asyncio.run(run())
    assert found.degraded is None and found.hits
    assert ms < BUDGET_MS + NOISE_MS
