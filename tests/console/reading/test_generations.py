"""A store's generations are listed with their facts, or with the reason why there are none."""

from kbserver.console.reading.generations import listed
from kbserver.index.store import Store


def test_a_generation_is_listed_with_what_its_manifest_says(store):
    (found,) = listed(Store(store), "hotels")
    facts = found.corpus, found.live, found.documents, found.passages
    assert facts == ("hotels", True, 3, 3)
    assert found.created_at and found.bytes > 1000
    assert "problem" not in found.as_dict()


def test_one_that_cannot_be_read_is_listed_with_the_reason(tmp_path):
    folder = tmp_path / "docs" / "000001-20260101T000000-aaaaaa"
    folder.mkdir(parents=True)
    (found,) = listed(Store(tmp_path), "docs")
    assert (found.generation, found.live) == (folder.name, False)
    assert "manifest.json" in found.as_dict()["problem"]


def test_a_corpus_that_is_not_there_is_one_line_with_the_reason(tmp_path):
    (found,) = listed(Store(tmp_path / "nothing"), "docs")
    assert found.generation == "–" and "no store there" in found.problem
