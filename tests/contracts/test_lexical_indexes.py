"""The lexical index against BM25 in plain Python, and against bm25s."""

import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bm25s
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.bm25 import EXHAUSTIVE_UP_TO, Bm25Index
from kbserver.index.lexical.build import build_lexical
from kbserver.index.lexical.tokens import tokenize

WORDS = [
    "router",
    "light",
    "reset",
    "invoice",
    "clinic",
    "the",
    "red",
    "café",
    "ac68u",
    "39.99",
]


class PlainBm25:
    """Formula by formula from Kamphuis et al. (2020), the variant called "lucene, accurate"."""

    def __init__(self, texts: list[str], parameters: Bm25Parameters) -> None:
        self.counts = [
            Counter(tokenize(text, language=parameters.language)) for text in texts
        ]
        self.lengths = [counts.total() for counts in self.counts]
        self.parameters = parameters
        self.mean = sum(self.lengths) / max(len(self.lengths), 1)

    def idf(self, term: str) -> float:
        frequency = sum(term in counts for counts in self.counts)
        return math.log(1 + (len(self.counts) - frequency + 0.5) / (frequency + 0.5))

    def score(self, term: str, row: int) -> float:
        k1, b = self.parameters.k1, self.parameters.b
        count = self.counts[row][term]
        if not count:
            return 0.0
        norm = k1 * (1 - b + b * self.lengths[row] / self.mean)
        return self.idf(term) * count / (count + norm)

    def search(self, terms, top_k, rows=None):
        rows = range(len(self.counts)) if rows is None else rows
        scored = [
            (sum(w * self.score(t, row) for t, w in terms.items() if w > 0), row)
            for row in rows
        ]
        ranked = sorted(
            ((score, row) for score, row in scored if score > 0),
            key=lambda pair: (-pair[0], pair[1]),
        )
        return ranked[:top_k]


@pytest.fixture(
    scope="module", params=[0, EXHAUSTIVE_UP_TO], ids=["maxscore", "exhaustive"]
)
def built(request):
    """Writes an index and opens it for either way of searching."""

    def built(
        texts: list[str], folder: Path, parameters: Bm25Parameters | None = None
    ) -> Bm25Index:
        folder.mkdir(exist_ok=True)
        build_lexical(iter(texts), folder, parameters)
        return Bm25Index.open(folder, exhaustive_up_to=request.param)

    return built


def random_texts(count: int, seed: int = 0) -> list[str]:
    choose = np.random.default_rng(seed)
    odds = 1 / np.arange(1, len(WORDS) + 1)
    return [
        " ".join(choose.choice(WORDS, choose.integers(0, 25), p=odds / odds.sum()))
        for _ in range(count)
    ]


def assert_same_ranking(found, wanted):
    np.testing.assert_allclose(found.scores, [score for score, _ in wanted], rtol=1e-5)
    assert (found.scores > 0).all()
    # float32 may order near ties either way: compare rows by groups of equal score
    for row, score in zip(found.rows, found.scores, strict=True):
        assert any(
            row == other and abs(score - value) <= 1e-5 * value
            for value, other in wanted
        ) or (abs(score - wanted[-1][0]) <= 1e-5 * score)


@pytest.mark.parametrize(
    "parameters",
    [None, Bm25Parameters(k1=1.5, b=0.75), Bm25Parameters(b=0.0, language="none")],
)
def test_scores_are_those_of_the_formula(built, tmp_path, parameters):
    texts = random_texts(120)
    index, plain = (
        built(texts, tmp_path, parameters),
        PlainBm25(texts, parameters or Bm25Parameters()),
    )
    assert index.size == 120
    terms = [term for term, _ in index.vocabulary()]
    rows = np.arange(120)
    wanted = [[plain.score(term, row) for row in rows] for term in terms]
    np.testing.assert_allclose(index.score_terms(terms, rows), wanted, rtol=1e-5)
    for term in [*terms, "absent"]:
        assert index.idf(term) == pytest.approx(plain.idf(term))
        assert index.document_frequency(term) == sum(
            term in counts for counts in plain.counts
        )


def test_scores_are_those_bm25s_itself_gives(built, tmp_path):
    texts = random_texts(300)
    tokens = [tokenize(text) for text in texts]
    engine = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
    engine.index(tokens, show_progress=False)
    index = built(texts, tmp_path)
    for query in (["router"], ["router", "light"], ["red", "café", "39.99"]):
        terms = tokenize(" ".join(query))
        rows, scores = engine.retrieve([terms], k=20, show_progress=False)
        found = index.search(dict.fromkeys(terms, 1.0), top_k=20)
        np.testing.assert_allclose(found.scores, scores[0], rtol=1e-5)


@pytest.mark.parametrize(
    "parameters", [Bm25Parameters(), Bm25Parameters(k1=1.2, b=0.75)]
)
def test_every_score_of_every_term_is_bm25s_s(built, tmp_path, parameters):
    texts = random_texts(300)
    index = built(texts, tmp_path, parameters)
    engine = bm25s.BM25(method="lucene", k1=parameters.k1, b=parameters.b)
    engine.index([tokenize(text) for text in texts], show_progress=False)
    terms = [term for term, _ in index.vocabulary()]
    wanted = [engine.get_scores([term]) for term in terms]
    found = index.score_terms(terms, np.arange(300))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert np.count_nonzero(found) > 1000


def test_a_search_says_whether_it_waits(built, tmp_path):
    assert built(["router"], tmp_path).waits is False


def test_threads_may_share_an_index(built, tmp_path):
    index = built(random_texts(300), tmp_path)
    queries = [
        {word: 1.0, other: 0.5} for word in WORDS for other in WORDS if word != other
    ]
    wanted = [index.search(terms, top_k=7).rows.tolist() for terms in queries]
    with ThreadPoolExecutor(8) as threads:
        found = threads.map(
            lambda terms: index.search(terms, top_k=7).rows.tolist(), queries * 5
        )
    assert list(found) == wanted * 5


def test_weighted_terms_rank_as_the_formula_says(built, tmp_path):
    texts = random_texts(300)
    index, plain = built(texts, tmp_path), PlainBm25(texts, Bm25Parameters())
    for terms in (
        {"router": 1.0},
        {"router": 1.0, "ac68u": 0.3},
        {"the": 1.0, "red": 2.5, "café": 0.1, "39.99": 1.0},
        {"router": -1.0, "light": 0.0, "reset": 1.0, "absent": 9.0},
    ):
        assert_same_ranking(index.search(terms, top_k=20), plain.search(terms, 20))


@pytest.mark.parametrize(
    "rows", [[5], [299, 0, 7], list(range(300))]
)  # few are looked up in long postings
def test_rows_get_what_the_formula_says_of_each_term(built, tmp_path, rows):
    texts = random_texts(300)
    plain = PlainBm25(texts, Bm25Parameters())
    terms = [tokenize(word)[0] for word in [*WORDS, "absent"]]
    wanted = [[plain.score(term, row) for row in rows] for term in terms]
    found = built(texts, tmp_path).score_terms(terms, np.array(rows))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert (found > 0).any()


def test_a_scope_ranks_exactly_whatever_its_size(built, tmp_path):
    texts = random_texts(2000)
    index, plain = built(texts, tmp_path), PlainBm25(texts, Bm25Parameters())
    terms = {"light": 1.0, "clinic": 0.7, "the": 0.4}
    for size in (
        1,
        10,
        31,
        32,
        500,
        2000,
    ):  # either side of where looking up gives way to walking
        rows = np.sort(np.random.default_rng(size).choice(2000, size, replace=False))
        assert_same_ranking(
            index.search(terms, top_k=10, rows=rows), plain.search(terms, 10, rows)
        )


def test_common_words_are_skipped_without_changing_the_ranking(built, tmp_path):
    choose = np.random.default_rng(0)
    texts = [
        " ".join(
            ["the to of"] * int(choose.integers(1, 4))
            + [f"w{int(choose.pareto(0.6) * 5)}" for _ in range(6)]
        )
        for _ in range(9000)  # enough that the postings of "the" are worth skipping
    ]
    index = built(texts, tmp_path, Bm25Parameters(language="none"))
    for terms in (
        {"the": 1.0, "to": 1.0, "of": 1.0, "w40": 1.0, "w7": 1.0},
        {"the": 1.0, "w3": 0.01},
        {"the": 5.0, "to": 1.0, "w900": 0.5},
        {"the": 1.0, "to": 1.0},
    ):
        matrix = index.score_terms(list(terms), np.arange(9000))
        scores = np.array(list(terms.values()), dtype=np.float32) @ matrix
        for rows in (None, np.arange(0, 9000, 2)):
            inside = np.arange(9000) if rows is None else rows
            best = np.sort(scores[inside])[::-1][:15]
            np.testing.assert_allclose(
                index.search(terms, top_k=15, rows=rows).scores,
                best[best > 0],
                rtol=1e-5,
            )


def test_a_search_leaves_nothing_behind_for_the_next(built, tmp_path):
    index = built(random_texts(300), tmp_path)
    before = index.search({"router": 1.0, "red": 1.0}, top_k=300)
    index.search({word: 3.0 for word in WORDS}, top_k=5)
    after = index.search({"router": 1.0, "red": 1.0}, top_k=300)
    np.testing.assert_array_equal(before.rows, after.rows)
    np.testing.assert_array_equal(before.scores, after.scores)


@pytest.mark.parametrize("texts", [[], [""], ["", "...", "—"]])
def test_texts_without_words_find_nothing(built, tmp_path, texts):
    index = built(texts, tmp_path)
    assert index.size == len(texts)
    assert index.search({"router": 1.0}, top_k=5).rows.size == 0
    assert index.score_terms(["router"], np.arange(len(texts))).tolist() == [
        [0.0] * len(texts)
    ]
    assert list(index.vocabulary()) == []
    assert index.document_frequency("router") == 0


def test_nothing_asked_gives_nothing(built, tmp_path):
    index = built(random_texts(50), tmp_path)
    nothing = np.empty(0, dtype=np.int64)
    for found in (
        index.search({}, top_k=5),
        index.search({"router": 1.0}, top_k=0),
        index.search({"router": 1.0}, top_k=5, rows=nothing),
        index.search({"absent": 1.0}, top_k=5),
        index.search({"router": 0.0}, top_k=5),
    ):
        assert found.rows.shape == found.scores.shape == (0,)
    assert index.score_terms([], np.arange(3)).shape == (0, 3)
    assert index.score_terms(["router"], nothing).shape == (1, 0)


def test_rows_are_scored_in_the_order_given_however_often(built, tmp_path):
    index = built([*random_texts(100), "rare"], tmp_path)
    rows = np.array([100, 99, 3, 50, 3, 100])
    ascending = index.score_terms(["router", "light", "rare"], np.arange(101))
    found = index.score_terms(["router", "light", "rare"], rows)
    np.testing.assert_array_equal(found, ascending[:, rows])
    assert found[2, 0] == found[2, 5] > 0


@pytest.mark.parametrize("row", [-1, 50])
def test_a_row_that_is_not_there_is_an_error(built, tmp_path, row):
    index = built(random_texts(50), tmp_path)
    with pytest.raises(IndexError):
        index.search({"router": 1.0}, top_k=1, rows=np.array([row]))
    with pytest.raises(IndexError):
        index.score_terms(["router"], np.array([row]))


@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
        min_size=1,
        max_size=25,
    ),
    terms=st.dictionaries(
        st.sampled_from([*WORDS, "absent"]), st.floats(-1, 3), max_size=6
    ),
    top_k=st.integers(0, 30),
    data=st.data(),
)
@settings(max_examples=40)
def test_any_search_of_any_texts_gives_what_the_formula_gives(
    built, tmp_path_factory, texts, terms, top_k, data
):
    index = built(
        texts, tmp_path_factory.mktemp("bm25"), Bm25Parameters(language="none")
    )
    plain = PlainBm25(texts, Bm25Parameters(language="none"))
    rows = data.draw(st.none() | st.sets(st.integers(0, len(texts) - 1)).map(sorted))
    terms = {
        term: weight for term, weight in terms.items() if weight <= 0 or weight > 1e-6
    }
    found = index.search(
        terms,
        top_k=top_k,
        rows=None if rows is None else np.array(rows, dtype=np.int64),
    )
    wanted = plain.search(terms, top_k, rows)
    np.testing.assert_allclose(found.scores, [score for score, _ in wanted], rtol=1e-4)


@given(
    texts=st.lists(
        st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
        min_size=1,
        max_size=40,
    ),
    terms=st.dictionaries(
        st.sampled_from(["router", "light", "red", "clinic", "unknown"]),
        st.floats(0.1, 2.0) | st.floats(-2.0, 0.0),
    ),
    scope=st.sets(st.integers(0, 39)),
    top_k=st.integers(0, 10),
)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_was_found_knows_what_every_row_of_the_scope_scores(
    built, tmp_path_factory, texts, terms, scope, top_k
):
    index = built(texts, tmp_path_factory.mktemp("index"))
    rows = np.array(sorted(row for row in scope if row < len(texts)), dtype=np.int64)
    plain = PlainBm25(texts, index.parameters)
    for inside in (None, rows):
        found = index.find(terms, top_k=top_k, rows=inside)
        assert_same_ranking(found.best, plain.search(terms, top_k, inside))
        asked = np.arange(len(texts)) if inside is None else inside
        wanted = [
            sum(
                weight * plain.score(term, row)
                for term, weight in terms.items()
                if weight > 0
            )
            for row in asked.tolist()
        ]
        np.testing.assert_allclose(
            found.scores(asked[::-1]), wanted[::-1], rtol=1e-4, atol=1e-6
        )
    with pytest.raises(IndexError):
        index.find(terms, top_k=3).scores(np.array([len(texts)]))
