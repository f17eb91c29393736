"""openai-agents: an agent with a scripted model that calls a tool once."""

import asyncio
import json
import os

from agents import Agent, Runner
from agents.items import ModelResponse
from agents.mcp import MCPServerStreamableHttp
from agents.models.interface import Model
from agents.usage import Usage
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


class Scripted(Model):
    """Calls lookup, then says what it was told."""

    def __init__(self):
        self.heard = []

    async def get_response(self, system_instructions, input, *args, **kwargs):
        self.heard.append(input)
        if len(self.heard) == 1:
            query = json.dumps({"query": "how do i reset my router"})
            output = ResponseFunctionToolCall(
                type="function_call", call_id="1", name="lookup", arguments=query
            )
        else:
            text = ResponseOutputText(type="output_text", text="done", annotations=[])
            output = ResponseOutputMessage(
                id="m",
                type="message",
                role="assistant",
                status="completed",
                content=[text],
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *args, **kwargs):
        raise NotImplementedError


async def main():
    params = {
        "url": f"{URL}/support/mcp",
        "headers": {"Authorization": f"Bearer {TOKEN}"},
    }
    async with MCPServerStreamableHttp(params) as server:
        model = Scripted()
        agent = Agent(name="a", model=model, mcp_servers=[server])
        result = await Runner.run(agent, "how do i reset my router")
        check("the agent ends", result.final_output == "done")
        told = json.dumps(model.heard[1], default=str)
        check("the model is told the passage", "seconds" in told, told[-150:])


asyncio.run(main())
