import datetime as dt
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.metadata import MAX_VALUES, normalise, with_validity


@pytest.mark.parametrize(
    ("key", "given", "wanted"),
    [
        ("title", 2026, "2026"),
        ("valid_from", dt.date(2026, 5, 1), "2026-05-01"),
        ("valid_until", dt.datetime(2026, 5, 1, 18), "2026-05-01T18:00:00"),
        ("valid_until", " 2026-05-01 ", "2026-05-01"),
        ("valid_until", "2026-05-01T18:00+02:00", "2026-05-01T18:00:00+02:00"),
        ("tags", "a, b,,", ["a", "b"]),
        ("tags", ["a", 2], ["a", "2"]),
        ("supersedes", "old.md, older.md", ["old.md, older.md"]),
        ("questions", ["is it free?"], ["is it free?"]),
        ("pinned", "Yes", True),
        ("pinned", 0, False),
        ("when", dt.time(9, 30), "09:30:00"),
        ("rate", float("inf"), "inf"),
        ("nested", {1: (None, "x\u200b")}, {"1": [None, "x"]}),
    ],
)
def test_a_key_is_brought_into_one_form(key, given, wanted):
    assert normalise("a.md", {key: given}) == {key: wanted}


@pytest.mark.parametrize(
    ("key", "given", "reason"),
    [
        ("valid_until", "soon", "valid_until is 'soon'; write a date like 2026-12-31"),
        ("valid_from", "2026-13-01", "valid_from is '2026-13-01'; write a date"),
        ("pinned", "perhaps", "pinned is 'perhaps'; write true or false"),
        ("tags", {"a": 1}, "tags is \"{'a': 1}\"; write a list of texts"),
        ("questions", [["a"]], "questions is"),
    ],
)
def test_a_key_that_holds_the_wrong_thing_is_named(key, given, reason):
    with pytest.raises(DocumentUnreadable) as caught:
        normalise("a.md", {key: given})
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize("empty", [None, "", [], {}])
def test_empty_values_and_the_folder_are_left_out(empty):
    assert normalise("a.md", {"tags": empty, "x": empty, "folder": "secret"}) == {}


def test_the_number_of_values_is_bounded():
    assert (
        len(normalise("a.md", {"x": list(range(MAX_VALUES - 1))})["x"])
        == MAX_VALUES - 1
    )
    with pytest.raises(DocumentUnreadable, match="more than 1000 values"):
        normalise("a.md", {"x": list(range(MAX_VALUES))})


json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates()
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_whatever_a_parser_returns_becomes_json(given):
    try:
        metadata = normalise("a.md", given)
    except DocumentUnreadable as exc:
        assert exc.reason
    else:
        json.dumps(metadata, ensure_ascii=False, allow_nan=False).encode("utf-8")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"expiryDate": dt.date(2026, 8, 31)}, {"valid_until": "2026-08-31T00:00:00"}),
        ({"publishDate": "2026-08-31"}, {"valid_from": "2026-08-31T00:00:00"}),
        (
            {"expirydate": dt.datetime(2026, 8, 31, 18, tzinfo=dt.UTC)},
            {"valid_until": "2026-08-31T18:00:00+00:00"},
        ),
        (
            {"unpublish_date": "2026-08-31T18:00"},
            {"valid_until": "2026-08-31T18:00:00"},
        ),
        (
            {"expiryDate": "2026-08-31", "valid_until": "2026-12-31"},
            {"expiryDate": "2026-08-31", "valid_until": "2026-12-31"},
        ),
        ({"expiryDate": "", "date": "2026-08-31"}, {"date": "2026-08-31"}),
    ],
)
def test_what_a_site_generator_calls_validity_is_ours(given, wanted):
    assert normalise("a.md", with_validity(given)) == wanted
