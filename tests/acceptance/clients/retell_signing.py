"""retell-sdk: its own signing against the door's checking."""

import json
import os

import httpx2
from retell.lib.webhook_auth import symmetric

sign = symmetric["sign"]

URL, SECRET = os.environ["URL"], os.environ["SECRET"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


body = json.dumps(
    {
        "name": "knowledge_base",
        "call": {"call_id": "call-1"},
        "args": {"query": "how do i reset my router"},
    }
)


def post(body, signature):
    headers = {"x-retell-signature": signature, "content-type": "application/json"}
    return httpx2.post(f"{URL}/tool/support", content=body, headers=headers)


answer = post(body, sign(body, SECRET))
check("signed by the SDK", answer.status_code == 200, answer.text)
check("answered", "seconds" in answer.json().get("result", ""), answer.text)
check("another body", post(body + " ", sign(body, SECRET)).status_code == 401)
check("another secret", post(body, sign(body, "another")).status_code == 401)
