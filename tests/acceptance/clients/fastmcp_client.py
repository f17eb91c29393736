"""fastmcp 4."""

import asyncio
import json
import os

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


async def main():
    transport = StreamableHttpTransport(f"{URL}/support/mcp", auth=TOKEN)
    async with Client(transport) as client:
        tools = sorted(tool.name for tool in await client.list_tools())
        check("tools", tools == ["fetch", "lookup", "search"], tools)
        found = await client.call_tool("lookup", {"query": "how do i reset my router"})
        check("lookup", "seconds" in found.content[0].text, found.content[0].text)
        found = await client.call_tool("search", {"query": "reset my router"})
        name = found.structured_content["results"][0]["id"]
        found = await client.call_tool("fetch", {"id": name})
        check("search and fetch", "ten seconds" in found.structured_content["text"])
    try:
        wrong = StreamableHttpTransport(f"{URL}/support/mcp", auth="wrong")
        async with Client(wrong) as client:
            await client.list_tools()
        check("a wrong token", False)
    except Exception as exc:
        check("a wrong token", True, exc)


asyncio.run(main())
