"""Pipecat: the tools of MCPClient, called as its model services call them."""

import asyncio
import json
import os
from types import SimpleNamespace

from mcp.client.session_group import StreamableHttpParameters
from pipecat.services.mcp_service import MCPClient

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


def client(token):
    headers = {"Authorization": f"Bearer {token}"}
    address = f"{URL}/support/mcp"
    return MCPClient(StreamableHttpParameters(url=address, headers=headers))


async def called(tool, **arguments):
    said = []

    async def result_callback(result):
        said.append(result)

    call = SimpleNamespace(
        function_name=tool.name,
        tool_call_id="1",
        arguments=arguments,
        result_callback=result_callback,
    )
    await tool.handler(call)
    return said[0]


async def main():
    mcp = client(TOKEN)
    tools = {tool.name: tool for tool in (await mcp.tools()).standard_tools}
    check("tools", sorted(tools) == ["fetch", "lookup", "search"], sorted(tools))
    said = await called(tools["lookup"], query="how do i reset my router")
    check("lookup", "seconds" in said, said)
    said = await called(tools["search"], query="reset my router")
    (result,) = json.loads(said)["results"][:1]
    check("search", result["title"] == "Reset the router", said)
    said = await called(tools["fetch"], id=result["id"])
    check("fetch", "seconds" in json.loads(said)["text"], said)
    said = await called(tools["lookup"])
    check("wrong arguments are told to the model", "query" in said, said)
    await mcp.close()
    try:
        await client("wrong").tools()
        check("a wrong token is refused with our sentence", False)
    except Exception as exc:
        said = repr(exc) + repr(getattr(exc, "exceptions", ""))
        check("a wrong token is refused with our sentence", "known" in said, said)


asyncio.run(main())
