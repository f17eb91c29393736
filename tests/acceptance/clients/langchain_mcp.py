"""langchain-mcp-adapters, on mcp 1."""

import asyncio
import json
import os

from langchain_mcp_adapters.client import MultiServerMCPClient

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


async def main():
    server = {
        "transport": "streamable_http",
        "url": f"{URL}/support/mcp",
        "headers": {"Authorization": f"Bearer {TOKEN}"},
    }
    tools = {
        tool.name: tool
        for tool in await MultiServerMCPClient({"kb": server}).get_tools()
    }
    check("tools", sorted(tools) == ["fetch", "lookup", "search"], sorted(tools))
    said = str(await tools["lookup"].ainvoke({"query": "how do i reset my router"}))
    check("lookup", "seconds" in said, said)
    said = str(await tools["search"].ainvoke({"query": "reset my router"}))
    check("search", "Reset the router" in said, said)


asyncio.run(main())
