import pytest

from kbserver.errors import SettingsError
from kbserver.evaluation.target import Target, find_target
from kbserver.index.store import Store


def find(given, tmp_path, store, **more):
    return find_target(str(given), store=store, cache=tmp_path / "cache", **more)


def test_the_name_of_a_corpus_is_looked_up_in_the_store(store, tmp_path):
    assert find("support", tmp_path, store) == Target(store, "support")


def test_the_folder_of_a_corpus_is_that_corpus(store, tmp_path):
    assert find(store / "hotels", tmp_path, tmp_path / "none") == Target(
        store.resolve(), "hotels"
    )


def test_a_store_with_several_corpora_asks_which(store, tmp_path):
    with pytest.raises(
        SettingsError, match="holds hotels, support; say which one with --corpus"
    ):
        find(store, tmp_path, tmp_path / "none")
    assert find(store, tmp_path, tmp_path / "none", corpus="hotels") == Target(
        store, "hotels"
    )


def test_a_folder_on_the_fields_layout_brings_its_questions(tmp_path, store):
    folder = tmp_path / "My Set"
    (folder / "qrels").mkdir(parents=True)
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "qrels/train.tsv"):
        (folder / name).touch()
    found = find(folder, tmp_path, store)
    assert found.documents == folder / "corpus.jsonl"
    assert (found.queries, found.qrels) == (
        folder / "queries.jsonl",
        folder / "qrels" / "test.tsv",
    )
    assert found.corpus.startswith("my-set-") and found.store == tmp_path / "cache"


def test_two_sets_that_share_a_corpus_share_what_is_ingested(tmp_path, store):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "corpus.jsonl").touch()
    (tmp_path / "two" / "CORPUS").write_text("../one/corpus.jsonl\n")
    assert (
        find(tmp_path / "two", tmp_path, store).corpus
        == find(tmp_path / "one", tmp_path, store).corpus
    )
    (tmp_path / "two" / "CORPUS").write_text("../three/corpus.jsonl\n")
    with pytest.raises(SettingsError, match="there is no such file"):
        find(tmp_path / "two", tmp_path, store)


def test_a_folder_of_documents_may_hold_them_in_docs(tmp_path, store):
    (tmp_path / "help" / "docs").mkdir(parents=True)
    (tmp_path / "help" / "qrels.tsv").touch()
    whole, inner = (
        find(tmp_path / "help", tmp_path, store),
        find(tmp_path / "help" / "docs", tmp_path, store),
    )
    assert whole.documents == inner.documents == tmp_path / "help" / "docs"
    assert whole.corpus == inner.corpus and whole.corpus.startswith("help-")
    assert whole.qrels == tmp_path / "help" / "qrels.tsv" and inner.qrels is None


def test_a_name_that_is_neither_folder_nor_corpus_lists_the_corpora(tmp_path, store):
    with pytest.raises(
        SettingsError, match=r"'suport' is neither.*it holds: hotels, support"
    ):
        find("suport", tmp_path, store)


def test_documents_are_ingested_and_only_changed_ones_are_read_again(tmp_path, store):
    folder = tmp_path / "set"
    folder.mkdir()
    lines = [
        '{"_id": "a", "title": "Pets", "text": "Dogs are welcome."}',
        '{"_id": "b", "text": "Breakfast is at 7."}',
    ]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    target = find(folder, tmp_path, store)
    (target.store).mkdir()
    (target.store / ".models").symlink_to(
        store.resolve() / ".models"
    )  # prepared once for all tests
    target.prepare()
    generation = Store(target.store).live(target.corpus)
    target.prepare()
    assert Store(target.store).live(target.corpus) == generation
    (folder / "corpus.jsonl").write_text(lines[0])
    target.prepare()
    assert Store(target.store).manifest(target.corpus).passages == 1


def test_documents_are_read_in_the_language_that_a_file_beside_them_names(
    tmp_path, store
):
    folder = tmp_path / "set"
    (folder / "docs").mkdir(parents=True)
    assert find(folder, tmp_path, store).language == "english"
    (folder / "LANGUAGE").write_text("german\n", encoding="utf-8")
    assert find(folder, tmp_path, store).language == "german"
    (folder / "LANGUAGE").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="cannot read .*LANGUAGE"):
        find(folder, tmp_path, store)
