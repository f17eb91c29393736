"""Turns as files: whole as JSON lines, flat as CSV and Parquet, and inert in a spreadsheet."""

import csv
import io
import json
import sqlite3

import pytest

from kbserver.record.export import flattened, write_csv, write_jsonl, write_parquet
from kbserver.record.turns import Wanted, newest

from .conftest import turn


@pytest.fixture
def turns(rows, connection):
    rows.add([turn(1, query="=1+1"), turn(2, candidates=(), searches=())], [])
    connection.row_factory = sqlite3.Row
    return newest(connection, Wanted())


def test_json_lines_hold_each_turn_whole(turns):
    stream = io.StringIO()
    write_jsonl(turns, stream)
    assert [json.loads(text) for text in stream.getvalue().splitlines()] == turns


def test_a_flat_turn_has_its_best_passage_and_its_best_near_miss(turns):
    flat = flattened(turns[0])
    assert (flat["document"], flat["score"]) == ("router/reset.md", 0.8)
    assert (flat["near_document"], flat["near_score"]) == ("router/reset.md", 0.1)
    assert (flat["corpus"], flat["min_score"]) == ("support", 0.15)
    assert flattened(turns[1])["document"] is None


def test_a_spreadsheet_works_out_no_formula_of_a_caller(turns):
    stream = io.StringIO()
    write_csv(turns, stream)
    first, second = csv.DictReader(io.StringIO(stream.getvalue()))
    assert first["query"] == "'=1+1"
    assert (first["document"], second["document"]) == ("router/reset.md", "")


def test_parquet_holds_the_columns_of_the_csv(turns, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(turns, tmp_path / "turns.parquet")
    read = parquet.read_table(tmp_path / "turns.parquet").to_pylist()
    assert read == [flattened(turn) for turn in turns]
