import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kbserver.errors import SnapshotCorrupt, StoreBusy, StoreError, StoreMissing
from kbserver.index.lexical.build import build_lexical
from kbserver.index.manifest import read_manifest, write_manifest
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import PinnedStore, Store
from kbserver.retrieval.spoken.table import check_spoken_forms


def test_a_corpus_and_its_generations_are_listed_oldest_first(write, store):
    first, second = write(), write()
    write("other")
    (store.path / "notes.txt").write_text("not a corpus")
    (store.path / "Empty").mkdir()
    (store.path / "empty").mkdir()
    assert store.corpora() == ["demo", "other"]
    assert store.generations("demo") == [first.name, second.name]
    assert store.live("demo") == second.name
    assert store.manifest("demo").generation == second.name
    assert store.manifest("demo", first.name).generation == first.name
    with store.open("demo", first.name) as snapshot:
        assert snapshot.folder == first


def test_a_generation_is_served_only_once_it_is_published(write, store):
    first, second = write(), write(publish=False)
    assert store.live("demo") == first.name
    store.publish("demo", second.name)
    assert store.live("demo") == second.name


def test_what_is_broken_is_not_published(write, store):
    first, second = write(), write(publish=False)
    (second / "embeddings.npy").write_bytes(b"")
    with pytest.raises(SnapshotCorrupt, match="embeddings.npy"):
        store.publish("demo", second.name)
    with pytest.raises(StoreMissing, match="no generation 'absent'"):
        store.publish("demo", "absent")
    assert store.live("demo") == first.name


def test_rollback_goes_one_back_or_where_it_is_told(write, store):
    first, second, third = write(), write(), write()
    assert store.rollback("demo") == second.name == store.live("demo")
    assert store.rollback("demo") == first.name == store.live("demo")
    with pytest.raises(StoreMissing, match="no generation before"):
        store.rollback("demo")
    assert store.rollback("demo", to=third.name) == third.name == store.live("demo")


def test_rollback_mends_a_pointer_that_is_gone_or_wrong(write, store):
    first, second = write(), write()
    (store.path / "demo" / "LIVE").write_text("nonsense")
    with pytest.raises(StoreMissing, match="'nonsense'.*kbserver rollback demo --to"):
        store.live("demo")
    assert store.rollback("demo") == second.name
    (store.path / "demo" / "LIVE").unlink()
    with pytest.raises(
        StoreMissing, match="no generation is live.*kbserver rollback demo"
    ):
        store.live("demo")
    assert store.rollback("demo", to=first.name) == first.name


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "names ''"),
        (b"\xff\xfe\x00", "names "),
        (b"../../elsewhere\n", "names '../../elsewhere'"),
        (b"/etc/passwd\n", "names '/etc/passwd'"),
        (b"000001-x\n" * 2, "names '000001-x"),
        (b"0" * 10_000_000, "more than the 128 bytes"),
    ],
)
def test_a_pointer_of_any_content_is_missing_and_mended(write, store, content, said):
    folder = write()
    pointer = store.path / "demo" / "LIVE"
    pointer.write_bytes(content)
    for use in (store.live, store.open, store.verify, store.manifest):
        with pytest.raises(StoreMissing, match="kbserver rollback demo") as error:
            use("demo")
        assert said in str(error.value) and len(str(error.value)) < 600
    assert store.rollback("demo") == folder.name == store.live("demo")


def test_a_pointer_that_is_no_file_is_missing(write, store):
    folder = write()
    pointer = store.path / "demo" / "LIVE"
    pointer.unlink()
    os.mkfifo(pointer)
    with pytest.raises(StoreMissing, match="found no plain file"):
        store.live("demo")
    assert store.rollback("demo") == folder.name == store.live("demo")
    pointer.unlink()
    pointer.mkdir()
    with pytest.raises(StoreMissing, match="found a folder.*remove it"):
        store.live("demo")
    with pytest.raises(StoreError, match="a folder stands where a file should be"):
        store.rollback("demo")
    pointer.rmdir()
    assert store.rollback("demo") == folder.name == store.live("demo")


def test_without_descriptors_nothing_is_called_corrupt(write, store):
    folder = write()
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    try:
        for more in range(200):  # each step of an opening is the first that gets none
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + more, hard))
            try:
                Snapshot.open(folder, verify=True).close()
            except SnapshotCorrupt:
                raise
            except StoreError as exc:
                assert "too many files are open" in str(exc)
            else:
                break
        else:
            pytest.fail("it was never opened")
        assert more > 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_prune_keeps_the_newest_and_always_the_live_one(write, store, unit_vectors):
    folders = [write() for _ in range(5)]
    store.rollback("demo", to=folders[1].name)
    with Snapshot.open(folders[0]) as doomed:
        with store.lock("demo"):
            assert store.prune("demo", keep=2) == [
                folders[0].name,
                folders[2].name,
                folders[3].name,
            ]
        assert doomed.vectors.search(unit_vectors(20)[3], top_k=1).rows.tolist() == [3]
        assert doomed.passage(3).id == "id-3"
    assert store.generations("demo") == [folders[1].name, folders[4].name]
    assert store.live("demo") == folders[1].name
    with store.lock("demo"):
        assert store.prune("demo", keep=1) == [folders[4].name]
        assert store.prune("demo", keep=1) == []
        with pytest.raises(StoreError, match="at least 1"):
            store.prune("demo", keep=0)


def test_verify_counts_what_it_checked(write, store):
    write()
    report = store.verify("demo")
    assert report.ok and report.problems == ()
    assert (report.corpus, report.sampled, report.found) == ("demo", 20, 20)
    assert (
        report.files == len(store.manifest("demo").files)
        and report.bytes == store.manifest("demo").bytes
    )


def test_verify_names_every_broken_file_and_does_not_raise(write, store):
    folder = write()
    (folder / "passages.jsonl").write_bytes(
        b"x" * (folder / "passages.jsonl").stat().st_size
    )
    (folder / "bm25.rows.npy").unlink()
    problems = store.verify("demo").problems
    assert len(problems) == 2
    assert "SHA-256" in problems[1] and "passages.jsonl" in problems[1]
    assert "missing" in problems[0] and "bm25.rows.npy" in problems[0]
    (folder / "manifest.json").write_text("{}")
    assert "manifest.json" in store.verify("demo").problems[0]


@pytest.mark.parametrize(
    "name",
    ["Demo", "", "a/b", "..", ".hidden", "-x", "a b", "ä", "x" * 65, "a\n", "demo\0"],
)
def test_a_name_no_corpus_may_have_is_refused_with_the_rule(store, write, name):
    write()
    for use in (
        store.live,
        store.generations,
        store.open,
        store.verify,
        lambda name: store.lock(name).__enter__(),
    ):
        with pytest.raises(StoreError, match="a-z, 0-9"):
            use(name)


def test_a_wrong_name_comes_with_a_right_one(store):
    with pytest.raises(StoreError, match="try 'my-hotel'"):
        store.lock("My Hotel!").__enter__()


def test_what_is_missing_is_named_with_the_command_that_makes_it(
    tmp_path, write, store
):
    with pytest.raises(
        StoreMissing, match="no store there.*kbserver ingest PATH --store"
    ):
        Store(tmp_path / "nowhere").corpora()
    write()
    with pytest.raises(StoreMissing, match="no corpus 'other', there are: demo"):
        store.live("other")
    (tmp_path / "file").write_text("")
    for store in (Store(tmp_path / "file"), Store(tmp_path / "file" / "below")):
        with pytest.raises(StoreError):
            store.corpora()
        with pytest.raises(StoreError, match="--store"), store.lock("demo"):
            pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_that_may_not_be_written_is_refused_and_still_served(write, store):
    live = write()
    (store.path / "demo").chmod(0o555)
    try:
        with pytest.raises(StoreError, match="--store"):
            write()
        assert store.live("demo") == live.name
    finally:
        (store.path / "demo").chmod(0o755)


def test_a_second_writer_is_refused_at_once_or_waits(store):
    with store.lock("demo"):
        with (
            pytest.raises(
                StoreBusy, match="another kbserver is writing the corpus 'demo'"
            ),
            store.lock("demo"),
        ):
            pass
        with store.lock("other"):
            pass
        entered = threading.Event()

        def wait():
            with store.lock("demo", wait_s=20):
                entered.set()

        waiter = threading.Thread(target=wait)
        waiter.start()
        time.sleep(0.2)
        assert not entered.is_set()
    waiter.join()
    assert entered.is_set()


def test_the_next_writer_removes_what_a_killed_one_left_and_nothing_else(write, store):
    live = write()
    (store.path / "demo" / ".tmp-20250101-abc").mkdir()
    (store.path / "demo" / ".tmp-20250101-abc" / "embeddings.npy").write_bytes(b"half")
    (store.path / "demo" / ".tmp-LIVE-1").write_text("half")
    (store.path / "demo" / "notes.txt").write_text("mine")
    assert store.generations("demo") == [live.name]
    with store.lock("demo"):
        pass
    assert sorted(os.listdir(store.path / "demo")) == sorted(
        [".lock", "LIVE", live.name, "notes.txt"]
    )


def killed_before_publishing(store):
    """Write a generation in a process that ends between its name and the pointer."""
    script = (
        "import os, shutil, sys\n"
        "from kbserver.index.store import Store\n"
        "store = Store(sys.argv[1])\n"
        "with store.lock('demo'), store.publishing('demo'):\n"
        "    *_, newest = store.generations('demo')\n"
        "    folder = store.path / 'demo'\n"
        "    shutil.copytree(folder / newest, folder / '000009-unpublished')\n"
        "    os._exit(9)"
    )
    command = [sys.executable, "-c", script, str(store.path)]
    assert subprocess.run(command).returncode == 9


def test_a_generation_of_a_killed_writer_is_removed_by_the_next_one(write, store):
    live, imported = write(), write(publish=False)
    killed_before_publishing(store)
    assert len(store.generations("demo")) == 3
    with store.lock("demo"):
        assert store.generations("demo") == [live.name, imported.name]
    assert store.live("demo") == live.name
    assert not list(store.path.glob("demo/.tmp-*"))


def test_the_generation_before_stays_where_one_can_go_back_to_it(write, store):
    first = write()
    killed_before_publishing(store)
    second = write()
    with store.lock("demo"):
        assert store.prune("demo", keep=2) == []
    assert store.rollback("demo") == first.name
    with store.lock("demo"):  # what was rolled back from stays
        assert store.generations("demo") == [first.name, second.name]


def test_a_generation_that_was_published_before_the_kill_stays(write, store):
    write()
    with store.lock("demo"), store.publishing("demo"):
        second = write_inside(store)
        store.publish("demo", second)
        note = next(store.path.glob("demo/.tmp-newest")).read_bytes()
    (store.path / "demo" / ".tmp-newest").write_bytes(note)
    with store.lock("demo"):
        assert second in store.generations("demo")
    assert store.live("demo") == second


@pytest.mark.parametrize("note", [b"", b"\xff" * 9, b"x" * 9_000])
def test_a_note_that_names_no_generation_takes_nothing_that_is_live(write, store, note):
    live = write()
    (store.path / "demo" / ".tmp-newest").write_bytes(note)
    with store.lock("demo"):
        assert store.generations("demo") == [live.name]


def write_inside(store):
    """Add a generation to a corpus whose lock is held; its name."""
    folder = store.path / "demo"
    newest = store.generations("demo")[-1]
    shutil.copytree(folder / newest, folder / "000009-another")
    manifest = read_manifest(folder / "000009-another")
    changed = replace(manifest, generation="000009-another")
    write_manifest(changed, folder / "000009-another")
    return "000009-another"


def test_a_lock_dies_with_its_holder(store):
    script = (
        "import sys, os; from kbserver.index.store import Store\n"
        "with Store(sys.argv[1]).lock('demo'): os._exit(9)"
    )
    command = [sys.executable, "-c", script, str(store.path)]
    assert subprocess.run(command).returncode == 9
    with store.lock("demo"):
        pass


def sounds(folder):
    folder.mkdir()
    build_lexical((f"sound {row}" for row in range(20)), folder)


def same(model):
    return model


def test_an_exported_generation_is_the_same_elsewhere(write, store, tmp_path):
    folder = write(parts={"sounds": sounds})
    store.export("demo", tmp_path / "demo.tar")
    elsewhere = Store(tmp_path / "elsewhere")
    imported = elsewhere.import_(
        tmp_path / "demo.tar", recognise=same, check=check_spoken_forms
    )
    assert imported == ("demo", folder.name, None)
    elsewhere.publish("demo", folder.name)
    assert elsewhere.verify("demo").ok

    def contents(folder: Path):
        return {
            file.relative_to(folder): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file()
        }

    assert contents(elsewhere.path / "demo" / folder.name) == contents(folder)
    with pytest.raises(StoreError, match="already"):
        elsewhere.import_(
            tmp_path / "demo.tar", recognise=same, check=check_spoken_forms
        )


def test_an_imported_generation_gets_the_next_number_of_its_corpus(
    write, store, tmp_path
):
    first = write()
    last = first.with_name(f"999999999-{first.name.partition('-')[2]}")
    write_manifest(replace(read_manifest(first), generation=last.name), first)
    first.rename(last)
    store.export("demo", tmp_path / "demo.tar", last.name)
    shutil.rmtree(last)
    mine = write()
    imported = store.import_(
        tmp_path / "demo.tar", recognise=same, check=check_spoken_forms
    )
    assert imported[:2] == ("demo", f"000002-{last.name.partition('-')[2]}")
    assert store.live("demo") == mine.name
    assert write().name.startswith("000003-")


def test_a_broken_generation_is_not_exported(write, store, tmp_path):
    folder = write()
    (tmp_path / "demo.tar").write_text("an older export")
    (folder / "passages.jsonl").write_bytes(
        b"x" * (folder / "passages.jsonl").stat().st_size
    )
    with pytest.raises(SnapshotCorrupt):
        store.export("demo", tmp_path / "demo.tar")
    assert (tmp_path / "demo.tar").read_text() == "an older export"
    shutil.rmtree(folder)
    with pytest.raises(StoreError):
        store.export("demo", tmp_path / "demo.tar")


def test_a_pinned_store_shows_its_own_generations_alone(write, store):
    folder = write()
    pinned = PinnedStore(store.path, {"demo": folder.name, "gone": folder.name})
    assert pinned.corpora() == ["demo"]
    assert pinned.live("demo") == folder.name
    with pytest.raises(StoreMissing, match="other: not one of demo, gone"):
        pinned.live("other")
