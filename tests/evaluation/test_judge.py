import pytest

from kbserver.errors import SettingsError
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.judge import ANSWER, Judge, Judged
from kbserver.types import Hit, Passage


def passage(source: str, text: str = "words", **metadata: object) -> Passage:
    return Passage(id=f"id of {source}", text=text, source=source, metadata=metadata)


def hits(*passages: Passage) -> list[Hit]:
    return [Hit(one, 0.9 - place / 10) for place, one in enumerate(passages)]


def test_records_of_one_file_are_judged_each_by_its_own_id():
    corpus = [
        passage("corpus.jsonl#a"),
        passage("corpus.jsonl#b"),
        passage("corpus.jsonl#c"),
    ]
    judge = Judge(Dataset((Question("q", "x"),), {"q": {"b": 2}}), corpus)
    found = judge.judge(Question("q", "x"), hits(*corpus))
    assert found == (Judged("a", 0, 0.9), Judged("b", 2, 0.8), Judged("c", 0, 0.7))


def test_records_of_a_file_that_is_judged_as_a_whole_are_that_file():
    corpus = [
        passage("faq.csv#a"),
        passage("faq.csv#b"),
        passage("help.md"),
        passage("other.csv#a"),
    ]
    judge = Judge(
        Dataset((Question("q", "x"),), {"q": {"faq.csv": 1, "help.md": 1}}), corpus
    )
    found = judge.judge(Question("q", "x"), hits(*corpus))
    assert [(one.document, one.relevance) for one in found] == [
        ("faq.csv", 1), ("faq.csv", 1), ("help.md", 1), ("other.csv", 0),
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["id", "_id"])
def test_the_id_in_a_documents_metadata_names_it(key):
    corpus = [
        passage("pages/one.md", **{key: "D-17"}),
        passage("pages/two.md", **{key: "D-18"}),
    ]
    judge = Judge(Dataset((Question("q", "x"),), {"q": {"D-18": 1}}), corpus)
    assert [one.document for one in judge.judge(Question("q", "x"), hits(*corpus))] == [
        "D-17",
        "D-18",
    ]


def test_a_question_with_an_answer_is_judged_by_the_words_of_the_passage():
    question = Question("q", "how much", answer="costs  £2.25 A MONTH")
    judge = Judge(Dataset((question,)), [])
    found = judge.judge(
        question,
        hits(
            passage("a", "nothing"),
            passage("b", "A bill costs\n**£2.25** a month."),
            passage("c", "£2"),
        ),
    )
    assert [(one.document, one.relevance) for one in found] == [
        ("id of a", 0),
        (ANSWER, 1),
        ("id of c", 0),
    ]


def test_judged_documents_that_the_corpus_does_not_hold_are_listed():
    questions = (Question("q", "x"),)
    judge = Judge(
        Dataset(questions, {"q": {"a.md": 1, "gone.md": 1}, "unasked": {"z.md": 1}}),
        [passage("a.md")],
    )
    assert judge.missing == ["gone.md"]


def test_qrels_of_another_corpus_are_refused_with_an_example_of_both():
    with pytest.raises(
        SettingsError, match=r"they name 'doc-1', the corpus holds 'a\.md'"
    ):
        Judge(Dataset((Question("q", "x"),), {"q": {"doc-1": 1}}), [passage("a.md")])
