from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.lines import LineTable, LineWriter


@given(st.lists(st.binary(max_size=50)))
def test_every_line_comes_back_as_it_was(tmp_path_factory, lines):
    stem = tmp_path_factory.mktemp("lines") / "some"
    with LineWriter(stem) as writer:
        for line in lines:
            writer.add(line)
        assert len(writer) == len(lines)
    table = LineTable.open(stem)
    assert [table[row] for row in range(len(table))] == lines
