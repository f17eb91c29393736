"""openai 3: vector_stores.search with another base URL."""

import json
import os

import openai

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


client = openai.OpenAI(base_url=f"{URL}/v1", api_key=TOKEN)
page = client.vector_stores.search(
    "support", query="how do i reset my router", max_num_results=2
)
first = page.data[0]
check("a search", first.filename == "router/reset.md", first)
check("the text", "ten seconds" in first.content[0].text)
check("no second page", len(list(page)) == len(page.data), len(page.data))
above = client.vector_stores.search(
    "support",
    query="billing router",
    ranking_options={"score_threshold": 0.99},
)
check("a threshold", all(one.score >= 0.99 for one in above.data), above.data)
folder = {"type": "eq", "key": "folder", "value": "billing"}
scoped = client.vector_stores.search("support", query="reset router", filters=folder)
check("a filter", all(one.filename.startswith("billing") for one in scoped.data))
try:
    wrong = {"type": "ne", "key": "folder", "value": "billing"}
    client.vector_stores.search("support", query="x", filters=wrong)
    check("a filter that cannot be met is refused", False)
except openai.BadRequestError as exc:
    check("a filter that cannot be met is refused", "filters" in str(exc), exc)
try:
    openai.OpenAI(base_url=f"{URL}/v1", api_key="wrong").vector_stores.search(
        "support", query="x"
    )
    check("a wrong token", False)
except openai.AuthenticationError as exc:
    check("a wrong token", exc.code == "invalid_token", exc)
quick = client.with_options(timeout=0.4, max_retries=0)
check(
    "a short time-out", quick.vector_stores.search("support", query="reset router").data
)
