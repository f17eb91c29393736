"""What people say of turns is kept once for each question and document, and becomes qrels."""

from dataclasses import replace

import pytest

from kbserver.errors import StoreError
from kbserver.evaluation.dataset import read_dataset
from kbserver.record.database import key_of
from kbserver.record.forgetting import forget
from kbserver.record.judgements import (
    Judgement,
    add,
    judgements,
    remove,
    write_dataset,
)
from kbserver.record.rows import Rows

from .conftest import NOON, plain, turn

RIGHT = Judgement("right", "support", "reset.md", "reset it", turn="a1", at=NOON)


def test_a_judgement_comes_back_as_it_was_given(connection):
    n = add(connection, RIGHT)
    assert judgements(connection) == [replace(RIGHT, n=n)]


def test_a_second_verdict_on_the_same_document_replaces_the_first(connection):
    add(connection, RIGHT)
    add(connection, replace(RIGHT, verdict="wrong", at=NOON + 1))
    add(connection, replace(RIGHT, document="other.md", at=NOON + 2))
    add(connection, replace(RIGHT, turn=None, at=NOON + 3))
    add(connection, replace(RIGHT, turn=None, at=NOON + 4))
    found = [(one.verdict, one.document, one.turn) for one in judgements(connection)]
    assert found == [
        ("wrong", "reset.md", "a1"),
        ("right", "other.md", "a1"),
        ("right", "reset.md", None),
    ]


def test_they_are_chosen_by_corpus_and_by_turn(connection):
    add(connection, RIGHT)
    add(connection, replace(RIGHT, turn="a2", corpus="hotels", at=NOON + 1))
    assert [one.turn for one in judgements(connection, corpus="hotels")] == ["a2"]
    assert [one.turn for one in judgements(connection, turns=["a1"])] == ["a1"]
    assert judgements(connection, turns=[]) == []


def test_one_that_is_taken_back_is_gone(connection):
    n = add(connection, RIGHT)
    assert remove(connection, n)
    assert not remove(connection, n)
    assert judgements(connection) == []


@pytest.mark.parametrize(
    "changes",
    [{"verdict": "good"}, {"verdict": "silent"}, {"document": None}],
)
def test_what_is_no_judgement_is_refused(connection, changes):
    with pytest.raises(StoreError, match="verdict"):
        add(connection, replace(RIGHT, **changes))
    assert judgements(connection) == []


def test_eval_reads_them_as_judged_questions(tmp_path):
    given = [
        RIGHT,
        replace(RIGHT, verdict="wrong", document="lights.md"),
        replace(RIGHT, verdict="missing", query="pay it", document="bills.md"),
        replace(RIGHT, verdict="silent", query="sing", document=None),
        replace(RIGHT, verdict="silent", query="reset it", document=None),
        replace(RIGHT, query=None),
        replace(RIGHT, query="two lines", document="a\nb.md"),
    ]
    assert write_dataset(given, tmp_path) == (3, 3)
    dataset = read_dataset([tmp_path / "queries.jsonl"], tmp_path / "qrels")
    judged = {one.text: dataset.judgement(one) for one in dataset.questions}
    assert judged == {"reset it": "documents", "pay it": "documents", "sing": "nothing"}
    ids = {one.text: one.id for one in dataset.questions}
    assert dataset.qrels == {
        ids["reset it"]: {"reset.md": 1, "lights.md": 0},
        ids["pay it"]: {"bills.md": 1},
    }


def test_a_call_that_is_forgotten_takes_its_judgements_with_it(connection, folder):
    rows = Rows(connection, key=key_of(folder), mask=plain)
    rows.add([turn(1, query="where is the zyzzyva")], [])
    (call,) = connection.execute("SELECT call FROM turns").fetchone()
    zyzzyva = replace(RIGHT, query="where is the zyzzyva", call=call)
    add(connection, zyzzyva)
    add(connection, replace(RIGHT, call="another"))
    forget(folder, "call-1")
    assert [one.query for one in judgements(connection)] == ["reset it"]
    assert b"zyzzyva" not in b"".join(path.read_bytes() for path in folder.iterdir())
