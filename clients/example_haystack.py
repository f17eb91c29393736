"""Fill a Haystack prompt from kbserver, without a key: prints what a model would be asked.

    KB_TOKEN=… KB_LABEL=support python example_haystack.py "when are you open"

With a model of yours, add its generator and connect `prompt.prompt` to it.
"""

from __future__ import annotations

import sys

from haystack import Pipeline
from haystack.components.builders import PromptBuilder
from haystack_kb import KBServerRetriever
from kb_client import KnowledgeBase

PROMPT = """Facts:
{% for document in documents %}{{ document.content }}
{% endfor %}
Question: {{ question }}"""


def main() -> None:
    """Print the prompt of each question."""
    pipeline = Pipeline()
    pipeline.add_component("kb", KBServerRetriever(KnowledgeBase(timeout_s=2.0)))
    builder = PromptBuilder(PROMPT, required_variables=["documents", "question"])
    pipeline.add_component("prompt", builder)
    pipeline.connect("kb.documents", "prompt.documents")
    for query in sys.argv[1:] or ["what are your opening hours"]:
        given = {"kb": {"query": query}, "prompt": {"question": query}}
        print(pipeline.run(given)["prompt"]["prompt"], "\n")


if __name__ == "__main__":
    main()
