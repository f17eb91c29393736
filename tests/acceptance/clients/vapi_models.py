"""vapi-server-sdk: its models on both sides of the wire."""

import json
import os

import httpx2
import vapi

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


def message(*said):
    return vapi.ServerMessageKnowledgeBaseRequest(
        type="knowledge-base-request",
        messagesOpenAIFormatted=[
            {"role": role, "content": content} for role, content in said
        ],
    )


def post(body, token=TOKEN):
    bearer = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return httpx2.post(f"{URL}/vapi/support", content=body, headers=bearer)


sent = vapi.ServerMessage(message=message(("user", "how do i reset my router")))
answer = post(sent.json(by_alias=True, exclude_none=True))
check("a request of its model is answered", answer.status_code == 200, answer.text)
read = vapi.ServerMessageResponseKnowledgeBaseRequest.model_validate(answer.json())
check("its model reads the answer", "seconds" in read.documents[0].content, read)
check("no message, which would be spoken", "message" not in answer.json())
nothing = post(vapi.ServerMessage(message=message()).json(by_alias=True))
read = vapi.ServerMessageResponseKnowledgeBaseRequest.model_validate(nothing.json())
check("nothing said, nothing found", read.documents == [], nothing.text)
check("a wrong token", post("{}", "wrong").status_code == 401)
