"""A LlamaIndex retriever over kbserver. Beside it goes `kb_client.py`."""

from __future__ import annotations

from kb_client import Grounding, KnowledgeBase
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode


class KBServerRetriever(BaseRetriever):
    """Passages of one label, best first; none if the server is late or down."""

    def __init__(self, kb: KnowledgeBase | None = None) -> None:
        """Take a knowledge base; without one that of KB_URL, KB_TOKEN and KB_LABEL."""
        super().__init__()
        self._kb = kb or KnowledgeBase()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(self._kb.ask(query_bundle.query_str))

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return _nodes(await self._kb.ask_async(query_bundle.query_str))


def _nodes(answer: Grounding) -> list[NodeWithScore]:
    return [
        NodeWithScore(
            node=TextNode(id_=result["id"], text=result["content"]),
            score=result["score"],
        )
        for result in answer.results
    ]
