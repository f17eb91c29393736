"""What was judged is read by `eval` as it was meant."""

import pytest

from kbserver.errors import StoreError
from kbserver.evaluation.dataset import read_dataset
from kbserver.record.judgements import Judgement
from kbserver.record.qrels import QRELS, QUERIES, judged_questions, write_dataset

from .conftest import NOON


def judgement(verdict, question, document=None, **more):
    return Judgement(
        verdict, "support", "ann", NOON, question, document=document, **more
    )


JUDGEMENTS = [
    judgement("right", "reset it", "router/reset.md"),
    judgement("right", "reset it", "shot at 9\u202fam.md"),
    judgement("right", "reset it", "a\ttab.md"),
    judgement("wrong", "reset it", "billing.md"),
    judgement("silent", "what is love"),
    judgement("should_have_answered", "and\thow long", "a b.md", history=("reset",)),
    judgement("right", None, "router/reset.md"),
]


def test_the_files_are_read_back_as_they_were_judged(tmp_path):
    folder = tmp_path / "new" / "judged"
    write_dataset(judged_questions(JUDGEMENTS), folder)
    dataset = read_dataset([folder / QUERIES], folder / QRELS)
    reset, love, long = dataset.questions
    assert [dataset.judgement(one) for one in dataset.questions] == [
        "documents",
        "nothing",
        "documents",
    ]
    assert dataset.qrels[reset.id] == {
        "router/reset.md": 1,
        "shot at 9\u202fam.md": 1,
        "billing.md": 0,
    }
    assert (long.text, long.history) == ("and\thow long", ("reset",))
    assert dataset.qrels[long.id] == {"a b.md": 1}
    assert love.id not in dataset.qrels


def test_the_same_question_behind_other_turns_is_another():
    behind = judgement("right", "and how long", "a.md", history=("reset it",))
    alone = judgement("right", "and how long", "b.md")
    again = judgement("right", "and how long", "c.md")
    first, second = judged_questions([behind, alone, again])
    assert (first.documents, second.documents) == (
        {"a.md": 1},
        {"b.md": 1, "c.md": 1},
    )


@pytest.mark.parametrize(
    ("verdicts", "documents", "kind"),
    [
        (["right", "silent"], {"a.md": 0}, "unanswerable"),
        (["silent", "right"], {"a.md": 1}, "judged"),
        (["silent", "wrong"], {"a.md": 0}, "unanswerable"),
        (["wrong", "right"], {"a.md": 1}, "judged"),
    ],
)
def test_of_contradictions_the_last_counts(verdicts, documents, kind):
    found = [
        judgement(verdict, "reset it", None if verdict == "silent" else "a.md")
        for verdict in verdicts
    ]
    (question,) = judged_questions(found)
    assert (question.documents, question.kind) == (documents, kind)


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        write_dataset([], tmp_path / "file")
