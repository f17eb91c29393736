"""Fill a LlamaIndex prompt from kbserver, without a key: prints what a model would be asked.

    KB_TOKEN=… KB_LABEL=support python example_llamaindex.py "when are you open"

With a model of yours:  RetrieverQueryEngine.from_args(retriever, llm=model).query("…")
"""

from __future__ import annotations

import sys

from kb_client import KnowledgeBase
from llama_index.core.prompts import PromptTemplate
from llama_index.core.schema import MetadataMode
from llamaindex_kb import KBServerRetriever

PROMPT = PromptTemplate("Facts:\n{facts}\n\nQuestion: {question}")


def main() -> None:
    """Print the prompt of each question."""
    retriever = KBServerRetriever(KnowledgeBase(timeout_s=2.0))
    for query in sys.argv[1:] or ["what are your opening hours"]:
        nodes = retriever.retrieve(query)
        facts = "\n".join(node.get_content(MetadataMode.LLM) for node in nodes)
        print(PROMPT.format(facts=facts, question=query), "\n")


if __name__ == "__main__":
    main()
