"""Grounds every turn of a LiveKit agent: `class Assistant(Grounded, Agent)`.

It hooks `llm_node`, not `on_user_turn_completed`: that one is skipped by typed chat and
`generate_reply`, and what it adds throws a reply that was begun early away. Here the facts go into
the one request, before the last words of the user; the history stays as it is.

Beside it goes `kb_client.py`; nothing else of kbserver is needed.
"""

from __future__ import annotations

import inspect
import uuid
from typing import Any

from kb_client import KnowledgeBase
from livekit.agents import llm

INTRODUCTION = (
    "Facts from the knowledge base for the user's next words. Use them if they fit, and do not "
    "invent others:"
)


class Grounded:
    """Mix this in before `Agent`."""

    kb: KnowledgeBase | None = None
    """None: made of KB_URL, KB_TOKEN and KB_LABEL."""
    kb_session: str | None = None
    """Names the call; None: one for each agent."""
    _asked: tuple[str, str] = ("", "")

    async def llm_node(
        self, chat_ctx: llm.ChatContext, tools: Any, model_settings: Any
    ) -> Any:
        """Answer from the context with the facts for the user's last words, if there are any."""
        place = _last_of_user(chat_ctx)
        if place is not None:
            facts = await self._facts(chat_ctx.items[place].text_content or "")
            if facts:
                chat_ctx = chat_ctx.copy()
                said = llm.ChatMessage(
                    role="system", content=[f"{INTRODUCTION}\n{facts}"]
                )
                chat_ctx.items.insert(place, said)
        answer = super().llm_node(chat_ctx, tools, model_settings)  # type: ignore[misc]
        if inspect.isawaitable(answer):
            answer = await answer
        return answer

    async def _facts(self, words: str) -> str:
        """Return what the knowledge base says; the steps of one turn ask once."""
        if not words.strip():
            return ""
        if self._asked[0] != words:
            if self.kb is None:
                self.kb = KnowledgeBase()
            if self.kb_session is None:
                self.kb_session = f"livekit-{uuid.uuid4().hex}"
            answer = await self.kb.ask_async(words, self.kb_session)
            self._asked = words, answer.context
        return self._asked[1]


def _last_of_user(chat_ctx: llm.ChatContext) -> int | None:
    for place in range(len(chat_ctx.items) - 1, -1, -1):
        item = chat_ctx.items[place]
        if item.type == "message" and item.role == "user":
            return place
    return None
