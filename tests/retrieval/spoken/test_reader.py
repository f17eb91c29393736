"""Passages read together with how they are said, and kept."""

from __future__ import annotations

import gc
import weakref

from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.retrieval.spoken.reader import open_passages
from kbserver.retrieval.spoken.table import PART, STEM
from tests.retrieval.spoken.test_table import PASSAGES, written


def test_a_passage_comes_with_its_own_wording(tmp_path):
    complaints: list[str] = []
    with written(tmp_path, PASSAGES) as snapshot:
        read = open_passages(snapshot, lambda what, exc: complaints.append(what))
        for row, wanted in enumerate(PASSAGES):
            passage, spoken_form = read(row)
            assert (passage, spoken_form) == (wanted, spoken_form_of(wanted))
            assert spoken_form.passage is passage  # else it says nothing of it
    assert complaints == []


def test_a_damaged_wording_is_told_of_and_done_without(tmp_path):
    complaints: list[str] = []
    with written(tmp_path, PASSAGES) as snapshot:
        lines = (snapshot.part(PART) / STEM).with_suffix(".jsonl")
        lines.write_bytes(lines.read_bytes().replace(b"30 pounds", b"30 pesos!"))
        read = open_passages(snapshot, lambda what, exc: complaints.append(what))
        assert [read(row) for row in (0, 0)] == [(PASSAGES[0], None)] * 2
        assert read(1)[1] is not None
    assert complaints == ["the table of wordings"]


def test_a_snapshot_without_wordings_gives_the_passages(tmp_path):
    with written(tmp_path, PASSAGES, part=None) as snapshot:
        read = open_passages(snapshot, lambda what, exc: None)
        assert [read(row) for row in range(3)] == [
            (passage, None) for passage in PASSAGES
        ]


def test_what_is_kept_goes_with_the_reader_and_waits_for_no_garbage_collection(
    tmp_path,
):
    with written(tmp_path, PASSAGES) as snapshot:
        gc.disable()
        try:
            read = open_passages(snapshot, lambda what, exc: None)
            table = weakref.ref(snapshot.passages)
            read(0)
            snapshot.close()
            assert table() is not None
            del read
            assert table() is None
        finally:
            gc.enable()
