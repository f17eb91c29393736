import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block


def as_lines(*records: object) -> str:
    return "\n".join(json.dumps(record) for record in records) + "\n"


def test_the_beir_layout_gives_a_document_for_each_line(read):
    documents = read(
        "corpus.jsonl",
        as_lines(
            {
                "_id": "d/1",
                "title": "One",
                "text": "First.\n\nSecond.",
                "metadata": {"domain": "hotel", "n": 3},
            },
            {"_id": 2, "title": "", "text": "Third."},
            {"_id": "d/1", "text": "Fourth."},
        ),
    )
    assert [(document.source, document.title) for document in documents] == [
        ("corpus.jsonl#d/1", "One"),
        ("corpus.jsonl#2", ""),
        ("corpus.jsonl#d-1", ""),
    ]
    assert documents[0].blocks == (
        Block("paragraph", "First."),
        Block("paragraph", "Second."),
    )
    assert documents[0].metadata == {
        "domain": "hotel",
        "n": 3,
        "id": "d/1",
        "folder": "",
    }


def test_a_line_that_is_no_object_refuses_the_whole_file_with_its_number(read):
    with pytest.raises(DocumentUnreadable, match="line 3: "):
        read("a.jsonl", as_lines({"text": "One."}) + "\n" + '{"text": "cut sh')
    with pytest.raises(DocumentUnreadable, match="line 2: not a JSON object"):
        read("a.jsonl", as_lines({"text": "One."}, ["two"]))


def test_a_line_separator_inside_a_string_ends_no_line(read):
    assert len(read("a.jsonl", '{"text": "one\u2028two\u0085three"}\n')) == 1


@pytest.mark.parametrize(
    "wrap", [lambda records: records, lambda records: {"version": 2, "faqs": records}]
)
def test_questions_and_answers_give_a_document_each(read, wrap):
    records = [
        {
            "question": "Can I pay by card?",
            "answer": "Yes.",
            "tags": ["pay"],
            "valid_until": "2027-01-01",
        }
    ]
    [document] = read("faq.json", json.dumps(wrap(records)))
    assert (document.source, document.title) == (
        "faq.json#can-i-pay-by-card",
        "Can I pay by card?",
    )
    assert document.blocks == (Block("record", "Yes."),)
    assert document.metadata == {
        "tags": ["pay"],
        "valid_until": "2027-01-01",
        "folder": "",
    }


def test_plain_objects_become_sentences(read):
    records = [
        {
            "plan": "A",
            "pricePerMonth": 3.5,
            "includes": ["calls", "data"],
            "new": True,
            "old": None,
        }
    ]
    [document] = read("our-plans.json", json.dumps(records))
    assert document.title == "Our plans"
    assert document.blocks == (
        Block(
            "record", "plan: A; price per month: 3.5; includes: calls, data; new: yes."
        ),
    )


def test_nested_data_becomes_sections(read):
    data = {
        "company": "Acme",
        "address": {"city": "Bonn"},
        "branches": [{"name": "North", "hours": {"mon": "9-5"}}],
    }
    assert read("data.json", json.dumps(data))[0].blocks == (
        Block("record", "company: Acme."),
        Block("heading", "address", 1),
        Block("record", "city: Bonn."),
        Block("heading", "branches", 1),
        Block("record", "name: North; hours: (mon: 9-5)."),
    )


def test_bad_json_is_named_with_line_and_column(read):
    with pytest.raises(DocumentUnreadable, match="line 2, column 8: "):
        read("a.json", '{\n  "a": oops}')


def test_json_nested_without_end_is_named(read):
    with pytest.raises(DocumentUnreadable, match="nested too deeply"):
        read("a.json", "[" * 100_000 + "]" * 100_000)


def test_half_a_character_is_taken_out(read):
    [document] = read(
        "a.json", '[{"id": "a\\ud800", "text": "one\\ud800 two", "note": "x\\udfff"}]'
    )
    assert document.blocks[0].text == "one two"
    json.dumps([document.source, dict(document.metadata)], ensure_ascii=False).encode(
        "utf-8"
    )


def test_an_object_with_a_text_of_its_own_is_one_record(read):
    data = {"title": "Hours", "text": "Nine to five.", "tags": ["open"]}
    [document] = read("a.json", json.dumps(data))
    assert (document.source, document.title) == ("a.json#hours", "Hours")
    assert document.metadata == {"tags": ["open"], "folder": ""}


def test_records_without_a_text_share_one_document(read):
    records = [{"text": "One."}, {"plan": "A"}, {"plan": "B"}]
    first, others = read("our-plans.json", json.dumps(records))
    assert first.source == "our-plans.json#one"
    assert others.source == "our-plans.json"
    assert [block.text for block in others.blocks] == ["plan: A.", "plan: B."]


names = st.text("abcXYZ_", min_size=1, max_size=6)
words = st.text("abcdefg", min_size=1, max_size=6)
values = st.recursive(
    st.one_of(words, st.integers(0, 99), st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(names, inner, max_size=4)
    ),
    max_leaves=12,
)


def words_of(data: object) -> set[str]:
    if isinstance(data, dict):
        return set().union(*map(words_of, data.values()))
    if isinstance(data, list):
        return set().union(*map(words_of, data))
    if isinstance(data, str):
        return {data}
    return set()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from(("plan", "zone")), values), min_size=1))
def test_no_word_of_plain_records_is_lost(read, data):
    try:
        documents = read("data.json", json.dumps(data))
    except DocumentUnreadable as exc:
        assert exc.reason == "no text in it"
        assert words_of(data) == set()
    else:
        texts = " ".join(block.text for one in documents for block in one.blocks)
        assert words_of(data) <= set(re.findall(r"\w+", texts))


@pytest.mark.parametrize("version", [{"openapi": "3.1.0"}, {"swagger": "2.0"}])
def test_a_description_of_an_api_is_left_out(read, version):
    data = {**version, "info": {"title": "Bookings"}, "paths": {"/fees": {}}}
    with pytest.raises(DocumentUnreadable) as caught:
        read("api.json", json.dumps(data))
    assert caught.value.reason.startswith(
        "left out: an OpenAPI document tells programs"
    )


def test_data_that_only_speak_of_an_api_are_read(read):
    assert read("a.json", json.dumps({"openapi": True, "info": "Ask at the desk."}))
