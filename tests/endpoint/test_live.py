"""The corpora of a store, opened and swapped without a server around them."""

import asyncio
import hashlib
import json
import logging
import os
import shutil
import threading
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.live import LiveCorpora
from kbserver.errors import StoreError, StoreMissing
from kbserver.index.arrays import SMALL_BYTES
from kbserver.index.documents import LINES
from kbserver.index.manifest import (
    FileFacts,
    facts_of_files,
    read_manifest,
    write_manifest,
)
from kbserver.index.store import Store
from kbserver.retrieval.calibration import SCORE_VERSION
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


def test_a_file_that_is_edited_while_it_is_served_is_named_once(own_store, caplog):
    generation = own_store / "support" / Store(own_store).live("support")
    large = generation / "large.bin"
    large.write_bytes(bytes(SMALL_BYTES + 1))
    manifest = read_manifest(generation)
    files = {**manifest.files, "large.bin": FileFacts(SMALL_BYTES + 1, "0" * 64)}
    write_manifest(replace(manifest, files=files), generation)
    metrics = Metrics()

    async def run():
        async with opened(own_store, metrics) as live:
            await live.refresh()
            assert "edited in place" not in caplog.text
            os.truncate(large, 3)
            await live.refresh()
            await live.refresh()

    asyncio.run(run())
    assert caplog.text.count("edited in place") == 1
    assert f"{large}: 3 bytes" in caplog.text
    assert 'edited_files_total{corpus="support"} 1.0' in metrics.page()[0].decode()


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
    served = {
        line.split(b"{")[0]: b"hotels" in line
        for line in page.splitlines()
        if line.startswith(b"kbserver_corpus_")
    }
    assert served and not any(served.values())


def test_a_corpus_that_comes_later_is_verified_and_served(own_store, tmp_path):
    later = tmp_path / "later"
    shutil.move(own_store / "hotels", later)

    async def run():
        async with opened(own_store) as live:
            shutil.copytree(later, own_store / "hotels")
            assert await live.refresh()
            return sorted(live.retrievers)

    assert asyncio.run(run()) == ["hotels", "support"]


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def copied_generation(corpus, name="000009-copy"):
    """Copy the live generation of a corpus and point to the copy."""
    live = (corpus / "LIVE").read_text().strip()
    shutil.copytree(corpus / live, corpus / name)
    (corpus / "LIVE").write_text(f"{name}\n")
    return corpus / name


def tampered(name, content):
    """Damage one file of a new generation, and have its manifest agree."""

    def damage(corpus):
        folder = copied_generation(corpus)
        file = folder / name
        if callable(content):
            file.write_bytes(content(file.read_bytes()))
        else:
            file.write_bytes(content)
        manifest = json.loads((folder / "manifest.json").read_bytes())
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        manifest["files"][name] = {"bytes": file.stat().st_size, "sha256": digest}
        text = json.dumps(manifest).encode()
        (folder / "manifest.json").write_bytes(text)
        digest = hashlib.sha256(text).hexdigest()
        (folder / "manifest.sha256").write_text(f"{digest}  manifest.json\n")

    return damage


def with_header(header):
    """Bytes of an array file with a header of one's own."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text


def pointing(content):
    def damage(corpus):
        (corpus / "LIVE").write_bytes(content)

    return damage


def pointer_is_a_folder(corpus):
    (corpus / "LIVE").unlink()
    (corpus / "LIVE").mkdir()


def pointer_is_gone(corpus):
    (corpus / "LIVE").unlink()


def changed_byte(corpus):
    file = copied_generation(corpus) / "embeddings.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"x")


def file_is_gone(corpus):
    (copied_generation(corpus) / "passages.jsonl").unlink()


HUGE = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 384)}"
DAMAGE = {
    "no pointer": pointer_is_gone,
    "a folder for a pointer": pointer_is_a_folder,
    "a pointer that is no text": pointing(b"\xff\xfe\x00"),
    "an empty pointer": pointing(b""),
    "an endless pointer": pointing(b"0" * 1_000_000),
    "a pointer to elsewhere": pointing(b"../support\n"),
    "a changed byte": changed_byte,
    "a missing file": file_is_gone,
    "a huge array": tampered("embeddings.npy", with_header(HUGE % 2**40)),
    "an array beyond numbers": tampered("embeddings.npy", with_header(HUGE % 2**80)),
    "a nested header": tampered("embeddings.npy", with_header("(" * 5000)),
    "an endless header": tampered("embeddings.npy", with_header("1" * 50_000)),
    "lines that are no JSON": tampered("passages.jsonl", lambda old: b"[" * len(old)),
    "no lines": tampered("passages.jsonl", b""),
    "no arrays": tampered("bm25.rows.npy", b""),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_wrong_with_one_corpus_is_said_once_and_the_others_go_on(
    own_store, kind, caplog
):
    metrics = Metrics()
    hotels = own_store / "hotels"
    good = (hotels / "LIVE").read_text()

    async def run():
        async with opened(own_store, metrics) as live:
            with caplog.at_level(logging.INFO, "kbserver"):
                DAMAGE[kind](hotels)
                newer = copied_generation(own_store / "support").name
                await live.refresh()
                serving = {
                    name: retriever.snapshot.folder.name
                    for name, retriever in live.retrievers.items()
                }
                assert serving == {"hotels": good.strip(), "support": newer}
                for _ in range(3):
                    assert not await live.refresh()
                said = errors(caplog)
                failing = metrics.page()[0]
                if (hotels / "LIVE").is_dir():
                    (hotels / "LIVE").rmdir()
                (hotels / "LIVE").write_text(good)
                assert not await live.refresh()
            return said, failing

    [said], failing = asyncio.run(run())
    assert said.startswith("corpus hotels: ") and f"{good.strip()} stays: " in said
    assert "kbserver " in said.partition("stays: ")[2]  # the next step
    assert "\n" not in said
    assert b'kbserver_corpus_failing{corpus="hotels"} 1.0' in failing
    assert b'kbserver_corpus_failing{corpus="support"} 0.0' in failing
    assert b'kbserver_reload_failures_total{corpus="hotels"} 1.0' in failing
    assert f"corpus hotels: works again with generation {good.strip()}" in caplog.text
    assert b'kbserver_corpus_failing{corpus="hotels"} 0.0' in metrics.page()[0]


def errors(caplog):
    return [
        record.getMessage() for record in caplog.records if record.levelname == "ERROR"
    ]


def test_what_failed_is_tried_again_after_a_pause_and_at_once_if_replaced(own_store):
    clock = Clock()
    metrics = Metrics()
    support = own_store / "support"

    async def run():
        async with opened(own_store, metrics, clock=clock) as live:
            folder = copied_generation(support)
            file = folder / "embeddings.npy"
            whole = file.read_bytes()
            file.write_bytes(whole[:-1])
            assert not await live.refresh()
            file.write_bytes(whole)
            assert not await live.refresh()  # not before the pause is over
            clock.now_s += 1.0
            assert await live.refresh()
            assert live.served("support").snapshot.folder == folder
            broken = copied_generation(support, "000010-broken")
            (broken / "embeddings.npy").write_bytes(whole[:-1])
            assert not await live.refresh()
            copied_generation(support, "000011-damaged-too")
            assert not await live.refresh()
            (support / "LIVE").write_text("000009-copy\n")
            copied_generation(support, "000012-whole")
            assert await live.refresh()
            return live.served("support").snapshot.folder.name

    assert asyncio.run(run()) == "000012-whole"
    page, _ = metrics.page()
    assert b'kbserver_reload_failures_total{corpus="support"} 3.0' in page


def test_a_disk_that_hangs_does_not_keep_it_from_closing(own_store):
    answers = threading.Event()
    anyway = threading.Timer(10.0, answers.set)

    async def run():
        async with opened(own_store) as live:
            live._opening.submit(answers.wait)

    anyway.start()
    asyncio.run(run())
    assert not answers.is_set()
    anyway.cancel()
    answers.set()


def test_a_generation_of_another_name_is_taken_over_once(own_store):
    async def run():
        async with opened(own_store) as live:
            copied_generation(own_store / "support")
            return [await live.refresh() for _ in range(3)]

    assert asyncio.run(run()) == [True, False, False]


def test_a_store_that_is_away_leaves_everything_and_is_followed_when_back(
    own_store, caplog
):
    away = own_store.with_name("away")
    metrics = Metrics()

    async def run():
        async with opened(own_store, metrics) as live:
            with caplog.at_level(logging.INFO, "kbserver"):
                before = dict(live.retrievers)
                own_store.rename(away)
                for _ in range(3):
                    assert not await live.refresh()
                own_store.mkdir()  # an empty place to mount it
                for _ in range(3):
                    assert not await live.refresh()
                assert live.retrievers == before
                assert b"kbserver_store_failing 1.0" in metrics.page()[0]
                own_store.rmdir()
                away.rename(own_store)
                newer = copied_generation(own_store / "support")
                assert await live.refresh()
                return live.served("support").snapshot.folder == newer

    assert asyncio.run(run())
    gone, empty = errors(caplog)
    assert "no store there" in gone and "holds no corpus" in empty
    assert "is there again" in caplog.text
    assert b"kbserver_store_failing 0.0" in metrics.page()[0]


def test_without_descriptors_everything_stays_and_comes_back(own_store, caplog):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def run():
        async with opened(own_store) as live:
            await live.until_ready()
            before = dict(live.retrievers)
            newer = copied_generation(own_store / "support")
            lowest_free = os.dup(0)
            os.close(lowest_free)
            with caplog.at_level(logging.INFO, "kbserver"):
                try:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
                    for _ in range(3):
                        assert not await live.refresh()
                    assert live.retrievers == before
                finally:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                assert await live.refresh()
            return live.served("support").snapshot.folder == newer

    assert asyncio.run(run())
    [said] = errors(caplog)
    assert "too many files are open" in said


@pytest.mark.parametrize(
    "kind",
    ["a folder for a pointer", "a missing file", "a huge array", "no lines"],
)
def test_a_start_serves_the_corpora_that_can_be_served(own_store, kind, caplog):
    metrics = Metrics()
    clock = Clock()
    hotels = own_store / "hotels"
    good = (hotels / "LIVE").read_text()
    DAMAGE[kind](hotels)

    async def run():
        async with opened(own_store, metrics, clock=clock) as live:
            await live.until_ready()
            assert live.ready
            assert live.names == ["hotels", "support"]
            with pytest.raises(StoreError, match="corpus hotels: .*kbserver "):
                live.served("hotels")
            [said] = errors(caplog)
            assert said.startswith("corpus hotels: ")
            assert "its turns find nothing" in said
            assert b'kbserver_corpus_failing{corpus="hotels"} 1.0' in metrics.page()[0]
            if (hotels / "LIVE").is_dir():
                (hotels / "LIVE").rmdir()
            (hotels / "LIVE").write_text(good)
            assert await live.refresh()
            return sorted(live.retrievers)

    assert asyncio.run(run()) == ["hotels", "support"]


def test_a_start_fails_if_no_corpus_can_be_served(own_store, caplog):
    for corpus in ("hotels", "support"):
        DAMAGE["a huge array"](own_store / corpus)

    async def run():
        async with opened(own_store):
            pass

    with pytest.raises(StoreError, match="hotels.*kbserver ingest PATH"):
        asyncio.run(run())
    assert not errors(caplog)  # the command says it


def test_documents_that_are_lost_are_named_with_the_way_back(own_store, caplog):
    corpus = Store(own_store)
    before = corpus.live("support")
    told = []

    def tell(kind, text, *, corpus="", details=None):
        told.append((kind, text, details))

    async def run():
        async with opened(own_store, tell=tell) as live:
            await live.until_ready()
            folder = copied_generation(own_store / "support")
            lines = (folder / LINES).read_text().splitlines()
            kept = [line for line in lines if "billing/" not in line]
            (folder / LINES).write_text("\n".join(kept) + "\n")
            manifest = read_manifest(folder)
            facts = {LINES: facts_of_files(folder)[LINES]}
            files = manifest.files | facts
            changed = replace(manifest, files=files, generation=folder.name)
            write_manifest(changed, folder)
            assert await live.refresh()

    asyncio.run(run())
    [said] = [one for one in caplog.messages if "are gone" in one]
    assert "2 of 4 documents are gone" in said
    assert "billing/cancel.txt, billing/dates.md" in said
    assert f"kbserver rollback support --store {own_store}" in said
    kinds = [(kind, details) for kind, _, details in told if kind == "generation"]
    assert {"generation": before} in [details for _, details in kinds]
    assert kinds[-1][1] == {
        "generation": "000009-copy",
        "added": (),
        "changed": (),
        "gone": ("billing/cancel.txt", "billing/dates.md"),
    }


def test_a_new_least_score_is_logged_and_counted(own_store, caplog):
    metrics = Metrics()
    file = own_store / "support" / "calibration.json"

    async def run(tell):
        async with opened(own_store, metrics, tell=tell) as live:
            with caplog.at_level(logging.INFO, "kbserver"):
                manifest = live.served("support").snapshot.manifest
                values = {
                    "score_version": SCORE_VERSION,
                    "fingerprint": manifest.model.fingerprint,
                    "min_score": 0.47,
                }
                assert b'min_score{corpus="support"} 0.15' in metrics.page()[0]
                file.write_text(json.dumps(values))
                await live.refresh()
                assert b'min_score{corpus="support"} 0.47' in metrics.page()[0]
                file.write_text("damaged")
                copied_generation(own_store / "support")
                assert await live.refresh()
                assert b'min_score{corpus="support"} 0.47' in metrics.page()[0]

    told = []

    def tell(kind, text, *, corpus="", details=None):
        told.append((kind, corpus, details))

    asyncio.run(run(tell))
    assert "corpus support: min_score 0.150 → 0.470" in caplog.text
    calibrated = [one for one in told if one[0] == "calibration"]
    assert calibrated == [("calibration", "support", {"before": 0.15, "now": 0.47})]
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert [one.msg.split(":")[1] for one in warnings] == [
        " min_score %.3f → %.3f",
        " generation %s with %d passages → %s with %d",
    ]
    [said] = errors(caplog)
    assert str(file) in said and "Meanwhile min_score 0.470 is in force" in said
