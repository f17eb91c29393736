"""The phonetic field that an ingest builds of a corpus."""

from __future__ import annotations

from pathlib import Path

from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.ingest.phonetic_part import phonetic_parts
from kbserver.languages.english import PROFILE
from kbserver.retrieval.phonetic_field import MAX_PASSAGES, PART
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams

TEXTS = [
    "Restart the Kubernetes cluster.",
    "Reset the router.",
    "Dogs are welcome.",
    "Bills are made monthly.",
    "Breakfast is served at seven.",
    "Park in the garage.",
]


def test_the_part_finds_passages_by_their_pieces(tmp_path: Path) -> None:
    folder = tmp_path / PART
    phonetic_parts(TEXTS, len(TEXTS), PROFILE)[PART](folder)
    index = Bm25Index.open(folder)
    for row, text in enumerate(TEXTS):
        found = index.search(
            dict.fromkeys(phonetic_ngrams(text, profile=PROFILE), 1.0), top_k=1
        )
        assert found.rows.tolist() == [row]


def test_texts_are_read_when_the_part_is_written(tmp_path: Path) -> None:
    texts = iter(TEXTS)
    parts = phonetic_parts(texts, len(TEXTS), PROFILE)
    assert next(texts) == TEXTS[0]
    parts[PART](tmp_path / PART)
    assert list(texts) == []


def test_a_large_corpus_goes_without_the_field() -> None:
    assert set(phonetic_parts((), MAX_PASSAGES, PROFILE)) == {PART}
    assert phonetic_parts((), MAX_PASSAGES + 1, PROFILE) == {}
