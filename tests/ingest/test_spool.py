"""Passages on their way, in a real file."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import StoreError
from kbserver.ingest.spool import Prepared, Spool
from kbserver.types import Passage

texts = st.text(
    st.characters(codec=None), max_size=40
)  # lone surrogates too: JSON files may hold them


def prepared(text: str, number: int = 0) -> Prepared:
    passage = Passage(
        f"id-{number}",
        text,
        "title",
        ("a", text),
        f"{number}.md",
        number,
        {"folder": "x", "n": [1, None]},
    )
    return Prepared(passage, f"{text}!", f"{text}?")


def nothing(row: int) -> Prepared:
    raise AssertionError(f"row {row} was not taken over")


@settings(
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.one_of(texts, st.integers(min_value=0, max_value=10**9)), max_size=12
    )
)
def test_rows_come_back_in_order_whatever_they_hold(tmp_path: Path, rows):
    with Spool(tmp_path / "spool", lambda row: prepared("old", row)) as spool:
        for row in rows:
            if isinstance(row, int):
                spool.take_over(row)
            else:
                spool.add(prepared(row))
        expected = [
            prepared("old", row) if isinstance(row, int) else prepared(row)
            for row in rows
        ]
        assert list(spool) == expected and len(spool) == len(rows)
        assert [spool[number] for number in reversed(range(len(rows)))] == expected[
            ::-1
        ]
        assert spool.origins().tolist() == [
            row if isinstance(row, int) else -1 for row in rows
        ]
        assert list(spool.lengths) == [
            0 if isinstance(row, int) else len(row) + 1 for row in rows
        ]


def test_it_can_be_added_to_after_it_was_read(tmp_path):
    with Spool(tmp_path / "spool", nothing) as spool:
        spool.add(prepared("one"))
        assert spool[0].passage.text == "one"
        spool.add(prepared("two"))
        assert [one.passage.text for one in spool] == ["one", "two"]


def test_a_row_that_is_not_there_is_an_index_error(tmp_path):
    with Spool(tmp_path / "spool", nothing) as spool, pytest.raises(IndexError):
        spool[0]


def test_a_folder_that_is_not_there_is_a_clear_error(tmp_path):
    with pytest.raises(StoreError, match="cannot write to the store"):
        Spool(tmp_path / "missing" / "spool", nothing)
