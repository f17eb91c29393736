import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.passages import PassageTable, PassageWriter
from kbserver.types import Passage

# Surrogates too: they come from the names of files.
ANY = st.text(alphabet=st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=3),
    max_leaves=6,
)
PASSAGES = st.builds(
    Passage,
    id=ANY,
    text=ANY,
    title=ANY,
    heading_path=st.lists(ANY, max_size=3).map(tuple),
    source=ANY,
    position=st.integers(0, 2**40),
    metadata=st.dictionaries(ANY, JSON, max_size=3),
)


def table_of(folder, passages) -> PassageTable:
    with PassageWriter(folder) as writer:
        for passage in passages:
            writer.add(passage)
    return PassageTable.open(folder)


@given(st.lists(PASSAGES, max_size=6))
def test_every_passage_comes_back_as_it_was(tmp_path_factory, passages):
    table = table_of(tmp_path_factory.mktemp("passages"), passages)
    assert len(table) == len(passages)
    assert list(table) == passages
    assert [table[row] for row in range(len(passages))] == passages
    assert table[1:3] == passages[1:3]


def test_the_file_is_one_json_object_a_line(tmp_path):
    table_of(
        tmp_path, [Passage("a", "two\nlines\u2028here\r\n"), Passage("b", "the “café”")]
    )
    lines = (tmp_path / "passages.jsonl").read_bytes().split(b"\n")
    assert len(lines) == 3 and lines[2] == b""
    assert json.loads(lines[1])["text"] == "the “café”"


@pytest.mark.parametrize("row", [2, -3])
def test_a_row_that_is_not_there_is_an_error_that_says_how_many_are(tmp_path, row):
    table = table_of(tmp_path, [Passage("a", "x"), Passage("b", "y")])
    assert table[-1].id == "b"
    with pytest.raises(IndexError, match="holds 2 passages"):
        table[row]
