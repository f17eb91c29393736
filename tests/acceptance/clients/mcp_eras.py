"""mcp 2.3: the newest revision and the handshake, each with all tools, and refusals."""

import asyncio
import json
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


def connected(token, mode, log):
    async def note(request):
        log.append(request.headers.get("mcp-protocol-version"))

    http = httpx2.AsyncClient(
        headers={"authorization": f"Bearer {token}"}, event_hooks={"request": [note]}
    )
    transport = streamable_http_client(f"{URL}/support/mcp", http_client=http)
    return Client(transport, mode=mode)


async def era(mode):
    log = []
    async with connected(TOKEN, mode, log) as client:
        tools = await client.list_tools()
        names = sorted(tool.name for tool in tools.tools)
        check(f"{mode}: tools", names == ["fetch", "lookup", "search"], names)
        before = len(log)
        found = await client.call_tool("lookup", {"query": "how do i reset my router"})
        text = found.content[0].text
        check(f"{mode}: lookup", "ten seconds" in text or "10 seconds" in text, text)
        check(f"{mode}: a lookup is one request", len(log) == before + 1, log)
        found = await client.call_tool("search", {"query": "reset my router"})
        results = found.structured_content["results"]
        check(f"{mode}: search", results[0]["title"] == "Reset the router", results)
        found = await client.call_tool("fetch", {"id": results[0]["id"]})
        check(f"{mode}: fetch", "ten seconds" in found.structured_content["text"])
        found = await client.call_tool("lookup", {})
        check(f"{mode}: wrong arguments are a result", found.is_error, found.content)
        try:
            await client.call_tool("delete", {})
            check(f"{mode}: an unknown tool is an error", False)
        except MCPError as exc:
            check(f"{mode}: an unknown tool is an error", True, exc)
    wanted = "2026-07-28" if mode == "auto" else "2025-11-25"
    check(f"{mode}: speaks {wanted}", log[-1] == wanted, log[-1])
    try:
        async with connected("wrong", mode, []) as client:
            await client.list_tools()
        check(f"{mode}: a wrong token is refused with our sentence", False)
    except BaseException as exc:
        said = repr(exc) + repr(getattr(exc, "exceptions", ""))
        check(
            f"{mode}: a wrong token is refused with our sentence", "known" in said, said
        )


for mode in ("auto", "legacy"):
    asyncio.run(era(mode))
