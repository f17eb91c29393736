"""Postings of a few small texts, and of some hundred random ones."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.build import build_lexical
from kbserver.index.lexical.postings import Postings, WeightedTerms

PLAIN = Bm25Parameters(language="none")


@pytest.fixture
def postings_of(tmp_path: Path) -> Callable[[list[str]], Postings]:
    """Write the index of some texts and map its postings."""

    def postings_of(texts: list[str]) -> Postings:
        build_lexical(texts, tmp_path, PLAIN)
        postings, parameters = Postings.open(tmp_path)
        assert parameters == PLAIN
        return postings

    return postings_of


@pytest.fixture
def random_texts() -> list[str]:
    """600 texts of 40 words, of which `w0` is in most and `w39` in few."""
    choose = np.random.default_rng(7)
    odds = 1 / np.arange(1, 41)
    words = [f"w{number}" for number in range(40)]
    return [
        " ".join(choose.choice(words, choose.integers(1, 20), p=odds / odds.sum()))
        for _ in range(600)
    ]


def weighted(postings: Postings, terms: dict[str, float]) -> WeightedTerms:
    known = [(postings.find(text), weight) for text, weight in terms.items()]
    return [(term, weight) for term, weight in known if term is not None]


def sums_of(postings: Postings, terms: dict[str, float]) -> np.ndarray:
    """The score of every row, in double precision, from single look-ups."""
    rows = np.arange(postings.size)
    sums = np.zeros(postings.size)
    for term, weight in weighted(postings, terms):
        sums += weight * postings.look_up(term, rows).astype(np.float64)
    return sums
