"""Build the store of the other benchmarks: so many passages from folders of documents.

    python -m benchmarks.passages --store FOLDER [--count 20000] [--embed-words N] PATH...

Documents are read and cut exactly as `kbserver ingest` does, in the order of the paths, until there
are enough. `--embed-words` embeds only the first words of each passage: 20,000 whole passages take
some 20 minutes on two cores, and no benchmark of time depends on it (the ones that judge answers
need whole embeddings). Embeddings are kept in STORE/.benchmark and taken over by the next run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.models import open_encoder
from kbserver.errors import DocumentUnreadable, IngestError
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.store import Store
from kbserver.index.writer import (
    IndexedPassage,
    Part,
    SnapshotFacts,
    write_snapshot,
)
from kbserver.ingest.build import K1, B, passage_id
from kbserver.ingest.chunk import chunk, embedding_text
from kbserver.ingest.load import load
from kbserver.ingest.phonetic_part import phonetic_parts
from kbserver.ingest.spoken_part import write_spoken_forms
from kbserver.ingest.walk import FoundFile, walk
from kbserver.languages import profile
from kbserver.retrieval.spoken.table import PART as SPOKEN_FORMS
from kbserver.settings import DEFAULT_MODEL
from kbserver.types import FloatMatrix, Passage

CORPUS = "benchmark"
_LEAST_WORDS = 60  # shorter pieces are tables of contents and signatures
_SLICE = 1024


def passages_of(paths: Sequence[Path], encoder: Encoder, count: int) -> list[Passage]:
    """Read and cut documents until there are `count` passages, none short and no text twice."""
    passages: list[Passage] = []
    seen: set[str] = set()
    for passage in _cut(paths, encoder):
        if passage.text not in seen and len(passage.text.split()) >= _LEAST_WORDS:
            seen.add(passage.text)
            passages.append(passage)
            if len(passages) % 1000 == 0:
                print(f"{len(passages)} passages read", file=sys.stderr)
        if len(passages) == count:
            break
    return passages


def _cut(paths: Sequence[Path], encoder: Encoder) -> Iterator[Passage]:
    for found in (found for path in paths for found in walk([path])):
        if not isinstance(found, FoundFile):
            continue
        try:
            for document in load(found.path, found.source):
                drafts = chunk(
                    document,
                    count_tokens=encoder.count_tokens,
                    max_tokens=encoder.identity.max_tokens,
                )
                for number, draft in enumerate(drafts):
                    yield Passage(
                        id=passage_id(CORPUS, document.source, draft.text, number),
                        text=draft.text,
                        title=draft.title,
                        heading_path=draft.heading_path,
                        source=document.source,
                        position=number,
                    )
        except (DocumentUnreadable, IngestError):
            continue


def embeddings_of(texts: Sequence[str], encoder: Encoder, kept: Path) -> FloatMatrix:
    """Embed texts, those of an earlier run excepted; shape (len(texts), dim)."""
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    have: dict[str, np.ndarray] = {}
    if kept.exists():
        with np.load(kept) as earlier:
            have = dict(zip(earlier["keys"].tolist(), earlier["vectors"], strict=True))
    missing = [number for number, key in enumerate(keys) if key not in have]
    for start in range(0, len(missing), _SLICE):
        part = missing[start : start + _SLICE]
        vectors = encoder.embed_passages([texts[number] for number in part])
        have |= {
            keys[number]: vector for number, vector in zip(part, vectors, strict=True)
        }
        print(f"{start + len(part)} of {len(missing)} embedded", file=sys.stderr)
        np.savez(kept, keys=np.array(list(have)), vectors=np.array(list(have.values())))
    return np.array([have[key] for key in keys], np.float32)


BM25 = Bm25Parameters(k1=K1, b=B)
"""How `kbserver ingest` has words scored."""


def parts_as_ingested(
    passages: Iterable[Passage], texts: Iterable[str], count: int
) -> dict[str, Part]:
    """The parts that `kbserver ingest` writes: the phonetic field and the spoken forms.

    Args:
        passages: in row order; read once.
        texts: what each is found by; read once.
        count: how many there are.
    """
    return {
        **phonetic_parts(texts, count, profile("english")),
        SPOKEN_FORMS: lambda folder: write_spoken_forms(passages, folder),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--embed-words", type=int, default=0, help="0: whole passages")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    given = parser.parse_args()

    store = Store(given.store)
    with open_encoder(
        given.model,
        store=store.path,
        backend="onnx",
        threads=usable_cores(),
        for_queries=True,
    ) as encoder:
        passages = passages_of(given.paths, encoder, given.count)
        texts = [
            embedding_text(passage.title, passage.heading_path, passage.text)
            for passage in passages
        ]
        if len(passages) < given.count:
            print(
                f"only {len(passages)} passages in these documents, wanted {given.count}",
                file=sys.stderr,
            )
        read = [
            " ".join(text.split()[: given.embed_words]) if given.embed_words else text
            for text in texts
        ]
        kept = store.path / ".benchmark" / "embeddings.npz"
        kept.parent.mkdir(parents=True, exist_ok=True)
        embeddings = embeddings_of(read, encoder, kept)
        with store.lock(CORPUS):
            folder = write_snapshot(
                store.path,
                CORPUS,
                map(IndexedPassage, passages, read, texts),
                embeddings,
                SnapshotFacts(encoder.identity, bm25=BM25),
                parts=parts_as_ingested(passages, texts, len(texts)),
            )
            store.publish(CORPUS, folder.name)
            store.prune(CORPUS, keep=1)
    words = float(np.mean([len(passage.text.split()) for passage in passages]))
    print(f"{folder}: {len(passages)} passages of {words:.0f} words on average")


if __name__ == "__main__":
    main()
