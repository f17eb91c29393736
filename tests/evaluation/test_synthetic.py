import json

import pytest

from kbserver.evaluation.dataset import Dataset
from kbserver.evaluation.synthetic import DRAWN, EVERYDAY, answerable, unanswerable
from kbserver.index.store import Store
from kbserver.ingest.build import ingest


def texts(dataset: Dataset) -> set[str]:
    return {question.text for question in dataset.questions}


@pytest.fixture
def own_store(tmp_path, store):
    """An empty store that uses the models of the shared one."""
    own = Store(tmp_path / "store")
    own.path.mkdir()
    (own.path / ".models").symlink_to(store.resolve() / ".models")
    return own


def test_titles_and_headings_are_drawn_as_a_caller_would_say_them(store):
    with Store(store).open("support") as snapshot:
        dataset = answerable(snapshot)
    drawn = {
        question.text: dataset.qrels[question.id] for question in dataset.questions
    }
    assert drawn["what the lights mean"] == {"router/lights.md": 1}
    assert drawn["billing dates"] == {"billing/dates.md": 1}
    for question in dataset.questions:
        assert dataset.judgement(question) == "documents"


def test_a_heading_follows_the_title_unless_it_says_the_same(tmp_path, own_store):
    page = tmp_path / "pages" / "pets.md"
    page.parent.mkdir()
    page.write_text(
        "# Pets\n\nDogs may stay.\n\n## What's the price, please?\n\nIt is free.\n"
    )
    ingest([page.parent], store=own_store, corpus="pages")
    with own_store.open("pages") as snapshot:
        drawn = texts(answerable(snapshot))
    assert drawn == {"pets", "pets what's the price please"}


def test_written_down_questions_of_a_document_are_drawn(tmp_path, own_store):
    documents = tmp_path / "faq.json"
    record = {"question": "Can I pay by cheque?", "answer": "No, we take no cheques."}
    documents.write_text(json.dumps([record]))
    ingest([documents], store=own_store, corpus="faq")
    with own_store.open("faq") as snapshot:
        assert "can i pay by cheque" in texts(answerable(snapshot))


def test_a_phrase_of_several_documents_is_one_question_that_each_answers(
    tmp_path, own_store
):
    for name in ("one", "two"):
        page = tmp_path / "pages" / f"{name}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(f"# Opening hours\n\nShop {name} opens at {len(name)}.\n")
    ingest([tmp_path / "pages"], store=own_store, corpus="pages")
    with own_store.open("pages") as snapshot:
        dataset = answerable(snapshot)
    [question] = dataset.questions
    assert dataset.qrels[question.id] == {"one.md": 1, "two.md": 1}


def test_no_more_than_some_are_drawn_from_a_large_corpus(tmp_path, own_store):
    documents = tmp_path / "many.json"
    records = [
        {"question": f"What is item {number}?", "answer": f"Number {number}."}
        for number in range(DRAWN + 50)
    ]
    documents.write_text(json.dumps(records))
    ingest([documents], store=own_store, corpus="many")
    with own_store.open("many") as snapshot:
        assert len(answerable(snapshot).questions) == DRAWN


def test_headings_of_another_corpus_are_unanswerable_unless_the_corpus_has_them(store):
    with Store(store).open("support") as support, Store(store).open("hotels") as hotels:
        from_other = unanswerable(support, [hotels])
        from_itself = unanswerable(support, [support])
    assert texts(from_other) == {"pets", "breakfast", *EVERYDAY}
    assert texts(from_itself) == set(EVERYDAY)
    ids = [question.id for question in from_other.questions]
    assert len(set(ids)) == len(ids)
    for question in from_other.questions:
        assert from_other.judgement(question) == "nothing"


def test_everyday_questions_are_all_different_and_as_a_caller_says_them():
    assert len(set(EVERYDAY)) == len(EVERYDAY)
    for question in EVERYDAY:
        assert question == question.casefold() and "?" not in question
