"""An embedding model without weights: equal texts have equal vectors."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from kbserver.embedding.base import Progress
from kbserver.ingest.blocks import Document
from kbserver.ingest.conversion import Load
from kbserver.ingest.load import load
from kbserver.ingest.walk import FoundFile
from kbserver.types import FloatMatrix, ModelIdentity


class StubEncoder:
    """Counts words as tokens, and remembers the texts it embedded."""

    backend = "stub"
    queries_per_call = 1
    side_by_side = False

    def __init__(self, fingerprint: str = "f" * 32, max_tokens: int = 256) -> None:
        self.identity = ModelIdentity("stub", fingerprint, dim=8, max_tokens=max_tokens)
        self.embedded: list[str] = []

    def count_tokens(self, text: str) -> int:
        return len(text.split()) + 2

    def pieces(self, text: str) -> list[str]:
        return text.split()

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        return np.stack([vector_of(text) for text in texts])

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        self.embedded += texts
        if on_progress is not None:
            on_progress(len(texts))
        return self.embed_queries(texts)

    def close(self) -> None:
        pass

    def __enter__(self) -> "StubEncoder":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def vector_of(text: str) -> np.ndarray:
    """Return the unit vector of a text, shape (8,), float32."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    seed = int.from_bytes(digest[:8], "big")
    vector = np.random.default_rng(seed).standard_normal(8).astype(np.float32)
    return vector / np.linalg.norm(vector)


def converted(file: FoundFile, load: Load = load) -> Future[list[Document]]:
    """Convert a file at once, in this process."""
    future: Future[list[Document]] = Future()
    try:
        future.set_result(load(file.path, file.source))
    except Exception as exc:
        future.set_exception(exc)
    return future
