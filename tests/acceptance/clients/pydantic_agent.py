"""pydantic-ai: an agent with a scripted model."""

import asyncio
import json
import os

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


def toolset():
    headers = {"Authorization": f"Bearer {TOKEN}"}
    try:
        from pydantic_ai.mcp import MCPToolset
    except ImportError:
        from pydantic_ai.mcp import MCPServerStreamableHTTP

        return MCPServerStreamableHTTP(f"{URL}/support/mcp", headers=headers)
    from fastmcp.client.transports import StreamableHttpTransport

    return MCPToolset(StreamableHttpTransport(f"{URL}/support/mcp", headers=headers))


async def main():
    for tool, said in (("lookup", "seconds"), ("search", "Reset the router")):
        told = []

        def model(messages, info, tool=tool, told=told):
            returned = [
                part for part in messages[-1].parts if part.part_kind == "tool-return"
            ]
            if not returned:
                query = {"query": "how do i reset my router"}
                return ModelResponse([ToolCallPart(tool, query)])
            told.append(str(returned[0].content))
            return ModelResponse([TextPart("done")])

        agent = Agent(FunctionModel(model), toolsets=[toolset()])
        async with agent:
            result = await agent.run("how do i reset my router")
        check(f"{tool}: the agent ends", result.output == "done")
        check(f"{tool}: the model is told", said in told[0], told[0])


asyncio.run(main())
