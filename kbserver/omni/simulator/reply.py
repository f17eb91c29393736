"""What the simulated agent says: no model, just the knowledge it was given, or an honest admission."""

from __future__ import annotations

import re

from kbserver.omni.engine import Lookup, Reads

MISS = "I'm sorry, I don't have any information about that."
UNGROUNDED = "I can't look that up right now."
MAX_PASSAGES = 2  # a caller does not listen to more

_BULLET = re.compile(r"^\s*[-*•]\s+")


def build_reply(lookup: Lookup, *, reads: Reads) -> str:
    """Return the agent's sentence for a turn: the first passages of `context` or of `results`, else an admission.

    Reading from one key only shows a server that fills just the other.
    """
    if lookup.outcome == "miss":
        return MISS
    if lookup.outcome != "grounded":
        return UNGROUNDED
    if reads == "results":
        passages = [
            result.content.strip()
            for result in lookup.results
            if result.content.strip()
        ]
    else:
        passages = [
            _BULLET.sub("", line).strip()
            for line in lookup.context.splitlines()
            if line.strip()
        ]
    return " ".join(passages[:MAX_PASSAGES])
