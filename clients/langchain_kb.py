"""A LangChain retriever over kbserver. Beside it goes `kb_client.py`."""

from __future__ import annotations

from kb_client import Grounding, KnowledgeBase
from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field


class KBServerRetriever(BaseRetriever):
    """Passages of one label, best first; none if the server is late or down."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kb: KnowledgeBase = Field(default_factory=KnowledgeBase)
    """By default that of KB_URL, KB_TOKEN and KB_LABEL."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return _documents(self.kb.ask(query))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        return _documents(await self.kb.ask_async(query))


def _documents(answer: Grounding) -> list[Document]:
    return [
        Document(
            id=result["id"],
            page_content=result["content"],
            metadata={"id": result["id"], "score": result["score"]},
        )
        for result in answer.results
    ]
