"""Both arms start together; when the reserve begins, what is there is ranked and sent."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.batcher import QueryEmbedder
from kbserver.embedding.models import open_encoder
from kbserver.index.store import Store
from kbserver.retrieval.hybrid import Retriever
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

    def search(self, *args, **kwargs):
        if self.on:
            self._trouble()
        return self._real.search(*args, **kwargs)

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
async def retriever_of(store, *, encoder_trouble=None, **impaired):
    """A retriever over the support corpus; `lexical=` or `vectors=` say what happens before a search there."""
    with Store(store).open("support") as snapshot, ThreadPoolExecutor(4) as threads:
        parts = {name: Impaired(getattr(snapshot, name), trouble) for name, trouble in impaired.items()}
        encoder = FaultyEncoder(open_encoder(snapshot.manifest.model, cache=store / ".models", for_queries=True))
        embedder = QueryEmbedder(lambda: encoder, workers=1)
        await embedder.start()
        await embedder.until_ready()
        retriever = Retriever("support", ImpairedSnapshot(snapshot, **parts), embedder, threads)
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
    found = await retriever.retrieve(QUERY, scope={}, settings=settings or TurnSettings(), deadline=deadline, **more)
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


@pytest.mark.parametrize(("trouble", "reason"), [(lambda: time.sleep(2.0), "late"), (raise_an_error, "failed")])
def test_a_lexical_arm_in_trouble_leaves_the_meaning(store, trouble, reason):
    async def run():
        async with retriever_of(store, lexical=trouble) as retriever:
            return await asked(retriever)

    found, ms = asyncio.run(run())
    assert found.degraded == f"lexical_{reason}"
    assert found.hits[0].passage.source == "router/reset.md"
    assert set(found.hits[0].arms) == {"dense"}
    assert ms < BUDGET_MS + NOISE_MS


def test_both_arms_in_trouble_give_nothing_in_time(store):
    async def run():
        async with retriever_of(store, lexical=lambda: time.sleep(1.0), encoder_trouble=slow(1.0)) as retriever:
            return await asked(retriever)

    found, ms = asyncio.run(run())
    assert (list(found.hits), found.nothing, found.degraded) == ([], "late", None)
    assert ms < BUDGET_MS + NOISE_MS


def test_the_arms_run_side_by_side(store):
    """Each takes 200 ms: one after the other they would not fit."""

    async def run():
        async with retriever_of(store, lexical=lambda: time.sleep(0.2), encoder_trouble=slow(0.2)) as retriever:
            return await asked(retriever, budget_ms=380.0)

    found, _ = asyncio.run(run())
    assert found.degraded is None
    assert set(found.hits[0].arms) == {"lexical", "dense"}


def test_an_earlier_moment_for_the_embedding_leaves_the_rest_of_the_budget(store):
    async def run():
        async with retriever_of(store, encoder_trouble=slow(1.0)) as retriever:
            return await asked(retriever, budget_ms=5000.0, embed_by=Deadline.after_ms(50.0))

    found, ms = asyncio.run(run())
    assert found.degraded == "busy" and found.hits  # there was time, only not for this caller
    assert ms < 1000.0


def test_a_route_of_words_alone_is_not_degraded(store):
    async def run():
        async with retriever_of(store, encoder_trouble=slow(5.0)) as retriever:
            return await asked(retriever, settings=TurnSettings(arms="lexical"))

    found, ms = asyncio.run(run())
    assert found.degraded is None and found.hits
    assert ms < BUDGET_MS + NOISE_MS
