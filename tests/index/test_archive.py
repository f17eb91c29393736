import io
import tarfile
from dataclasses import replace

import pytest

from kbserver.errors import KbServerError, SnapshotCorrupt, StoreMissing
from kbserver.index.manifest import FileFacts, read_manifest, write_manifest
from kbserver.index.store import Store


@pytest.fixture
def exported(write, store, tmp_path):
    write()
    store.export("demo", tmp_path / "demo.tar")
    return tmp_path / "demo.tar"


@pytest.fixture
def elsewhere(tmp_path):
    return Store(tmp_path / "elsewhere")


def left_in(elsewhere):
    folders = [elsewhere.path / "demo", elsewhere.path]
    return [
        file.name
        for folder in folders
        if folder.exists()
        for file in folder.iterdir()
        if file.name != ".lock"
    ]


def test_the_manifest_comes_first(exported):
    with tarfile.open(exported) as tar:
        assert tar.getnames()[:2] == ["manifest.json", "manifest.sha256"]


def test_a_flipped_byte_anywhere_in_a_file_is_refused(exported, elsewhere):
    whole = exported.read_bytes()
    with tarfile.open(exported) as tar:
        places = [member.offset_data + member.size // 2 for member in tar.getmembers()]
    for at in places:
        exported.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(SnapshotCorrupt):
            elsewhere.import_(exported)
        assert set(left_in(elsewhere)) <= {"demo"}
    exported.write_bytes(whole)
    elsewhere.import_(exported)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.8])
def test_a_file_that_was_cut_is_refused(exported, elsewhere, share):
    whole = exported.read_bytes()
    exported.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SnapshotCorrupt, match="kbserver export"):
        elsewhere.import_(exported)
    assert set(left_in(elsewhere)) <= {"demo"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"\0" * 10240])
def test_what_is_no_export_is_refused(tmp_path, elsewhere, content):
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(SnapshotCorrupt, match="x.tar"):
        elsewhere.import_(tmp_path / "x.tar")
    with pytest.raises(StoreMissing):
        elsewhere.import_(tmp_path / "absent.tar")
    assert left_in(elsewhere) == []


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "a/../../outside", "a//b", "a\\b", "."]
)
def test_a_manifest_that_names_a_path_outside_is_refused(
    write, store, tmp_path, elsewhere, name
):
    folder = write()
    manifest = read_manifest(folder)
    write_manifest(
        replace(manifest, files={**manifest.files, name: FileFacts(1, "0" * 64)}),
        folder,
    )
    hostile(folder, manifest.files, tmp_path / "h.tar", ("outside", b"x"))
    with pytest.raises(SnapshotCorrupt, match="outside the snapshot"):
        elsewhere.import_(tmp_path / "h.tar")
    assert left_in(elsewhere) == []


@pytest.mark.parametrize(
    "change", [{"corpus": "../x"}, {"generation": "../x"}, {"generation": ".tmp-x"}]
)
def test_a_manifest_with_a_hostile_name_is_refused(write, tmp_path, elsewhere, change):
    folder = write()
    manifest = replace(read_manifest(folder), **change)
    write_manifest(manifest, folder)
    hostile(folder, manifest.files, tmp_path / "h.tar")
    with pytest.raises(KbServerError):
        elsewhere.import_(tmp_path / "h.tar")
    assert left_in(elsewhere) == []


def test_members_the_manifest_does_not_name_are_not_written(write, tmp_path, elsewhere):
    folder = write()
    hostile(
        folder,
        read_manifest(folder).files,
        tmp_path / "h.tar",
        ("../outside", b"x"),
        ("extra", b"x"),
    )
    elsewhere.import_(tmp_path / "h.tar")
    assert not (elsewhere.path / "demo" / "outside").exists()
    assert not (elsewhere.path / "demo" / folder.name / "extra").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_and_devices_are_refused(write, tmp_path, elsewhere, kind):
    folder = write()
    files = dict(read_manifest(folder).files)
    del files["passages.jsonl"]
    with tarfile.open(tmp_path / "h.tar", "w") as tar:
        for name in ("manifest.json", "manifest.sha256", *files):
            tar.add(folder / name, name)
        link = tarfile.TarInfo("passages.jsonl")
        link.type, link.linkname = kind, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(SnapshotCorrupt, match="no plain file"):
        elsewhere.import_(tmp_path / "h.tar")
    assert left_in(elsewhere) == ["demo"]


def hostile(folder, names, file, *more):
    with tarfile.open(file, "w") as tar:
        for name in ("manifest.json", "manifest.sha256", *names):
            if (folder / name).is_file():
                tar.add(folder / name, name)
        for name, content in more:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
