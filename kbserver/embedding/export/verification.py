"""Proof that an fp32 export gives the model's own vectors, on `SAMPLES`.

The default model's vectors are stored, so that its export is proved without torch; another model's
are made with sentence-transformers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from kbserver.embedding.export.samples import SAMPLES
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.errors import IngestError
from kbserver.types import FloatMatrix, FloatVector

LARGEST_DIFFERENCE = 1e-4
"""An export is refused if any component differs by more than this from the model's own vectors."""

REFERENCES = Path(__file__).with_name("references.json")
"""The default model's vectors of `SAMPLES`, and how they were made."""


class Oracle(Protocol):
    """Gives a model's own vectors, and raises `IngestError` for a passage it would cut."""

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim)."""

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a passage, shape (len(texts), dim)."""


class StoredVectors:
    """Vectors by text, of a model without prompts: queries and passages have the same."""

    def __init__(self, vectors: Mapping[str, FloatVector]) -> None:
        """Take vectors of shape (dim,)."""
        self._vectors = vectors

    @classmethod
    def of(cls, fingerprint: str, file: Path = REFERENCES) -> StoredVectors | None:
        """Read the vectors of `SAMPLES` stored for a model; None if there are none for it."""
        stored = json.loads(file.read_text(encoding="utf-8"))
        if stored["fingerprint"] != fingerprint:
            return None
        vectors = np.asarray(stored["vectors"], np.float32)
        return cls(dict(zip(SAMPLES, vectors, strict=True)))

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return the vectors of these texts, shape (len(texts), dim), float32."""
        return np.stack([self._vectors[text] for text in texts])

    def embed_passages(self, texts: Sequence[str]) -> FloatMatrix:
        """Return the vectors of these texts, shape (len(texts), dim), float32."""
        return self.embed_queries(texts)


def largest_difference(exported: Path, oracle: Oracle) -> float:
    """Return the largest difference of any component, over queries and over passages.

    Queries are run in mixed batches, and passages as well if they fit. Infinity if the export takes
    a passage that the oracle would have to cut.
    """
    with OnnxEncoder(exported) as encoder:
        limit = encoder.identity.max_tokens
        fitting = [text for text in SAMPLES if encoder.count_tokens(text) <= limit]
        try:
            pairs = [
                (encoder.embed_queries(SAMPLES), oracle.embed_queries(SAMPLES)),
                (encoder.embed_passages(fitting), oracle.embed_passages(fitting)),
            ]
        except IngestError:
            return float("inf")
    differences = []
    for found, wanted in pairs:
        if found.shape != wanted.shape:
            return float("inf")
        differences.append(float(np.abs(found - wanted).max()))
    return float(np.max(differences))  # which hands on NaN, unlike max
