"""A snapshot of a few passages, in memory and in one temporary folder."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from kbserver.errors import StoreError
from kbserver.index.embeddings import Lengths
from kbserver.index.lexical.base import LexicalIndex
from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.index.lexical.build import build_lexical
from kbserver.index.vectors.base import NumpyIndex
from kbserver.languages.english import PROFILE
from kbserver.retrieval.phonetic_field import PARAMETERS, PART
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams
from kbserver.types import Passage, Rows, Scope

TEXTS = (
    "Hold the button of the router for ten seconds.",
    "A red light means that the line is down.",
    "You can cancel with thirty days of notice.",
    "Kubernetes runs the containers of the shop.",
)


class SmallSnapshot:
    """What the ranker uses of a snapshot. The embedding of row n is the n-th unit vector."""

    def __init__(self, folder: Path, texts: tuple[str, ...] = TEXTS) -> None:
        self.size = len(texts)
        self.passages = [
            Passage(f"p{row}", text, source=f"{row}.md")
            for row, text in enumerate(texts)
        ]
        folder.mkdir(exist_ok=True)
        build_lexical(texts, folder)
        self.lexical: LexicalIndex = Bm25Index.open(folder)
        self.vectors = NumpyIndex(np.eye(self.size, dtype=np.float32))
        self.folder = folder
        self.valid: Rows | None = None
        self.lengths: Lengths | None = None
        self.manifest = SimpleNamespace(extra={})

    def add_sounds(self) -> None:
        texts = [passage.text for passage in self.passages]
        part = self.folder / PART
        part.mkdir()
        build_lexical(
            texts, part, PARAMETERS, analyse=partial(phonetic_ngrams, profile=PROFILE)
        )

    def part(self, name: str) -> Path:
        if not (self.folder / name).exists():
            raise StoreError(f"no part {name}")
        return self.folder / name

    def rows_in_scope(self, scope: Scope) -> Rows | None:
        if not scope:
            return None
        return np.array([int(scope["row"])], dtype=np.int64)

    def scope_values(self, key: str) -> list[str]:
        return []

    def valid_rows(self, now_s: float) -> Rows | None:
        return self.valid

    def read(self, row: int) -> tuple[Passage, None]:
        return self.passages[row], None
