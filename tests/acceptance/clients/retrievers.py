"""LangChain, LlamaIndex, Haystack and their async halves; live, dead and slow servers."""

import asyncio
import json
import os
import socket
import threading
import time

from haystack import Pipeline
from haystack_kb import KBServerRetriever as HaystackRetriever
from kb_client import KnowledgeBase
from langchain_kb import KBServerRetriever as LangChainRetriever
from llamaindex_kb import KBServerRetriever as LlamaRetriever

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]
QUERY = "how do i reset my router"


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


def slow():
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(
        target=lambda: [listener.accept() for _ in range(99)], daemon=True
    ).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/kb"


BASES = {
    "live": KnowledgeBase(f"{URL}/kb", TOKEN, "support", timeout_s=3.0),
    "dead": KnowledgeBase("http://127.0.0.1:9/kb", TOKEN, "support"),
    "slow": KnowledgeBase(slow(), TOKEN, "support"),
}


def haystack(kb):
    pipeline = Pipeline()
    pipeline.add_component("kb", HaystackRetriever(kb))
    documents = pipeline.run({"kb": {"query": QUERY}})["kb"]["documents"]
    return [document.content for document in documents]


async def haystack_async(kb):
    documents = (await HaystackRetriever(kb).run_async(QUERY))["documents"]
    return [document.content for document in documents]


def langchain(kb):
    return [d.page_content for d in LangChainRetriever(kb=kb).invoke(QUERY)]


async def langchain_async(kb):
    return [d.page_content for d in await LangChainRetriever(kb=kb).ainvoke(QUERY)]


def llama(kb):
    return [node.text for node in LlamaRetriever(kb).retrieve(QUERY)]


async def llama_async(kb):
    return [node.text for node in await LlamaRetriever(kb).aretrieve(QUERY)]


for retrieve in (
    haystack,
    langchain,
    llama,
    haystack_async,
    langchain_async,
    llama_async,
):
    for state, kb in BASES.items():
        began = time.monotonic()
        found = retrieve(kb)
        if asyncio.iscoroutine(found):
            found = asyncio.run(found)
        took_s = time.monotonic() - began
        name = f"{retrieve.__name__}: {state}"
        if state == "live":
            check(name, found and "ten seconds" in found[0], found)
        else:
            check(name, found == [] and took_s < 0.6, f"{took_s:.2f} s")
