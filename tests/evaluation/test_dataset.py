import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.errors import SettingsError
from kbserver.evaluation.dataset import (
    Dataset,
    Question,
    read_dataset,
    read_qrels,
    read_questions,
)

NO_SURROGATES = st.text(st.characters(exclude_categories=("Cs",)))
ID = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1)
same_folder = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@same_folder
@given(
    st.lists(
        st.tuples(NO_SURROGATES, NO_SURROGATES, NO_SURROGATES, NO_SURROGATES),
        max_size=5,
    )
)
def test_questions_written_as_json_lines_are_read_back(tmp_path, records):
    path = tmp_path / "queries.jsonl"
    lines = [
        json.dumps(
            {"_id": id, "text": text, "kind": kind, "answer": answer},
            ensure_ascii=False,
        )
        for id, text, kind, answer in records
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    assert read_questions(path) == [Question(*record) for record in records]


@same_folder
@given(
    st.dictionaries(
        ID, st.dictionaries(ID, st.integers(0, 3), min_size=1, max_size=3), max_size=4
    )
)
def test_qrels_are_read_back(tmp_path, qrels):
    path = tmp_path / "qrels.tsv"
    rows = [
        f"{query}\t{document}\t{score}"
        for query, found in qrels.items()
        for document, score in found.items()
    ]
    path.write_text(
        "query-id\tcorpus-id\tscore\n" + "\n".join(rows), encoding="utf-8", newline=""
    )
    assert read_qrels(path) == qrels


@same_folder
@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(tmp_path, content):
    path = tmp_path / "anything"
    path.write_bytes(content)
    for read in (read_questions, read_qrels):
        try:
            read(path)
        except SettingsError as exc:
            assert "anything" in str(exc)


def test_only_the_callers_turns_of_a_history_are_kept(tmp_path):
    path = tmp_path / "queries.jsonl"
    history = [
        {"role": "user", "text": "first"},
        {"role": "agent", "text": "no"},
        {"role": "user", "text": "second"},
    ]
    path.write_text(
        json.dumps(
            {"_id": "1", "text": "and that", "history": history, "scope": {"id": 7}}
        )
    )
    [question] = read_questions(path)
    assert question.history == ("first", "second")
    assert question.scope == {"id": "7"}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "found list"),
        ('{"_id": 7, "text": "x"}', '"_id" and "text"'),
        ('{"_id": "7"}', '"_id" and "text"'),
        ('{"_id": "7", "text": "x", "history": ["hello"]}', '"history"'),
        ('{"_id": "7", "text": "x", "scope": "hotel"}', '"scope"'),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(tmp_path, line, why):
    path = tmp_path / "queries.jsonl"
    path.write_text('{"_id": "1", "text": "one"}\n\n' + line + "\n")
    with pytest.raises(SettingsError) as caught:
        read_questions(path)
    assert f"{path}:3" in str(caught.value) and why in str(caught.value)


@pytest.mark.parametrize(
    "line", ["q1\td1", "q1 d1 1", "q1\td1\tvery", "q1\td1\t1\tmore"]
)
def test_a_wrong_judgement_is_named_with_its_number(tmp_path, line):
    path = tmp_path / "qrels.tsv"
    path.write_text(f"query-id\tcorpus-id\tscore\nq0\td0\t1\n{line}\n")
    with pytest.raises(SettingsError, match=r"qrels\.tsv:3: found"):
        read_qrels(path)


def test_a_folder_of_qrels_is_read_as_one_and_line_ends_of_windows_do_not_matter(
    tmp_path,
):
    (tmp_path / "dev.tsv").write_bytes(b"query-id\tcorpus-id\tscore\r\nq1\td1\t1\r\n")
    (tmp_path / "test.tsv").write_bytes(
        b"\xef\xbb\xbfquery-id\tcorpus-id\tscore\nq2\td2\t2\n"
    )
    assert read_qrels(tmp_path) == {"q1": {"d1": 1}, "q2": {"d2": 2}}


def test_a_folder_without_qrels_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match="--qrels"):
        read_qrels(tmp_path)
    with pytest.raises(SettingsError, match="--queries or --qrels"):
        read_questions(tmp_path / "missing.jsonl")


def test_an_id_that_comes_twice_is_refused_also_across_files(tmp_path):
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path in (first, second):
        path.write_text('{"_id": "1", "text": "x", "answer": "y"}\n')
    with pytest.raises(SettingsError, match=r"b\.jsonl: the id '1' comes twice"):
        read_dataset([first, second])


def test_a_set_without_a_question_that_can_be_judged_is_refused(tmp_path):
    path = tmp_path / "queries.jsonl"
    path.write_text('{"_id": "1", "text": "x"}\n')
    with pytest.raises(SettingsError, match="none of the 1 questions can be judged"):
        read_dataset([path])


@pytest.mark.parametrize(
    ("question", "judgement"),
    [
        (Question("judged", "x", kind="unanswerable"), "documents"),
        (Question("irrelevant", "x", answer="y"), "answer"),
        (Question("no rows", "x", kind="asr-not-knowledge-seeking"), "nothing"),
        (
            Question("no rows", "x", kind="unanswerable-disfluent", answer="y"),
            "nothing",
        ),
        (Question("no rows", "x", kind="smalltalk"), "smalltalk"),
        (Question("no rows", "x", kind="spoken", answer=" "), "none"),
    ],
)
def test_qrels_come_before_the_kind_and_the_kind_before_the_answer(question, judgement):
    dataset = Dataset((question,), {"judged": {"d": 1}, "irrelevant": {"d": 0}})
    assert dataset.judgement(question) == judgement


@given(st.integers(0, 60), st.integers(1, 40))
def test_a_sample_is_spread_evenly_and_never_larger_than_asked_for(count, at_most):
    dataset = Dataset(tuple(Question(str(number), "x") for number in range(count)))
    taken = [int(question.id) for question in dataset.sample(at_most).questions]
    assert len(taken) == min(count, at_most)
    gaps = {after - before for before, after in zip(taken, taken[1:], strict=False)}
    assert not gaps or max(gaps) - min(gaps) <= 1
