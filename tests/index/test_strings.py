import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.strings import SortedStrings, write_strings

ANY = st.text(alphabet=st.characters())  # surrogates too: a file's name may hold them


@given(st.sets(ANY, max_size=40), ANY)
def test_every_string_is_found_by_its_number_and_no_other(
    tmp_path_factory, strings, other
):
    stem = tmp_path_factory.mktemp("strings") / "words.bin"
    ordered = write_strings(strings, stem)
    table = SortedStrings.open(stem)
    assert (
        sorted(ordered) == sorted(strings)
        and list(table) == ordered
        and len(table) == len(strings)
    )
    for number, text in enumerate(ordered):
        assert table.find(text) == number
        assert table[number] == text.encode("utf-8", "surrogatepass")
    assert (table.find(other) >= 0) == (other in strings)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 65, 1000])
def test_a_string_is_found_among_many_whatever_their_number(tmp_path, count):
    ordered = write_strings(
        [f"{2 * number:04}" for number in range(count)], tmp_path / "words.bin"
    )
    table = SortedStrings.open(tmp_path / "words.bin")
    assert [table.find(text) for text in ordered] == list(range(count))
    assert {table.find(f"{2 * number + 1:04}") for number in range(-1, count)} == {-1}
    assert {
        table.find(text) for text in ("", "9" * 9, *(text + text for text in ordered))
    } == {-1}


def test_order_is_that_of_the_bytes(tmp_path):
    assert write_strings(["z", "é", "a", "Z", "", "ab"], tmp_path / "words.bin") == [
        "",
        "Z",
        "a",
        "ab",
        "z",
        "é",
    ]


@pytest.mark.parametrize("number", [-1, 2])
def test_a_number_that_is_not_there_is_an_error(tmp_path, number):
    write_strings(["a", "b"], tmp_path / "words.bin")
    with pytest.raises(IndexError):
        SortedStrings.open(tmp_path / "words.bin")[number]


def test_strings_are_found_by_how_they_begin(tmp_path):
    write_strings(["a", "ab", "abc", "b", "é", "éa"], tmp_path / "words.bin")
    table = SortedStrings.open(tmp_path / "words.bin")
    assert list(table.starting_with("ab")) == ["ab", "abc"]
    assert list(table.starting_with("é")) == ["é", "éa"]
    assert list(table.starting_with("")) == list(table)
    assert list(table.starting_with("z")) == list(table.starting_with("ê")) == []
