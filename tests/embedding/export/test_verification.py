import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.export.samples import SAMPLES
from kbserver.embedding.export.verification import (
    REFERENCES,
    StoredVectors,
    largest_difference,
)
from kbserver.errors import IngestError
from kbserver.types import FloatMatrix


@pytest.fixture
def stored(encoder: Encoder) -> StoredVectors:
    found = StoredVectors.of(encoder.identity.fingerprint)
    assert found is not None
    return found


def test_the_stored_vectors_are_those_of_sentence_transformers(
    published: Path, stored: StoredVectors
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(published), device="cpu")
    wanted = model.encode(
        list(SAMPLES), normalize_embeddings=True, show_progress_bar=False
    )
    assert np.abs(stored.embed_queries(SAMPLES) - wanted).max() < 2e-6
    assert "SentenceTransformer.encode" in json.loads(REFERENCES.read_text())["made"]


def test_another_model_has_no_stored_vectors() -> None:
    assert StoredVectors.of("f" * 32) is None


def test_the_default_export_is_next_to_the_stored_vectors(
    encoder: Encoder, cache: Path, stored: StoredVectors
) -> None:
    difference = largest_difference(cache / encoder.identity.fingerprint, stored)
    assert 0 < difference < 2e-6


class Off:
    """The stored vectors, changed where queries or passages are asked for."""

    def __init__(
        self, stored: StoredVectors, *, queries: float, passages: float
    ) -> None:
        self._stored = stored
        self._queries = queries
        self._passages = passages

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        vectors = self._stored.embed_queries(texts)
        vectors[-1, 7] += self._queries
        return vectors

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        vectors = self._stored.embed_passages(texts)
        vectors[0, 3] += self._passages
        return vectors


@pytest.mark.parametrize(
    ("queries", "passages"), [(0.25, 0.0), (0.0, -0.25), (0.1, 0.25)]
)
def test_one_component_of_one_vector_is_enough_to_differ(
    queries: float,
    passages: float,
    encoder: Encoder,
    cache: Path,
    stored: StoredVectors,
) -> None:
    oracle = Off(stored, queries=queries, passages=passages)
    difference = largest_difference(cache / encoder.identity.fingerprint, oracle)
    assert difference == pytest.approx(0.25, abs=1e-5)


def test_vectors_that_are_no_numbers_are_no_proof(
    encoder: Encoder, cache: Path, stored: StoredVectors
) -> None:
    oracle = Off(stored, queries=float("nan"), passages=0.0)
    assert np.isnan(largest_difference(cache / encoder.identity.fingerprint, oracle))


def test_an_oracle_that_would_cut_a_passage_is_as_far_off_as_can_be(
    encoder: Encoder, cache: Path, stored: StoredVectors
) -> None:
    class Shorter(Off):
        def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
            raise IngestError("passage 0 is too long")

    oracle = Shorter(stored, queries=0.0, passages=0.0)
    folder = cache / encoder.identity.fingerprint
    assert largest_difference(folder, oracle) == float("inf")
