import io
import tarfile
import zlib
from dataclasses import replace

import pytest

from kbserver.errors import ModelError, SnapshotCorrupt, StoreMissing
from kbserver.index.archive import pack
from kbserver.index.lines import LineWriter
from kbserver.index.manifest import (
    FileFacts,
    VectorFacts,
    read_manifest,
    write_manifest,
)
from kbserver.index.manifest import facts_of_files as all_facts
from kbserver.index.store import Store
from kbserver.retrieval.spoken.table import PART, STEM, check_spoken_forms
from tests.index.conftest import MODEL


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
            import_(elsewhere, exported)
        assert set(left_in(elsewhere)) <= {"demo"}
    exported.write_bytes(whole)
    import_(elsewhere, exported)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.8])
def test_a_file_that_was_cut_is_refused(exported, elsewhere, share):
    whole = exported.read_bytes()
    exported.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SnapshotCorrupt, match="kbserver export"):
        import_(elsewhere, exported)
    assert set(left_in(elsewhere)) <= {"demo"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"\0" * 10240])
def test_what_is_no_export_is_refused(tmp_path, elsewhere, content):
    (tmp_path / "x.tar").write_bytes(content)
    with pytest.raises(SnapshotCorrupt, match="x.tar"):
        import_(elsewhere, tmp_path / "x.tar")
    with pytest.raises(StoreMissing):
        import_(elsewhere, tmp_path / "absent.tar")
    assert left_in(elsewhere) == []


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "/outside",
        "a/../../outside",
        "a//b",
        "a\\b",
        ".",
        "",
        "manifest.json",
        "model/config.json",
        "model/model.safetensors",
        "a/b/bm25.json",
        "bm25.pkl",
        "vectors.faiss\n",
    ],
)
def test_a_manifest_that_names_what_no_ingest_writes_is_refused(
    write, tmp_path, elsewhere, name
):
    folder = write()
    manifest = read_manifest(folder)
    names = list(manifest.files)
    change_manifest(folder, files={**manifest.files, name: FileFacts(1, "0" * 64)})
    tar_of(folder, names, tmp_path / "h.tar", ("outside", b"x"))
    with pytest.raises(SnapshotCorrupt, match="which no ingest writes"):
        import_(elsewhere, tmp_path / "h.tar")
    assert left_in(elsewhere) == []


@pytest.mark.parametrize(
    "change",
    [
        {"corpus": "../x"},
        {"corpus": ".models"},
        {"generation": "../x"},
        {"generation": ".tmp-x"},
        {"generation": "9999999999-x"},
        {"lexical": "other"},
        {"chunking": {"language": "klingon"}},
        {"chunking": {"language": ["english"]}},
        {"chunking": {"language": None}},
        {"vectors": VectorFacts("other", 1.0, 0)},
        {"vectors": VectorFacts("flat", 1.0, 0, choice="other")},
        {"files": {f"{'a' * n}/bm25.json": FileFacts(0, "0" * 64) for n in range(101)}},
        {"files": {"embeddings.npy": FileFacts(10**12, "0" * 64)}},
    ],
)
def test_a_manifest_that_says_what_no_ingest_writes_is_refused(
    write, tmp_path, elsewhere, change
):
    folder = write()
    names = list(read_manifest(folder).files)
    change_manifest(folder, **change)
    tar_of(folder, names, tmp_path / "h.tar")
    with pytest.raises(SnapshotCorrupt, match=r"h\.tar.*kbserver export"):
        import_(elsewhere, tmp_path / "h.tar")
    assert left_in(elsewhere) == []


def test_a_manifest_longer_than_any_is_not_read(write, tmp_path, elsewhere):
    folder = write()
    names = read_manifest(folder).files
    change_manifest(folder, extra={"long": "x" * (1 << 20)})
    tar_of(folder, names, tmp_path / "h.tar")
    with pytest.raises(SnapshotCorrupt, match="manifest.json has 10"):
        import_(elsewhere, tmp_path / "h.tar")


def test_nothing_may_stand_after_or_between_the_files(write, tmp_path, elsewhere):
    folder = write()
    first, *names = read_manifest(folder).files
    tar_of(folder, [first, *names], tmp_path / "after.tar", ("extra", b"x"))
    tar_of(folder, [first, first, *names], tmp_path / "twice.tar")
    tar_of(folder, [*names, first], tmp_path / "order.tar")
    tar_of(folder, names, tmp_path / "missing.tar")
    padding = bytes(20_480)
    whole = tar_of(folder, [first, *names], tmp_path / "padding.tar").read_bytes()
    (tmp_path / "padding.tar").write_bytes(whole + padding)
    for name in ("after", "twice", "order", "missing", "padding"):
        with pytest.raises(SnapshotCorrupt, match="stands where|does not end"):
            import_(elsewhere, tmp_path / f"{name}.tar")
        assert left_in(elsewhere) == ["demo"]


@pytest.mark.parametrize("beside", [b"", b"{}", b"x" * (1 << 20)])
def test_what_stands_beside_a_generation_is_handed_on_unread(
    write, tmp_path, elsewhere, beside
):
    pack(write(), tmp_path / "h.tar", beside=beside)
    assert import_(elsewhere, tmp_path / "h.tar")[2] == beside


def test_what_stands_beside_is_of_bounded_size_and_the_last(write, tmp_path, elsewhere):
    folder = write()
    pack(folder, tmp_path / "long.tar", beside=b"x" * (1 + (1 << 20)))
    names = read_manifest(folder).files
    twice = [("calibration.json", b"{}"), ("calibration.json", b"{}")]
    tar_of(folder, names, tmp_path / "twice.tar", *twice)
    for name in ("long", "twice"):
        with pytest.raises(SnapshotCorrupt, match="1 MB is read|does not end"):
            import_(elsewhere, tmp_path / f"{name}.tar")
        assert left_in(elsewhere) == ["demo"]


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CHRTYPE,
        tarfile.DIRTYPE,
        tarfile.CONTTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
    ],
)
def test_what_is_no_plain_file_is_refused(write, tmp_path, elsewhere, kind):
    folder = write()
    names = list(read_manifest(folder).files)
    file = tar_of(folder, names[:-1], tmp_path / "h.tar", end=False)
    header = tarfile.TarInfo(names[-1])
    header.type, header.linkname = kind, "/etc/passwd"
    with file.open("ab") as stream:
        stream.write(header.tobuf(tarfile.USTAR_FORMAT) + bytes(10240))
    with pytest.raises(SnapshotCorrupt, match="no plain file"):
        import_(elsewhere, file)
    assert left_in(elsewhere) == ["demo"]


@pytest.mark.parametrize("size", [-1, 0, 1, 10**12])
def test_a_member_of_another_size_than_the_manifest_says_is_refused(
    write, tmp_path, elsewhere, size
):
    folder = write()
    names = list(read_manifest(folder).files)
    file = tar_of(folder, names[:-1], tmp_path / "h.tar", end=False)
    header = tarfile.TarInfo(names[-1])
    header.size = size
    with file.open("ab") as stream:
        stream.write(header.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(SnapshotCorrupt, match=f"has {size} bytes, the manifest says"):
        import_(elsewhere, file)


def test_the_vector_index_of_an_archive_is_not_read(write, tmp_path, elsewhere):
    folder = write(texts=[f"text {row}" for row in range(700)], vectors="ivf")
    wanted = (folder / "vectors.faiss").read_bytes()
    (folder / "vectors.faiss").write_bytes(b"not FAISS")
    change_manifest(folder, files=facts_of_files(folder, but=("manifest",)))
    tar_of(folder, read_manifest(folder).files, tmp_path / "h.tar")
    corpus, generation, _ = import_(elsewhere, tmp_path / "h.tar")
    assert elsewhere.verify(corpus, generation).ok
    assert elsewhere.manifest(corpus, generation).vectors.kind == "ivf"
    assert (
        elsewhere.path / corpus / generation / "vectors.faiss"
    ).read_bytes() == wanted


def test_the_model_is_asked_about_before_anything_is_written(exported, elsewhere):
    def refuse(model):
        assert model == MODEL
        raise ModelError("not known")

    with pytest.raises(ModelError, match="not known"):
        elsewhere.import_(exported, recognise=refuse, check=check_spoken_forms)
    assert left_in(elsewhere) == []


def test_the_model_gets_the_name_it_has_here(exported, elsewhere):
    named = replace(MODEL, name="ours")
    elsewhere.import_(exported, recognise=lambda model: named, check=check_spoken_forms)
    (generation,) = elsewhere.generations("demo")
    assert elsewhere.manifest("demo", generation).model == named


FORMS = {
    "number": b"5",
    "null": b"null",
    "list": b"[]",
    "texts": b'["a",5,null,1,"f"]',
    "lead": b'[null,null,null,1,"f"]',
    "trigrams": b'["a",null,null,-1,"f"]',
    "truth": b'["a",null,null,true,"f"]',
    "bits": b'["a",null,null,1,"xyz"]',
    "negative bits": b'["a",null,null,1,"-f"]',
    "many bits": b'["a",null,null,1,"' + b"f" * 129 + b'"]',
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "no UTF-8": b'["\xff",null,null,1,"f"]',
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_spoken_form_that_no_ingest_writes_is_refused(
    write, store, tmp_path, elsewhere, form
):
    line = form + b"\n"

    def part(folder):
        folder.mkdir()
        with LineWriter(folder / STEM) as writer:
            for _ in range(20):
                writer.add(b"%08x " % zlib.crc32(line) + line)

    write(parts={PART: part})
    store.export("demo", tmp_path / "h.tar")
    with pytest.raises(SnapshotCorrupt, match=rf"h\.tar: {PART}: row 0 is not what"):
        import_(elsewhere, tmp_path / "h.tar")
    assert left_in(elsewhere) == ["demo"]


def import_(store, file):
    return store.import_(file, recognise=lambda model: model, check=check_spoken_forms)


def change_manifest(folder, **changes):
    write_manifest(replace(read_manifest(folder), **changes), folder)


def facts_of_files(folder, but):
    return {
        name: facts
        for name, facts in all_facts(folder).items()
        if not name.startswith(but)
    }


def tar_of(folder, names, file, *more, end=True):
    """Write some files of a folder, and members of one's own, as `pack` would."""
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in ("manifest.json", "manifest.sha256", *names):
            content = (folder / name).read_bytes()
            add(tar, name, content)
        for name, content in more:
            add(tar, name, content)
        written = tar.offset
    if not end:
        with file.open("r+b") as stream:
            stream.truncate(written)
    return file


def add(tar, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
