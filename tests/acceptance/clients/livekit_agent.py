"""LiveKit: an AgentSession with a scripted model, grounded by the mixin; live, dead and slow."""

import asyncio
import json
import os
import socket
import sys
import threading
import time

from kb_client import KnowledgeBase
from livekit.agents import Agent, AgentSession, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit_kb import Grounded

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]
QUERY = "how do i reset my router"


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


class Stream(llm.LLMStream):
    async def _run(self):
        delta = llm.ChoiceDelta(role="assistant", content="done")
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


class Scripted(llm.LLM):
    """Keeps what it is asked, and says a word."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def chat(
        self,
        *,
        chat_ctx,
        tools=None,
        conn_options=DEFAULT_API_CONNECT_OPTIONS,
        **more,
    ):
        said = [
            (item.role, item.text_content)
            for item in chat_ctx.items
            if item.type == "message"
        ]
        self.asked.append(said)
        return Stream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


class Counting(KnowledgeBase):
    asked = 0

    async def ask_async(self, query, session=None):
        self.asked += 1
        return await super().ask_async(query, session)


class Assistant(Grounded, Agent):
    def __init__(self, kb):
        super().__init__(instructions="be kind")
        self.kb = kb


def slow():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(
        target=lambda: [listener.accept() for _ in range(99)], daemon=True
    ).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/kb"


async def turn(state, kb, grounded):
    model = Scripted()
    session = AgentSession(llm=model)
    agent = Assistant(kb)
    await session.start(agent, record=False)
    began = time.monotonic()
    await session.run(user_input=QUERY)
    took_s = time.monotonic() - began
    check(f"{state}: one model call", len(model.asked) == 1, len(model.asked))
    check(f"{state}: one knowledge call", kb.asked == 1, kb.asked)
    said = model.asked[0]
    facts = [text for role, text in said if "Facts from" in (text or "")]
    check(f"{state}: facts", bool(facts) == grounded, facts or f"{took_s:.2f} s")
    if grounded:
        check(f"{state}: before the last words", said[-1] == ("user", QUERY), said[-1])
    kept = [
        item.text_content
        for item in agent.chat_ctx.items
        if item.type == "message" and "Facts from" in (item.text_content or "")
    ]
    check(f"{state}: the history has none", kept == [], kept)
    await session.aclose()


async def main():
    live = Counting(f"{URL}/kb", TOKEN, "support", timeout_s=3.0)
    await turn("live", live, True)
    await turn("dead", Counting("http://127.0.0.1:9/kb", TOKEN, "support"), False)
    await turn("slow", Counting(slow(), TOKEN, "support"), False)


asyncio.run(main())
sys.stdout.flush()
os._exit(0)
