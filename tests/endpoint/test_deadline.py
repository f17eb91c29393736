"""Both arms start together; when the reserve begins, what is there is ranked and sent."""

import asyncio
import threading
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

from .faulty import FaultyEncoder, Stall

QUERY = "how do i reset my router"
ARMS_MS = 1500.0  # spent in full where an arm stalls
PATIENT_MS = 60_000.0  # never spent
IN_THREADS, IN_LOOP = 0.0, 1000.0  # what a search may cost in the event loop


class ArmsEndFirst(Deadline):
    """A deadline far away, whose reserve begins soon: cores that slept meanwhile wake slowly."""

    def less_ms(self, reserve_ms):
        return Deadline.after_ms(ARMS_MS)


class Impaired:
    """A part of a snapshot, the same but for what `trouble` does before a search."""

    def __init__(self, real, trouble):
        self._real = real
        self._trouble = trouble
        self.on = False

    def __getattr__(self, name):
        return getattr(self._real, name)

    def propose(self, *args, **kwargs):
        self._suffer()
        return self._real.propose(*args, **kwargs)

    def find(self, *args, **kwargs):
        self._suffer()
        return self._real.find(*args, **kwargs)

    def _suffer(self):
        if self.on:
            self._trouble()


class ImpairedSnapshot:
    """A snapshot with some of its indexes impaired."""

    def __init__(self, real, **impaired):
        self._real = real
        self.__dict__.update(impaired)

    def __getattr__(self, name):
        return getattr(self._real, name)


@pytest.fixture
def stall():
    """Trouble that lasts until the test is over, or releases it."""
    stall = Stall()
    yield stall
    stall.released.set()


@asynccontextmanager
async def retriever_of(
    store, *, encoder_trouble=None, in_loop_ms=IN_THREADS, **impaired
):
    """A retriever over the support corpus; `lexical=` and `vectors=` impair an index.

    In threads, as in a large corpus, unless `in_loop_ms` is more than a search costs.
    """
    with Store(store).open("support") as snapshot, ThreadPoolExecutor(4) as threads:
        parts = {
            name: Impaired(getattr(snapshot, name), trouble)
            for name, trouble in impaired.items()
        }
        model = snapshot.manifest.model
        real = open_encoder(model, cache=store / ".models", for_queries=True)
        encoder = FaultyEncoder(real)
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
            release(encoder_trouble, *impaired.values())
            await embedder.close()


def release(*troubles):
    for trouble in troubles:
        if isinstance(trouble, Stall):
            trouble.released.set()


def retrieved(
    store, *, deadline=ArmsEndFirst, embed_by_ms=None, settings=None, **impaired
):
    """Search once; what was found, and whether trouble held an arm to the end."""

    async def run():
        async with retriever_of(store, **impaired) as retriever:
            embed_by = None
            if embed_by_ms is not None:
                embed_by = Deadline.after_ms(embed_by_ms)
            found = await retriever.retrieve(
                QUERY,
                scope={},
                settings=settings or TurnSettings(),
                deadline=deadline.after_ms(PATIENT_MS),
                embed_by=embed_by,
            )
            stalls = [one for one in impaired.values() if isinstance(one, Stall)]
            return found, all(one.holding for one in stalls)

    return asyncio.run(run())


def raise_an_error(*args):
    raise RuntimeError("the index is broken")


@pytest.mark.parametrize("impaired", ["encoder_trouble", "vectors"])
def test_a_dense_arm_that_stalls_leaves_the_words(store, stall, impaired):
    found, held = retrieved(store, **{impaired: stall})
    assert held  # the answer did not wait for it
    assert found.degraded == "late"
    assert found.hits[0].passage.source == "router/reset.md"
    assert "lexical" in found.hits[0].arms and "dense" not in found.hits[0].arms


def test_a_dense_arm_that_fails_leaves_the_words(store):
    found, _ = retrieved(store, deadline=Deadline, vectors=raise_an_error)
    assert found.degraded == "failed"
    assert found.hits[0].passage.source == "router/reset.md"
    assert "lexical" in found.hits[0].arms and "dense" not in found.hits[0].arms


def test_a_lexical_arm_that_stalls_leaves_the_meaning(store, stall):
    found, held = retrieved(store, lexical=stall)
    assert held
    assert found.degraded == "lexical_late"
    assert found.hits[0].passage.source == "router/reset.md"
    assert set(found.hits[0].arms) == {"dense"}


def test_a_lexical_arm_that_fails_leaves_the_meaning(store):
    found, _ = retrieved(store, deadline=Deadline, lexical=raise_an_error)
    assert found.degraded == "lexical_failed"
    assert found.hits[0].passage.source == "router/reset.md"
    assert set(found.hits[0].arms) == {"dense"}


@pytest.mark.parametrize("in_loop_ms", [IN_THREADS, IN_LOOP])
@pytest.mark.parametrize(
    ("impaired", "degraded", "arms"),
    [
        ({}, None, {"lexical", "dense"}),
        ({"vectors": raise_an_error}, "failed", {"lexical"}),
        ({"lexical": raise_an_error}, "lexical_failed", {"dense"}),
    ],
)
def test_a_search_gives_the_same_in_the_event_loop_as_in_threads(
    store, impaired, degraded, arms, in_loop_ms
):
    found, _ = retrieved(store, deadline=Deadline, in_loop_ms=in_loop_ms, **impaired)
    assert (found.degraded, set(found.hits[0].arms)) == (degraded, arms)
    assert found.hits[0].passage.source == "router/reset.md"


def test_a_model_that_stalls_leaves_the_words_in_the_event_loop_too(store, stall):
    found, held = retrieved(store, in_loop_ms=IN_LOOP, encoder_trouble=stall)
    assert held
    assert (found.degraded, set(found.hits[0].arms)) == ("late", {"lexical"})


def test_a_search_that_has_become_dear_leaves_the_event_loop(store):
    worked_in = []

    def work():  # several times what the event loop is left for
        worked_in.append(threading.get_ident())
        until = time.thread_time() + 0.25
        while time.thread_time() < until:
            pass

    async def run():
        async with retriever_of(store, in_loop_ms=80.0, lexical=work) as retriever:
            for number in range(20):
                await retriever.retrieve(
                    f"{QUERY} {number}",
                    scope={},
                    settings=TurnSettings(arms="lexical"),
                    deadline=Deadline.after_ms(PATIENT_MS),
                )

    asyncio.run(run())
    left = [thread != threading.get_ident() for thread in worked_in]
    assert not left[0] and left[-1]
    assert left == sorted(left)  # and does not come back


def test_two_arms_that_stall_give_nothing(store, stall):
    found, held = retrieved(store, lexical=stall, encoder_trouble=Stall())
    assert held
    assert (list(found.hits), found.nothing) == ([], "late")
    assert not found.degraded


@pytest.mark.parametrize("in_loop_ms", [IN_THREADS, IN_LOOP])
def test_the_arms_run_side_by_side(store, in_loop_ms):
    """Each waits for the other: one after the other, neither would come to its end."""
    meeting = threading.Barrier(2, timeout=30.0)

    def meet(*args):
        meeting.wait()

    found, _ = retrieved(
        store,
        deadline=Deadline,
        in_loop_ms=in_loop_ms,
        lexical=meet,
        encoder_trouble=meet,
    )
    assert found.degraded is None
    assert set(found.hits[0].arms) == {"lexical", "dense"}


def test_an_earlier_moment_for_the_embedding_leaves_the_rest_of_the_budget(store):
    held = False
    embed_by_ms = 50.0
    while not held and embed_by_ms < 10_000.0:  # a busy machine begins later
        found, held = retrieved(
            store, deadline=Deadline, embed_by_ms=embed_by_ms, encoder_trouble=Stall()
        )
        embed_by_ms *= 10.0
    assert held
    # There was time, but not for this caller.
    assert found.degraded == "busy" and found.hits


def test_a_route_of_words_alone_asks_no_model_and_is_not_degraded(store, stall):
    found, _ = retrieved(
        store,
        deadline=Deadline,
        settings=TurnSettings(arms="lexical"),
        encoder_trouble=stall,
    )
    assert not stall.entered.is_set()
    assert found.degraded is None and found.hits
