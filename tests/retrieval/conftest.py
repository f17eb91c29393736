"""The demo corpora, cut into passages as an ingest does."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbserver.ingest.chunk import chunk
from kbserver.ingest.load import load
from kbserver.types import Passage

CORPORA = Path(__file__).parents[2] / "corpora"


@pytest.fixture(scope="session")
def demo_passages() -> list[Passage]:
    passages = []
    for file in sorted(file for file in CORPORA.glob("*/docs/**/*") if file.is_file()):
        for document in load(file, file.relative_to(CORPORA).as_posix()):
            drafts = chunk(
                document, count_tokens=lambda text: len(text) // 4, max_tokens=256
            )
            passages += [
                Passage(
                    f"{document.source}-{one.position}",
                    one.text,
                    one.title,
                    one.heading_path,
                    document.source,
                    one.position,
                )
                for one in drafts
            ]
    assert len(passages) > 200
    return passages
