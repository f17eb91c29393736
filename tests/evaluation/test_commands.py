"""`kbserver eval` and `kbserver calibrate`, run as a user runs them."""

import json
import shutil

import pytest
import typer
from typer.testing import CliRunner

from kbserver.cli import calibrate, evaluate
from kbserver.errors import KbServerError, SettingsError
from kbserver.index.store import Store
from kbserver.retrieval.calibration import read_min_score


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(pretty_exceptions_enable=False)
    evaluate.register(app)
    calibrate.register(app)

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(one) for one in arguments])
        if isinstance(result.exception, KbServerError):
            raise result.exception
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result

    return invoke


def test_requirements_decide_the_exit_code_and_a_saved_run_can_be_compared(
    run, store, queries, qrels, tmp_path
):
    common = ["eval", "support", "--store", store, "--timed", 2]
    common += ["--queries", queries, "--qrels", qrels]
    required = ["--require", "ndcg@10>=0.9", "--require", "false_smalltalk<=0"]
    saved = ["--save", tmp_path / "run.json", "--run-file", tmp_path / "run.trec"]
    met = run(*common, *required, *saved, "--json")
    assert met.exit_code == 0
    values = json.loads(met.stdout)
    assert values["variants"]["hybrid"]["all"]["ndcg@10"] == 1.0
    assert values["questions"] == {
        "documents": 3,
        "answer": 1,
        "nothing": 2,
        "smalltalk": 1,
    }
    assert list(values["variants"]) == ["hybrid", "lexical", "dense"]
    assert "q1 Q0 router/reset.md 1" in (tmp_path / "run.trec").read_text()

    missed = run(
        *common,
        "--arms",
        "hybrid",
        "--baseline",
        tmp_path / "run.json",
        "--require",
        "recall@1[spoken]>1",
    )
    assert missed.exit_code == 1
    assert "not met: recall@1[spoken]>1: found 1" in missed.stderr
    assert (
        "against the earlier run" in missed.stdout
        and "ndcg@10" in missed.stdout
        and "smalltalk" in missed.stdout
    )


def test_a_folder_of_documents_is_ingested_and_asked(run, store, tmp_path, queries):
    folder, cache = tmp_path / "help", tmp_path / "cache"
    (folder / "docs").mkdir(parents=True)
    cache.mkdir()
    (cache / ".models").symlink_to(store.resolve() / ".models")
    (folder / "docs" / "bills.md").write_text(
        "# Bills\n\nA paper bill costs £2.25 a month.\n"
    )
    shutil.copy(queries, folder / "queries.jsonl")
    result = run(
        "eval",
        folder,
        "--store",
        cache,
        "--arms",
        "lexical",
        "--arms",
        "hybrid",
        "--timed",
        0,
        "--json",
    )
    values = json.loads(result.stdout)
    assert values["questions"]["answer"] == 1 and values["latency"] is None
    assert list(values["variants"]) == ["lexical", "hybrid"]
    assert values["variants"]["lexical"]["all"]["hit@1"] == 1.0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--require", "accuracy>=1"], "Measures: ndcg@10"),
        (["--arms", "sparse"], "wanted one of hybrid, lexical, dense"),
        (["--baseline", "missing.json"], "no run missing.json"),
        (["--min-score", "2"], "min_score"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_asked(
    run, store, queries, options, why
):
    with pytest.raises(SettingsError, match=why):
        run("eval", "support", "--store", store, "--queries", queries, *options)


def test_a_corpus_without_questions_asks_for_some(run, store):
    with pytest.raises(SettingsError, match="name one with --queries"):
        run("eval", "support", "--store", store)


def test_a_calibration_is_stored_beside_its_corpus_with_its_picture(
    run, store, tmp_path
):
    own = tmp_path / "own"
    shutil.copytree(store, own, symlinks=True)
    result = run("calibrate", "support", "--store", own)
    assert result.exit_code == 0
    assert "A rough calibration" in result.stdout and "picture:" in result.stdout
    stored = json.loads((own / "support" / "calibration.json").read_text())
    fingerprint = Store(own).manifest("support").model.fingerprint
    assert read_min_score(own / "support", fingerprint) == stored["min_score"] > 0.0
    assert (own / "support" / "calibration.svg").read_text().startswith("<svg")
    assert Store(own).corpora() == ["hotels", "support"]


def test_a_dry_run_stores_nothing(run, store, tmp_path):
    result = run("calibrate", "support", "--store", store, "--dry-run", "--json")
    assert json.loads(result.stdout)["stored"] is False
    assert not (store / "support" / "calibration.json").exists()
    with pytest.raises(SettingsError, match="make it one"):
        run("calibrate", tmp_path, "--store", store)
