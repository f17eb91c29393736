"""What the simulated agent says: the knowledge it was given, or that it has none."""

from __future__ import annotations

import re

from kbserver.languages import PROFILES
from kbserver.omni.engine import Lookup, Reads
from kbserver.retrieval.transcript.small_talk import gate

MISS = "I'm sorry, I don't have any information about that."
UNGROUNDED = "I can't look that up right now."
SMALL_TALK = {
    "greeting": "Hello! How can I help you?",
    "goodbye": "Goodbye!",
    "thanks": "You're welcome!",
    "handover": "One moment, I'll put you through.",
    "hold": "Take your time.",
    "repeat": "Of course, I'll say that again.",
    "presence": "Yes, I'm here.",
    "confirmation": "All right.",
    "backchannel": "Mhm.",
}
"""By what `small_talk.gate` calls it."""

MAX_PASSAGES = 2  # callers do not listen to more

_BULLET = re.compile(r"^\s*[-*•]\s+")


def build_reply(lookup: Lookup, *, reads: Reads, heard: str = "") -> str:
    """Return the agent's sentence for a turn: the first passages it has, or that it has none.

    Reading from one key only shows a server that fills just the other.

    Args:
        heard: the caller's words: small talk needs no knowledge, and an agent answers it by itself.
    """
    if lookup.outcome == "miss":
        return SMALL_TALK.get(gate(heard, tuple(PROFILES.values())) or "", MISS)
    if lookup.outcome != "grounded":
        return UNGROUNDED
    if reads == "results":
        passages = [result.content.strip() for result in lookup.results]
    else:
        lines = lookup.context.splitlines()
        passages = [_BULLET.sub("", line).strip() for line in lines]
    spoken = [passage for passage in passages if passage]
    return " ".join(spoken[:MAX_PASSAGES])
