"""What the simulated agent says: the knowledge it was given, or that it has none."""

from __future__ import annotations

import re

from kbserver.omni.engine import Lookup, Reads

MISS = "I'm sorry, I don't have any information about that."
UNGROUNDED = "I can't look that up right now."
MAX_PASSAGES = 2  # callers do not listen to more

_BULLET = re.compile(r"^\s*[-*•]\s+")


def build_reply(lookup: Lookup, *, reads: Reads) -> str:
    """Return the agent's sentence for a turn: the first passages it has, or that it has none.

    Reading from one key only shows a server that fills just the other.
    """
    if lookup.outcome == "miss":
        return MISS
    if lookup.outcome != "grounded":
        return UNGROUNDED
    if reads == "results":
        passages = [result.content.strip() for result in lookup.results]
    else:
        lines = lookup.context.splitlines()
        passages = [_BULLET.sub("", line).strip() for line in lines]
    spoken = [passage for passage in passages if passage]
    return " ".join(spoken[:MAX_PASSAGES])
