"""One corpus, laid out so that every server gets the same passages, embeddings and model."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kbserver.embedding.exports import Exports, export_folders
from kbserver.embedding.source import resolve
from kbserver.index.embeddings import decoded
from kbserver.index.store import Store
from kbserver.ingest.chunk import embedding_text
from kbserver.types import ModelIdentity


@dataclass(frozen=True)
class Laid:
    """A corpus of a store, and where the peers find it."""

    store: Path
    corpus: str
    folder: Path
    """Holds `passages.jsonl` and `embeddings.npy`; the peers keep their indexes beside them."""
    passages: int
    environment: dict[str, str]
    """What the scripts in `servers/` read."""


def lay_out(store: Path, corpus: str, scratch: Path) -> Laid:
    """Write a corpus's embeddings, and its passages as they are embedded, for the peers."""
    with Store(store).open(corpus) as snapshot:
        folder = scratch / f"{corpus}-{snapshot.manifest.generation}"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "passages.jsonl").open("w", encoding="utf-8") as lines:
            for row in range(snapshot.size):
                passage = snapshot.passage(row)
                text = embedding_text(passage.title, passage.heading_path, passage.text)
                lines.write(json.dumps({"id": passage.id, "text": text}) + "\n")
        np.save(folder / "embeddings.npy", decoded(snapshot.embeddings))
        model = snapshot.manifest.model
        environment = {
            "PEERS_CORPUS": os.fspath(folder.resolve()),
            "PEERS_MODEL": os.fspath(resolve(model.name).folder),
            "PEERS_EXPORT": os.fspath(_exported(model, store).resolve()),
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        return Laid(store, corpus, folder, snapshot.size, environment)


def _exported(model: ModelIdentity, store: Path) -> Path:
    """The model's fp32 export, of the user or of the store."""
    exports = Exports(export_folders(None, store), model)
    with exports.open("fp32", threads=1) as encoder:
        return encoder.folder
