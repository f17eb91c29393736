"""One contract for every kind of object store, by value."""

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kbserver.errors import SettingsError, StoreBusy, StoreError, StoreMissing
from kbserver.index.sharing import remote as module
from kbserver.index.sharing.remote import Remote, Shared, age_s

ONE, TWO = "000001-20260101T000000-aaaaaa", "000002-20260102T000000-bbbbbb"


@pytest.fixture
def remote(url):
    return Remote(url, make=True)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "generation.kbz"
    path.write_bytes(os.urandom(100_000))
    return path


def test_a_generation_comes_back_as_it_was_uploaded(remote, file, tmp_path):
    before = datetime.now(UTC) - timedelta(seconds=5)
    assert remote.corpora() == []
    assert remote.upload("docs", ONE, file)
    assert not remote.upload("docs", ONE, file)
    [shared] = remote.generations("docs")
    assert (shared.name, shared.bytes) == (ONE, 100_000)
    assert shared.made > before
    assert remote.corpora() == ["docs"]
    into = tmp_path / "fetched"
    remote.fetch("docs", ONE, into)
    assert into.read_bytes() == file.read_bytes()


def test_a_file_of_many_parts_is_uploaded_and_read_in_blocks(
    remote, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_ONE_REQUEST", 1 << 20)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 5 << 20)
    large, into = tmp_path / "large", tmp_path / "fetched"
    large.write_bytes(os.urandom((6 << 20) + 7))
    assert remote.upload("docs", ONE, large)
    assert not remote.upload("docs", ONE, large)
    remote.fetch("docs", ONE, into)
    assert into.read_bytes() == large.read_bytes()


def test_other_bytes_under_the_same_name_are_an_error(remote, file):
    remote.upload("docs", ONE, file)
    for other in (b"short", os.urandom(100_000)):
        file.write_bytes(other)
        with pytest.raises(StoreError, match="not those of this store.*LIVE is not"):
            remote.upload("docs", ONE, file)


def test_live_moves_from_what_was_seen_and_from_nothing_else(remote, file):
    for name in (ONE, TWO):
        remote.upload("docs", name, file)
    assert remote.live("docs") is None
    remote.move("docs", ONE, wanted=None)
    first = remote.live("docs")
    assert first.generation == ONE
    assert remote.live("docs", first) is first  # not read again
    with pytest.raises(
        StoreBusy, match=f"wanted nothing live, found {ONE}.*--to {TWO}"
    ):
        remote.move("docs", TWO, wanted=None)
    remote.move("docs", TWO, wanted=first)
    assert remote.live("docs", first).generation == TWO
    with pytest.raises(StoreBusy, match=f"wanted {ONE} live, found {TWO}"):
        remote.move("docs", ONE, wanted=first)
    assert remote.live("docs").generation == TWO


def test_live_is_never_moved_to_what_is_not_there(remote, file):
    remote.upload("docs", ONE, file)
    remote.move("docs", ONE, wanted=None)
    with pytest.raises(StoreMissing, match=f"no generation '{TWO}' there"):
        remote.move("docs", TWO, wanted=remote.live("docs"))
    assert remote.live("docs").generation == ONE


def test_a_prune_in_the_middle_of_a_move_is_undone(remote, file, monkeypatch):
    for name in (ONE, TWO):
        remote.upload("docs", name, file)
    remote.move("docs", TWO, wanted=None)
    swap = remote._swap

    def pruned_after(place, to, wanted):
        moved = swap(place, to, wanted)
        if to == ONE:
            remote.remove("docs", ONE)
        return moved

    monkeypatch.setattr(remote, "_swap", pruned_after)
    with pytest.raises(StoreMissing):
        remote.move("docs", ONE, wanted=remote.live("docs"))
    assert remote.live("docs").generation == TWO


def test_of_eight_that_move_live_at_once_one_wins_and_the_others_are_told(url, file):
    remotes = [Remote(url, make=True) for _ in range(8)]
    names = [f"00000{number}-20260101T000000-aaaaaa" for number in range(1, 9)]
    for name in names:
        remotes[0].upload("docs", name, file)
    at_once = threading.Barrier(8)
    told = {}

    def move(remote, name):
        wanted = remote.live("docs")
        at_once.wait(30)
        try:
            remote.move("docs", name, wanted=wanted)
        except StoreBusy as exc:
            told[name] = str(exc)

    movers = [
        threading.Thread(target=move, args=pair)
        for pair in zip(remotes, names, strict=True)
    ]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    [winner] = set(names) - told.keys()
    assert remotes[0].live("docs").generation == winner
    assert all("another publisher was first" in message for message in told.values())


def test_what_is_removed_is_gone_and_may_be_removed_again(remote, file, tmp_path):
    remote.upload("docs", ONE, file)
    remote.remove("docs", ONE)
    remote.remove("docs", ONE)
    with pytest.raises(
        StoreMissing, match="no generation there.*kbserver publish docs"
    ):
        remote.generations("docs")
    with pytest.raises(StoreMissing):
        remote.fetch("docs", ONE, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


@pytest.mark.parametrize("content", [b"", b"../../elsewhere", b"\xff\x00", b"1-2-3"])
def test_a_pointer_that_names_no_generation_is_an_error(remote, content):
    remote.put_small("docs/LIVE", content)
    with pytest.raises(
        StoreError, match="no generation; choose one with.*rollback docs"
    ):
        remote.live("docs")
    assert remote.pointer("docs").version


def test_a_pointer_that_is_long_is_not_read(remote):
    remote.put_small("docs/LIVE", bytes(129))
    with pytest.raises(StoreError, match="129 bytes, it may have 128"):
        remote.live("docs")


def test_small_objects_are_read_again_only_when_they_change(remote):
    assert remote.small("REVOKED") is None
    remote.put_small("REVOKED", b"one\n", wanted={})
    content, version = remote.small("REVOKED")
    assert content == b"one\n"
    assert remote.small("REVOKED", version) == (None, version)
    with pytest.raises(StoreBusy):
        remote.put_small("REVOKED", b"two\n", wanted={})
    remote.put_small("REVOKED", b"three\n", wanted=version)
    with pytest.raises(StoreBusy):
        remote.put_small("REVOKED", b"four\n", wanted=version)
    assert remote.small("REVOKED", version)[0] == b"three\n"


def test_what_else_lies_there_is_no_corpus_and_no_generation(remote, file):
    remote.upload("docs", ONE, file)
    for place in ("docs/notes.txt", "docs/x.kbz", "Photos/a.jpg", "REVOKED"):
        remote.put_small(place, b"x")
    assert remote.corpora() == ["docs"]
    assert [one.name for one in remote.generations("docs")] == [ONE]


def test_an_object_that_is_replaced_while_it_is_read_is_an_error(
    remote, file, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_BLOCK_BYTES", 60_000)
    remote.upload("docs", ONE, file)
    check = module._check_room

    def replaced(*facts):
        check(*facts)
        remote.put_small(f"docs/{ONE}.kbz", os.urandom(100_000))

    monkeypatch.setattr(module, "_check_room", replaced)
    with pytest.raises(StoreError, match="was replaced while it was read"):
        remote.fetch("docs", ONE, tmp_path / "fetched")


def test_a_disk_without_room_is_named_before_anything_is_fetched(
    remote, file, tmp_path, monkeypatch
):
    remote.upload("docs", ONE, file)
    usage = type("Usage", (), {"free": 199_999})
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(StoreError, match="100,000 bytes needs twice.*199,999 are free"):
        remote.fetch("docs", ONE, tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()


def test_a_folder_that_is_away_is_an_error_and_not_an_empty_store(tmp_path):
    remote = Remote(f"file://{tmp_path}/away")
    for ask in (remote.corpora, lambda: remote.live("docs")):
        with pytest.raises(StoreError, match="no such folder; look at the URL"):
            ask()
    assert not (tmp_path / "away").exists()


def test_a_server_that_does_not_answer_is_an_error_without_secrets(monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "the-key",
        "AWS_SECRET_ACCESS_KEY": "the-secret",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(
        StoreError, match="s3://bucket/docs/LIVE: cannot read"
    ) as caught:
        Remote("s3://bucket").live("docs")
    assert "the-" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_place_is_refused_at_once():
    for url in ("/srv/shared", "https://x/y", "s3://", "s3://a:b@bucket", "s3://b?x=1"):
        with pytest.raises(SettingsError, match="the object store"):
            Remote(url)
    assert Remote("s3://bucket/prefix/").url == "s3://bucket/prefix"


def test_a_query_is_left_out_of_what_is_said():
    error = ValueError("GET https://h/p?sig=s3cr3t in")
    said = Remote("s3://bucket")._said("read", "x", error, "y")
    assert said == "s3://bucket/x: cannot read: GET https://h/p in; y"


def test_age_is_that_of_the_upload():
    made = datetime(2026, 1, 1, tzinfo=UTC)
    assert age_s(Shared(ONE, 1, made), made + timedelta(hours=2)) == 7200.0


class Misbehaving(BaseHTTPRequestHandler):
    """A server that is no object store; `how` says what it does instead."""

    how = ""
    over = threading.Event()

    def do_GET(self):
        if self.how == "hangs":
            self.over.wait(30)
            return
        status, body = 200, b"<html>please sign in</html>"
        if self.how == "fails":
            status = 500
        if self.how == "forbids":
            status = 403
        self.send_response(status)
        self.send_header("content-length", str(len(body) + 10 * (self.how == "cuts")))
        if self.how != "forgets":
            self.send_header("etag", '"1"')
            self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *facts):
        pass


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("hangs", "cannot read"),
        ("fails", "cannot read.*500"),
        ("forbids", "are the credentials in the environment good for it"),
        ("cuts", "cannot read"),
        ("forgets", "names '<html>|cannot read"),
        ("answers", "names '<html>please sign in</html>', which is no generation"),
    ],
)
def test_a_server_that_misbehaves_is_an_error_in_one_line(how, said, monkeypatch):
    soon = timedelta(milliseconds=400)
    monkeypatch.setattr(module, "_CLIENT", {"timeout": soon, "connect_timeout": soon})
    monkeypatch.setattr(module, "_RETRIES", {"max_retries": 0, "retry_timeout": soon})
    monkeypatch.setattr(Misbehaving, "how", how)
    Misbehaving.over.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "the-key",
        "AWS_SECRET_ACCESS_KEY": "the-secret",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        with pytest.raises(StoreError, match=said) as caught:
            Remote("s3://bucket").live("docs")
    finally:
        Misbehaving.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
    assert "\n" not in str(caught.value)
    assert "the-" not in str(caught.value)
