"""LiveKit: an AgentSession whose scripted model calls a tool of MCPServerHTTP."""

import asyncio
import json
import os
import sys

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.llm.mcp import MCPServerHTTP, MCPToolset
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]
QUERY = "how do i reset my router"


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


def server(token):
    headers = {"Authorization": f"Bearer {token}"}
    return MCPServerHTTP(url=f"{URL}/support/mcp", headers=headers)


class Stream(llm.LLMStream):
    async def _run(self):
        outputs = [
            item for item in self.chat_ctx.items if item.type == "function_call_output"
        ]
        delta = llm.ChoiceDelta(role="assistant", content="done")
        if not outputs:
            call = llm.FunctionToolCall(
                name="lookup", arguments=json.dumps({"query": QUERY}), call_id="1"
            )
            delta = llm.ChoiceDelta(role="assistant", tool_calls=[call])
        self._llm.outputs += outputs
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))


class Scripted(llm.LLM):
    """Calls `lookup` once, and keeps what it said."""

    def __init__(self):
        super().__init__()
        self.outputs = []
        self.tools = []

    def chat(
        self,
        *,
        chat_ctx,
        tools=None,
        conn_options=DEFAULT_API_CONNECT_OPTIONS,
        **more,
    ):
        self.tools = [tool.info.name for tool in tools or []]
        return Stream(
            self, chat_ctx=chat_ctx, tools=tools or [], conn_options=conn_options
        )


async def main():
    model = Scripted()
    tools = MCPToolset(id="kb", mcp_server=server(TOKEN))
    session = AgentSession(llm=model)
    agent = Agent(instructions="be kind", tools=[tools])
    await session.start(agent, record=False)
    await session.run(user_input=QUERY)
    names = sorted(model.tools)
    check("tools", names == ["fetch", "lookup", "search"], names)
    said = [output.output for output in model.outputs]
    check("lookup: the model is told once", len(said) == 1, said)
    check("lookup", "seconds" in said[0], said[0])
    await session.aclose()

    refused = server("wrong")
    try:
        await refused.initialize()
        check("a wrong token is refused", False)
    except Exception as exc:
        said = repr(exc) + repr(getattr(exc, "exceptions", ""))
        check("a wrong token is refused with our sentence", "known" in said, said)


asyncio.run(main())
sys.stdout.flush()
os._exit(0)
