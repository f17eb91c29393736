"""Ask a kbserver from any Python program, with `clients/kb_client.py` alone.

    KB_TOKEN=… python examples/ask_from_python.py "when are you open" "and on sundays"

The questions are one conversation: the second may lean on the first.
"""

import sys
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "clients"))

from kb_client import KnowledgeBase  # type: ignore[import-not-found]


def main() -> None:
    """Print what the knowledge base says to each question."""
    kb = KnowledgeBase(timeout_s=2.0)
    session = uuid.uuid4().hex
    for query in sys.argv[1:] or ["what are your opening hours"]:
        answer = kb.ask(query, session)
        print(f"{query}\n{answer.context or '(nothing)'}\n")


if __name__ == "__main__":
    main()
