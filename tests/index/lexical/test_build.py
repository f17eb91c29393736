import json

import numpy as np
import pytest

from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.build import build_lexical
from kbserver.index.lexical.postings import Postings

FILES = [
    "bm25.json",
    "bm25.maxima.npy",
    "bm25.rows.npy",
    "bm25.scores.npy",
    "bm25.starts.npy",
    "bm25.terms.bin",
    "bm25.terms.npy",
]


def files_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_files_have_the_names_that_snapshots_have(tmp_path):
    build_lexical(["a red light", ""], tmp_path, Bm25Parameters(k1=1.2))
    assert sorted(files_of(tmp_path)) == FILES
    facts = json.loads((tmp_path / "bm25.json").read_text())
    assert facts == {
        "size": 2,
        "parameters": {"k1": 1.2, "b": 0.4, "language": "english", "form": 2},
    }
    types = [np.load(tmp_path / name).dtype for name in FILES if name.endswith("npy")]
    assert types == [np.float32, np.int32, np.float32, np.int64, np.int64]


def test_texts_counted_in_blocks_give_the_same_bytes(tmp_path, random_texts):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    whole.mkdir()
    parted.mkdir()
    build_lexical(random_texts, whole)
    build_lexical(iter(random_texts), parted, block_tokens=100)
    assert files_of(whole) == files_of(parted)


def test_a_term_of_most_texts_is_left_out(tmp_path):
    texts = ["the light", "the router", "the the the", "a light"]
    build_lexical(texts, tmp_path, Bm25Parameters(language="none"), max_share=0.5)
    postings, _ = Postings.open(tmp_path)
    frequencies = dict(postings.vocabulary())
    assert frequencies == {"a": 1, "light": 2, "router": 1, "the": 0}
    assert postings.maxima[postings.find("the")[0]] == 0.0


def test_texts_may_be_cut_in_any_way(tmp_path):
    build_lexical(["ab", "b"], tmp_path, analyse=list)
    postings, _ = Postings.open(tmp_path)
    assert list(postings.vocabulary()) == [("a", 1), ("b", 2)]


def test_the_largest_score_of_a_term_is_known(tmp_path, random_texts):
    build_lexical(random_texts, tmp_path)
    postings, _ = Postings.open(tmp_path)
    for word, _ in postings.vocabulary():
        term = postings.find(word)
        assert postings.maxima[term[0]] == postings.of(term)[1].max()


@pytest.mark.parametrize("texts", [[], [""], ["...", ""]])
def test_texts_without_terms_are_an_index_without_postings(tmp_path, texts):
    build_lexical(texts, tmp_path)
    postings, _ = Postings.open(tmp_path)
    assert postings.size == len(texts)
    assert list(postings.vocabulary()) == []
