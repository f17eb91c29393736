import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

TEXTS = ["red light", "red red router", "", "light of the router", "the red light"]


def test_a_term_leads_to_the_rows_that_hold_it(postings_of):
    postings = postings_of(TEXTS)
    rows, scores = postings.of(postings.find("red"))
    assert rows.tolist() == [0, 1, 4]
    assert scores.argmax() == 1
    assert postings.maxima[postings.find("red")[0]] == scores.max()
    assert postings.find("absent") is None


def test_joined_postings_are_those_of_each_term_in_turn(postings_of):
    postings = postings_of(TEXTS)
    terms = [postings.find("router"), postings.find("red")]
    rows, scores = postings.joined(terms)
    assert rows.dtype == np.int64
    assert rows.tolist() == [1, 3, 0, 1, 4]
    for wanted, found in zip(
        [postings.of(term)[1] for term in terms], np.split(scores, [2]), strict=True
    ):
        np.testing.assert_array_equal(found, wanted)
    scores[:] = 0.0  # a copy: the mapped file cannot be written
    assert postings.of(terms[0])[1].all()


@pytest.mark.parametrize("size", [0, 1, 5, 60, 600])
def test_looking_up_few_or_many_rows_gives_the_same(postings_of, random_texts, size):
    postings = postings_of(random_texts)
    choose = np.random.default_rng(size)
    rows = np.sort(choose.choice(600, size, replace=False))
    for word in ("w0", "w5", "w39"):
        term = postings.find(word)
        wanted = np.zeros(600, dtype=np.float32)
        wanted[postings.of(term)[0]] = postings.of(term)[1]
        np.testing.assert_array_equal(postings.look_up(term, rows), wanted[rows])


@pytest.mark.parametrize(
    "rows", [[], [599], [3, 1, 3], list(range(600)), list(range(599, -1, -7))]
)
def test_a_table_holds_what_single_look_ups_give(postings_of, random_texts, rows):
    postings = postings_of(random_texts)
    terms = [postings.find(word) for word in ("w0", "absent", "w7", "w39", "w0")]
    rows = np.array(rows, dtype=np.int64)
    table = postings.table(terms, rows)
    assert table.shape == (5, rows.size)
    assert not table[1].any()
    np.testing.assert_array_equal(table[0], table[4])
    ascending = np.arange(600)
    for line, term in enumerate(terms):
        if term is not None:
            wanted = postings.look_up(term, ascending)[rows]
            np.testing.assert_array_equal(table[line], wanted)


def test_a_table_leaves_nothing_behind_for_the_next(postings_of, random_texts):
    postings = postings_of(random_texts)
    terms = [postings.find("w39"), postings.find("w30")]
    first = postings.table(terms, np.arange(0, 600, 2))
    postings.table(terms, np.arange(1, 600, 2))
    again = postings.table(terms, np.arange(0, 600, 2))
    np.testing.assert_array_equal(first, again)


def test_the_vocabulary_is_in_the_order_of_its_bytes(postings_of):
    postings = postings_of(["b a", "é b", "a"])
    assert list(postings.vocabulary()) == [("a", 2), ("b", 2), ("é", 1)]


def test_each_thread_has_sums_of_its_own_all_zero(postings_of):
    postings = postings_of(TEXTS)
    postings.warm()
    mine = postings.sums()
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(postings.sums).result()
    assert mine is postings.sums()
    assert other is not mine
    assert mine.shape == (5,)
    assert not mine.any()


def test_garbage_collection_does_not_track_what_is_remembered_of_a_term(postings_of):
    postings = postings_of(TEXTS)
    postings.find("router")
    gc.collect()
    assert not gc.is_tracked(postings.find("router"))
