"""kbserver: a file's documents, as an ingest gets them before it cuts them."""

from __future__ import annotations

from pathlib import Path

from answering import answer

from kbserver.ingest.load import load


def convert(path: str) -> str:
    documents = load(Path(path), Path(path).name)
    return "\n\n".join(
        block.text for document in documents for block in document.blocks
    )


answer(convert)
