"""Fill a LangChain prompt from kbserver, without a key: prints what a model would be asked.

    KB_TOKEN=… KB_LABEL=support python example_langchain.py "when are you open"

With a model of yours:  chain = facts | prompt | model
"""

from __future__ import annotations

import sys

from kb_client import KnowledgeBase
from langchain_core.documents import Document
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_kb import KBServerRetriever


def joined(documents: list[Document]) -> str:
    """Return the passages as one text."""
    return "\n".join(document.page_content for document in documents)


def main() -> None:
    """Print the prompt of each question."""
    retriever = KBServerRetriever(kb=KnowledgeBase(timeout_s=2.0))
    facts = {"facts": retriever | joined, "question": RunnablePassthrough()}
    prompt = ChatPromptTemplate.from_template("Facts:\n{facts}\n\nQuestion: {question}")
    chain = facts | prompt
    for query in sys.argv[1:] or ["what are your opening hours"]:
        print(chain.invoke(query).to_string(), "\n")


if __name__ == "__main__":
    main()
