"""The part of a snapshot that holds how each passage is said."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.errors import SnapshotCorrupt
from kbserver.index.documents import DocumentEntry
from kbserver.index.lines import LineTable, LineWriter
from kbserver.index.snapshot import Snapshot
from kbserver.index.writer import SnapshotFacts, write_snapshot
from kbserver.ingest.spoken_part import write_spoken_forms
from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.retrieval.spoken.table import PART, STEM, SpokenFormTable
from kbserver.types import Passage
from tests.index.conftest import MODEL, random_unit_vectors, rows_of_passages

texts = st.text(
    st.characters(codec=None), max_size=60
)  # lone surrogates too: JSON files may hold them
PASSAGES = [
    Passage("a", "It costs **£30** a month.", "Prices"),
    Passage("b", "Nothing to be said in another way.", "Plain \ud800 words"),
    Passage("c", ""),
]


def written(folder: Path, passages: list[Passage], part: str | None = PART) -> Snapshot:
    return Snapshot.open(
        write_snapshot(
            folder,
            "demo",
            rows_of_passages(passages),
            random_unit_vectors(len(passages)),
            SnapshotFacts(MODEL),
            documents=[DocumentEntry("a.md", "hash", 0, len(passages))],
            parts={part: lambda path: write_spoken_forms(passages, path)}
            if part is not None
            else {},
        ),
        verify=True,
    )


@given(
    st.lists(
        st.builds(Passage, id=texts, text=texts, title=texts), min_size=1, max_size=4
    )
)
@settings(max_examples=30)
def test_what_was_worked_out_comes_back(tmp_path_factory, passages):
    with written(tmp_path_factory.mktemp("store"), passages) as snapshot:
        table = SpokenFormTable.open(snapshot)
        assert table is not None
        assert [table.of(row, passage) for row, passage in enumerate(passages)] == [
            *map(spoken_form_of, passages)
        ]


def test_what_is_said_as_it_is_written_takes_no_room(tmp_path):
    with written(tmp_path, PASSAGES) as snapshot:
        lines = (
            (snapshot.part(PART) / STEM).with_suffix(".jsonl").read_bytes().splitlines()
        )
    records = [
        json.loads(line[9:].decode("utf-8", "surrogatepass"))[:3] for line in lines
    ]
    assert records[0] == [
        "Prices",
        "It costs £30 a month.",
        "Prices: It costs 30 pounds a month.",
    ]
    assert records[1] == ["Plain words", None, None]


@pytest.mark.parametrize("part", [None, "wordings.0"])
def test_a_snapshot_without_it_or_with_that_of_other_rules_has_none(tmp_path, part):
    with written(tmp_path, PASSAGES, part) as snapshot:
        assert SpokenFormTable.open(snapshot) is None


def test_a_damaged_row_is_seen_and_the_others_are_read(tmp_path):
    with written(tmp_path, PASSAGES) as snapshot:
        file = (snapshot.part(PART) / STEM).with_suffix(".jsonl")
        file.write_bytes(file.read_bytes().replace(b"30 pounds", b"90 pounds"))
        table = SpokenFormTable.open(snapshot)
        assert table is not None
        with pytest.raises(
            SnapshotCorrupt, match="row 0 is damaged; .*kbserver ingest"
        ):
            table.of(0, PASSAGES[0])
        assert table.of(1, PASSAGES[1]) == spoken_form_of(PASSAGES[1])


@pytest.mark.parametrize("harm", [b"", b"\x00" * 200])
def test_offsets_that_cannot_be_read_are_an_error_of_the_store(tmp_path, harm):
    with written(tmp_path, PASSAGES) as snapshot:
        (snapshot.part(PART) / STEM).with_suffix(".offsets.npy").write_bytes(harm)
        with pytest.raises(SnapshotCorrupt, match="cannot be opened"):
            SpokenFormTable.open(snapshot)


def test_rows_of_another_number_of_passages_are_an_error_of_the_store(tmp_path):
    with written(tmp_path, PASSAGES) as snapshot:
        for file in (other := snapshot.part(PART)).iterdir():
            file.unlink()
        other.rmdir()
        write_spoken_forms(PASSAGES[:2], other)
        with pytest.raises(SnapshotCorrupt, match="2 rows for 3 passages"):
            SpokenFormTable.open(snapshot)


@pytest.mark.parametrize(
    "record",
    [
        5,
        None,
        [],
        ["a", 5, None, 1, "f"],
        ["a", None, None, -1, "f"],
        ["a", None, None, 1, "no bits"],
        ["a", None, None, 1, "f" * 129],
    ],
)
def test_a_row_with_a_right_checksum_that_is_no_form_is_an_error_of_the_store(
    tmp_path, record
):
    line = json.dumps(record).encode() + b"\n"

    def part(folder: Path) -> None:
        folder.mkdir()
        with LineWriter(folder / STEM) as writer:
            for _ in PASSAGES:
                writer.add(b"%08x " % zlib.crc32(line) + line)

    with written(tmp_path, PASSAGES, part=None) as snapshot:
        part(tmp_path / PART)
        table = SpokenFormTable(LineTable.open(tmp_path / PART / STEM), tmp_path / PART)
        with pytest.raises(SnapshotCorrupt, match="row 1 is no wording"):
            table.of(1, snapshot.passage(1))
