import numpy as np
import pytest

from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.bm25 import Bm25Index, build_index, open_index
from kbserver.index.lexical.exhaustive import ExhaustiveResult
from kbserver.index.lexical.maxscore import MaxScoreResult


@pytest.fixture
def folder(tmp_path, random_texts):
    build_index(random_texts, tmp_path, Bm25Parameters(language="none"))
    return tmp_path


def test_what_was_built_says_what_it_was_built_with(folder):
    index = open_index(folder)
    assert index.size == 600
    assert index.language == "none"
    assert index.parameters == Bm25Parameters(language="none")


def test_few_postings_are_added_up_and_many_are_not(folder):
    terms = {"w0": 1.0, "w1": 1.0}
    index = open_index(folder)
    met = index.document_frequency("w0") + index.document_frequency("w1")
    few = Bm25Index.open(folder, exhaustive_up_to=met)
    many = Bm25Index.open(folder, exhaustive_up_to=met - 1)
    assert isinstance(few.find(terms, top_k=5), ExhaustiveResult)
    assert isinstance(many.find(terms, top_k=5), MaxScoreResult)


def test_a_small_scope_is_looked_up_whatever_the_number_of_postings(folder):
    index = Bm25Index.open(folder, exhaustive_up_to=0)
    small = index.find({"w0": 1.0}, top_k=5, rows=np.arange(9))
    large = index.find({"w0": 1.0}, top_k=5, rows=np.arange(10))
    assert isinstance(small, ExhaustiveResult)
    assert isinstance(large, MaxScoreResult)


def test_an_unknown_term_is_in_no_row_and_the_rarest(folder):
    index = open_index(folder)
    assert index.document_frequency("absent") == 0
    frequencies = dict(index.vocabulary())
    rarest = min(frequencies, key=frequencies.__getitem__)
    assert index.idf("absent") > index.idf(rarest) > 0


def test_warming_changes_nothing(folder):
    index = open_index(folder)
    before = index.search({"w3": 1.0}, top_k=9)
    index.warm()
    after = index.search({"w3": 1.0}, top_k=9)
    np.testing.assert_array_equal(before.rows, after.rows)
