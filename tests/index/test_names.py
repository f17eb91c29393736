import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import StoreError
from kbserver.index.names import (
    checked_corpus,
    is_corpus,
    is_generation,
    next_generation,
)


@given(st.text(max_size=70))
def test_a_name_is_taken_as_it_is_or_refused(name):
    try:
        assert checked_corpus(name) == name
    except StoreError:
        assert not is_corpus(name)
    else:
        assert (
            is_corpus(name)
            and name == name.lower()
            and "/" not in name
            and not name.startswith(".")
        )


@pytest.mark.parametrize("name", ["a", "9", "my-hotel_2.v1", "x" * 64])
def test_plain_names_are_taken(name):
    assert checked_corpus(name) == name


def test_a_new_generation_sorts_after_all_others_whatever_the_clock_said():
    existing = [
        "000001-20200101T000000-aaaaaa",
        "000009-20991231T000000-ffffff",
        "LIVE",
        ".tmp-000099-20200101T000000-a",
    ]
    name = next_generation(existing)
    assert (
        name.startswith("000010-") and name > max(existing[:2]) and is_generation(name)
    )
    assert next_generation([]).startswith("000001-")
    assert len({next_generation(existing) for _ in range(20)}) == 20


def test_a_generation_from_elsewhere_keeps_all_of_its_name_but_the_number():
    existing = ["000001-a", "000007-b"]
    assert next_generation(existing, origin="999999999-c.d-e") == "000008-c.d-e"
    with pytest.raises(StoreError, match="000007-b is here already"):
        next_generation(existing, origin="000002-b")


def test_when_no_number_is_left_the_folder_in_the_way_is_named():
    with pytest.raises(StoreError, match="after 999999999.*move away"):
        next_generation(["999999999-x"])


@pytest.mark.parametrize(
    "name",
    [
        "LIVE",
        "notes",
        ".tmp-000001-x",
        "000001",
        "../000001-x",
        "000001-x/y",
        "000001-" + "x" * 65,
    ],
)
def test_other_entries_of_a_corpus_are_no_generations(name):
    assert not is_generation(name)
