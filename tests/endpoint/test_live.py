"""The corpora of a store, opened and swapped without a server around them."""

import asyncio
import shutil
from contextlib import asynccontextmanager

import pytest

from kbserver.endpoint.live import LiveCorpora
from kbserver.endpoint.metrics import Metrics
from kbserver.errors import StoreMissing
from kbserver.index.store import Store
from kbserver.settings import read_settings


@pytest.fixture
def own_store(store, tmp_path):
    """A copy of the store that may be changed."""
    copied = tmp_path / "store"
    shutil.copytree(store, copied, symlinks=True)
    return copied


@asynccontextmanager
async def opened(store, metrics=None, **more):
    live = LiveCorpora(store, read_settings(store=store), metrics or Metrics(), **more)
    await live.open()
    try:
        yield live
    finally:
        await live.close()


def test_corpora_of_one_model_share_its_embedder(own_store):
    async def run():
        async with opened(own_store) as live:
            await live.until_ready()
            assert live.ready
            assert live.queue_length == 0
            assert len(live._embedders) == 1
            return sorted(live.retrievers)

    assert asyncio.run(run()) == ["hotels", "support"]


def test_it_is_not_ready_before_it_is_opened_nor_after_it_is_closed(own_store):
    async def run():
        live = LiveCorpora(own_store, read_settings(store=own_store), Metrics())
        assert not live.ready
        await live.open()
        await live.until_ready()
        await live.close()
        return live.ready, live.retrievers

    assert asyncio.run(run()) == (False, {})


def test_a_store_without_a_corpus_is_missing(tmp_path):
    live = LiveCorpora(tmp_path, read_settings(store=tmp_path), Metrics())
    with pytest.raises(StoreMissing, match="kbserver ingest PATH --store"):
        live.on_disk()
    asyncio.run(live.close())


def test_nothing_is_taken_over_while_nothing_changes(own_store):
    async def run():
        async with opened(own_store) as live:
            before = dict(live.retrievers)
            assert not await live.refresh()
            return before == live.retrievers

    assert asyncio.run(run())


def test_a_corpus_that_is_taken_away_is_retired(own_store):
    metrics = Metrics()

    async def run():
        async with opened(own_store, metrics) as live:
            shutil.rmtree(own_store / "hotels")
            assert await live.refresh()
            assert not await live.refresh()
            return sorted(live.retrievers)

    assert asyncio.run(run()) == ["support"]
    page, _ = metrics.page()
    assert b'corpus="support"' in page and b'corpus="hotels"' not in page


def test_a_corpus_that_comes_later_is_verified_and_served(own_store, tmp_path):
    later = tmp_path / "later"
    shutil.move(own_store / "hotels", later)

    async def run():
        async with opened(own_store) as live:
            shutil.copytree(later, own_store / "hotels")
            assert await live.refresh()
            return sorted(live.retrievers)

    assert asyncio.run(run()) == ["hotels", "support"]


def test_a_damaged_corpus_is_counted_once_and_not_tried_again(own_store, tmp_path):
    later = tmp_path / "later"
    shutil.move(own_store / "hotels", later)
    generation = Store(own_store).live("support")
    metrics = Metrics()

    async def run():
        async with opened(own_store, metrics) as live:
            shutil.copytree(later, own_store / "hotels")
            [file] = (own_store / "hotels").glob("*/embeddings.npy")
            file.write_bytes(file.read_bytes()[:-1])
            for _ in range(2):
                assert not await live.refresh()
            return live.retrievers["support"].generation

    assert asyncio.run(run()) == generation
    page, _ = metrics.page()
    assert b'kbserver_reload_failures_total{corpus="hotels"} 1.0' in page
