"""Ask a grounded LiveKit agent in writing, without a key: its model reads its facts out.

    KB_TOKEN=… KB_LABEL=support python example_livekit.py "when are you open"

For a voice, give `AgentSession` your stt, llm and tts in place of the model here, and leave
`timeout_s` out: a caller hears a pause.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from kb_client import KnowledgeBase
from livekit.agents import Agent, AgentSession, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit_kb import INTRODUCTION, Grounded


class Assistant(Grounded, Agent):
    """An agent whose every turn is grounded."""

    def __init__(self) -> None:
        """Ask the knowledge base of KB_URL, KB_TOKEN and KB_LABEL."""
        super().__init__(instructions="Answer in one sentence.")
        self.kb = KnowledgeBase(timeout_s=2.0)


class ReadsOut(llm.LLM):
    """Stands in for a model."""

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: Any = None,
        conn_options: Any = DEFAULT_API_CONNECT_OPTIONS,
        **more: Any,
    ) -> llm.LLMStream:
        """Begin a reply."""
        return _Reply(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class _Reply(llm.LLMStream):
    async def _run(self) -> None:
        said = "I do not know."
        for message in self.chat_ctx.messages():
            facts = (message.text_content or "").partition(INTRODUCTION)[2]
            said = facts.strip() or said
        delta = llm.ChoiceDelta(role="assistant", content=said)
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


async def main() -> None:
    """Print the agent's reply to each question."""
    session = AgentSession(llm=ReadsOut())
    await session.start(Assistant(), record=False)
    for query in sys.argv[1:] or ["what are your opening hours"]:
        await session.run(user_input=query)
        print(f"{query}\n{session.history.messages()[-1].text_content}\n")
    await session.aclose()


if __name__ == "__main__":
    asyncio.run(main())
