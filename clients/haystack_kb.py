"""A Haystack retriever over kbserver. Beside it goes `kb_client.py`."""

from __future__ import annotations

from typing import Any

from haystack import Document, component
from kb_client import Grounding, KnowledgeBase


@component
class KBServerRetriever:
    """Passages of one label, best first; none if the server is late or down."""

    def __init__(self, kb: KnowledgeBase | None = None) -> None:
        """Take a knowledge base; without one that of KB_URL, KB_TOKEN and KB_LABEL."""
        self._kb = kb or KnowledgeBase()

    @component.output_types(documents=list[Document])
    def run(
        self,
        query: str,
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
    ) -> dict[str, list[Document]]:
        """Retrieve; filters belong to the label's route, so that any given here find nothing."""
        if filters:
            return {"documents": []}
        return _documents(self._kb.ask(query), top_k)

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        query: str,
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
    ) -> dict[str, list[Document]]:
        """Retrieve as `run` does, and let other tasks run meanwhile."""
        if filters:
            return {"documents": []}
        return _documents(await self._kb.ask_async(query), top_k)


def _documents(answer: Grounding, top_k: int | None) -> dict[str, list[Document]]:
    documents = [
        Document(id=result["id"], content=result["content"], score=result["score"])
        for result in answer.results[:top_k]
    ]
    return {"documents": documents}
