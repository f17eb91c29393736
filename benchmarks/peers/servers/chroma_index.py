"""Writes the corpus into a Chroma database from embeddings that are there already.

python chroma_index.py OUT
"""

import sys

import chromadb
from laid_out import embeddings, passages

_BATCH = 2000  # Chroma takes some 5,000 at once

rows, vectors = passages(), embeddings()
collection = chromadb.PersistentClient(sys.argv[1]).create_collection(
    "corpus", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
)
for start in range(0, len(rows), _BATCH):
    part = rows[start : start + _BATCH]
    collection.add(
        ids=[row["id"] for row in part],
        documents=[row["text"] for row in part],
        embeddings=vectors[start : start + _BATCH],
    )
