import numpy as np

from kbserver.index.manifest import facts_of_files, read_manifest, write_manifest
from kbserver.index.selfcheck import check_snapshot
from kbserver.index.writer import IndexedPassage


def reseal(folder):
    """Give a folder a manifest in which every checksum is right."""
    manifest = read_manifest(folder)
    for name, facts in facts_of_files(folder).items():
        if name in manifest.files:
            manifest.files[name] = facts
    write_manifest(manifest, folder)


def test_a_sound_generation_has_no_problem(write):
    folder = write()
    report = check_snapshot(folder)
    assert report.ok
    assert (report.corpus, report.generation) == ("demo", folder.name)
    assert report.sampled == report.found == 20
    assert report.files == len(read_manifest(folder).files)
    assert report.bytes == read_manifest(folder).bytes


def test_an_index_of_other_vectors_is_noticed(write, unit_vectors):
    texts = [f"w{row}" for row in range(1200)]
    folder = write(texts=texts, embeddings=unit_vectors(1200), vectors="ivf")
    other = unit_vectors(1200, seed=9)
    foreign = write(texts=texts, embeddings=other, vectors="ivf", publish=False)
    # Every checksum right: what a fault in a build would leave behind.
    (folder / "vectors.faiss").write_bytes((foreign / "vectors.faiss").read_bytes())
    reseal(folder)
    report = check_snapshot(folder)
    assert not report.ok
    assert report.found < report.sampled / 2
    assert "not among the ten nearest to its own embedding" in report.problems[0]


def test_words_that_find_another_passage_are_noticed(write, passages_of):
    passages = passages_of([f"w{row}" for row in range(600)])
    rows = [IndexedPassage(passage, "x", "elsewhere") for passage in passages]
    report = check_snapshot(write(passages=passages, rows=rows))
    assert not report.ok
    assert report.found == 0
    assert "not found by any of its own words" in report.problems[0]


def test_twins_may_stand_in_for_each_other(write):
    same = np.tile(np.eye(1, 16, dtype=np.float32), (40, 1))
    report = check_snapshot(write(texts=["one text"] * 40, embeddings=same))
    assert report.ok


def test_a_damaged_file_is_named_and_nothing_is_searched(write):
    folder = write()
    file = folder / "passages.jsonl"
    file.write_bytes(file.read_bytes().replace(b"topic7", b"topic8"))
    report = check_snapshot(folder)
    assert (report.sampled, report.found) == (0, 0)
    assert len(report.problems) == 1
    assert "passages.jsonl: its SHA-256" in report.problems[0]


def test_a_folder_without_a_manifest_is_a_problem_and_no_error(tmp_path):
    folder = tmp_path / "demo" / "000001-x"
    folder.mkdir(parents=True)
    report = check_snapshot(folder)
    assert (report.corpus, report.generation) == ("demo", "000001-x")
    assert "manifest.json" in report.problems[0]
