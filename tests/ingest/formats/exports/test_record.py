import pytest

from kbserver.ingest.formats.exports.record import (
    MAX_NESTED,
    Record,
    find_records,
    key_of,
    names_of,
)


def found(data: object) -> list[tuple[tuple[str, ...], str, str]]:
    """Return the topics, the title and the text of each record in some data."""
    return [
        (record.topics, record.title, record.answer or record.body)
        for record in find_records(data).records
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" On the third. ", "On the third."),
        (["One.", " Two."], "One.\nTwo."),
        (["One.", 2], ""),
        ({"rendered": "<p>Hi</p>"}, "<p>Hi</p>"),
        ({"storage": {"value": "Hi"}}, "Hi"),
        ({"de": {"raw": "Hallo"}}, "Hallo"),
        ({"pt-BR": "Oi"}, "Oi"),
        ({"format": "Hi"}, ""),
        (None, ""),
        (3, ""),
    ],
)
def test_a_text_is_unwrapped(value, text):
    assert Record({"Content": value}).body == text


def test_fields_are_known_by_their_keys_and_the_first_wanted_counts():
    record = Record({"Post title": "Rent", "Short-Description": "", "_id": "7"})
    assert record.keys["post_title"] == "Post title"
    assert (record.title, record.text(("_id",))) == ("Rent", "7")
    assert [key_of(name) for name in ("_id", " Valid until ", 4)] == [
        "_id",
        "valid_until",
        "4",
    ]


@pytest.mark.parametrize(
    ("fields", "questions"),
    [
        ({"question": "When?", "answer": "Now."}, ["When?"]),
        ({"title": "Rent", "answer": "Now."}, ["Rent"]),
        ({"questions": ["When? ", "", 3, "How?"], "answer": "Now."}, ["When?", "How?"]),
        ({"question": "When?"}, []),
        ({"answer": "Now."}, []),
    ],
)
def test_questions_need_an_answer(fields, questions):
    assert Record(fields).questions == questions


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"title": "Rent", "description": "<p>Due.</p>"}, "<p>Due.</p>"),
        ({"title": "Rent", "description": "Due.", "updated_at": 1}, "Due."),
        ({"title": "Mug", "description": "Blue."}, ""),
        ({"description": "<p>Due.</p>"}, ""),
        ({"title": "Rent", "description": "<p>No.</p>", "body": "Yes."}, "Yes."),
    ],
)
def test_a_description_is_the_text_only_of_what_was_written_in_a_helpdesk(fields, body):
    assert Record(fields).body == body


def test_what_stands_around_a_record_becomes_its_topics():
    article = {"title": "Rent", "body": "Due."}
    data = {"articles": [{"name": "Flats", "house_rules": [article]}]}
    assert found(data) == [(("Flats", "house rules"), "Rent", "Due.")]
    assert found({"data": {"id": 1, "attributes": article}}) == [((), "Rent", "Due.")]


def test_questions_as_names_are_records_only_if_all_are_questions():
    [first, second] = find_records({"When?": "Now.", "How? ": "So."}).records
    assert (first.questions, first.answer) == (["When?"], "Now.")
    assert (second.questions, second.answer) == (["How?"], "So.")
    mixed = {"When?": "Now.", "Phone": "555"}
    assert find_records(mixed).records == []
    assert find_records(mixed).rest == mixed


def test_references_are_followed_outermost_first_and_have_an_end():
    data = {
        "categories": [{"id": 1, "name": "Flats"}],
        "sections": [
            {"id": 5, "name": "Money", "category_id": 1},
            {"id": 6, "name": "Ring", "section_id": 7},
            {"id": 7, "name": "Rang", "section_id": 6},
        ],
        "articles": [
            {"title": "Rent", "body": "Due.", "section_id": "5"},
            {"title": "Loop", "body": "Round.", "section_id": 6},
            {"title": "Pets", "body": "Cats.", "section_id": 8},
        ],
        "count": 3,
    }
    assert found(data) == [
        (("Flats", "Money"), "Rent", "Due."),
        (("Ring", "Rang", "Ring"), "Loop", "Round."),
        ((), "Pets", "Cats."),
    ]
    assert find_records(data).rest is None


def test_records_inside_a_record_follow_it_and_what_is_in_none_is_kept():
    inner = {"title": "Cats", "body": "Two."}
    outer = {"title": "Pets", "body": "Yes.", "children": [inner, {"fee": 9}]}
    read = find_records({"phone": "555", "total": 2, "pages": [outer]})
    assert [(one.title, one.topics) for one in read.records] == [
        ("Pets", ()),
        ("Cats", ("Pets",)),
    ]
    assert read.records[0].fields["children"] == [{"fee": 9}]
    assert read.rest == {"phone": "555"}
    assert find_records({"total": 2}).rest == {"total": 2}


def test_names_of_a_list_are_its_texts_and_the_titles_of_its_objects():
    values = ["rent", {"name": "pets"}, 3, None, "", {"x": 1}]
    assert list(names_of(values)) == ["rent", "pets", "3"]


def test_data_nested_too_deep_is_refused():
    data: object = {"title": "Rent", "body": "Due."}
    for _ in range(MAX_NESTED):
        data = {"data": data}
    assert found(data) == [((), "Rent", "Due.")]
    with pytest.raises(RecursionError):
        find_records([data])
