"""Haystack's in-memory store and embedder behind HTTP; `PEERS_ARMS` is dense or hybrid."""

import os

from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersTextEmbedder,
)
from laid_out import MODEL, embeddings, passages
from turn_app import turn_app

HYBRID = os.environ["PEERS_ARMS"] == "hybrid"

store = InMemoryDocumentStore(embedding_similarity_function="dot_product")
store.write_documents(
    [
        Document(id=row["id"], content=row["text"], embedding=vector.tolist())
        for row, vector in zip(passages(), embeddings(), strict=True)
    ]
)
pipeline = Pipeline()
pipeline.add_component(
    "embedder", SentenceTransformersTextEmbedder(model=str(MODEL), progress_bar=False)
)
pipeline.add_component("dense", InMemoryEmbeddingRetriever(store))
pipeline.connect("embedder.embedding", "dense.query_embedding")
if HYBRID:
    pipeline.add_component("words", InMemoryBM25Retriever(store))
    pipeline.add_component("joined", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    pipeline.connect("dense", "joined")
    pipeline.connect("words", "joined")


def retrieve(query, top_k):
    wanted = {"top_k": max(10, top_k) if HYBRID else top_k}
    given = {"embedder": {"text": query}, "dense": wanted}
    if HYBRID:
        given |= {"words": wanted | {"query": query}, "joined": {"top_k": top_k}}
    found = pipeline.run(given)["joined" if HYBRID else "dense"]["documents"]
    return [
        (document.id, document.content, document.score or 0.0) for document in found
    ]


retrieve("warm up", 3)
app = turn_app(retrieve)
