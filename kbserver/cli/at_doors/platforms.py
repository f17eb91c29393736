"""What each platform is told about a door: which one it takes, and what is pasted where."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from string import Template
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform that a door is for."""

    door: str
    """Name of its table; `omni` for `/kb`, which is always open."""
    path: str
    """Of the URL that is pasted, behind the server's; `$label` stands for the label."""
    where: str
    """Where the rest is pasted."""
    paste: str
    """With `$url`, `$token` and the label: `$label` as it is, `$text` in quotes for a program or
    `$word` for a shell."""
    note: str = ""

    def url(self, base: str, label: str) -> str:
        """Return the URL that is pasted."""
        return base + Template(self.path).substitute(label=quote(label, safe=""))

    def filled(self, base: str, label: str, token: str) -> str:
        """Return what is pasted, whole."""
        return Template(self.paste).substitute(
            url=self.url(base, label),
            token=token,
            label=label,
            text=as_text(label),
            word=shlex.quote(label),
        )


def as_text(text: str) -> str:
    """Write a text in quotes, as Python, JSON and TOML read it."""
    return json.dumps(text, ensure_ascii=False)


def _json(value: object) -> str:
    return json.dumps(value, indent=2)


_MCP = "/$label/mcp"
_BEARER = {"Authorization": "Bearer $token"}
_MCP_SERVER = {"type": "http", "url": "$url", "headers": _BEARER}
_QUERY = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "The question, in full."}
    },
    "required": ["query"],
}

_CLIENT = "export KB_URL=$url\nexport KB_TOKEN=$token\nexport KB_LABEL=$word"

PLATFORMS: dict[str, Platform] = {
    "omni": Platform(
        "omni",
        "/kb",
        "the configure frame of a session",
        _json({"kb_endpoint": "$url", "kb_token": "$token"}),
        "kbserver configure writes the whole frame. The session label routes the call.",
    ),
    "claude": Platform(
        "mcp",
        _MCP,
        "a terminal, for Claude Code",
        'claude mcp add --transport http kb "$url" --header "Authorization: Bearer $token"',
    ),
    "chatgpt": Platform(
        "mcp",
        _MCP,
        "Settings → Connectors → Create, or the tools of the Responses API",
        _json(
            {
                "type": "mcp",
                "server_label": "kb",
                "server_url": "$url",
                "authorization": "$token",
                "require_approval": "never",
            }
        ),
        "It asks with search and fetch. The URL must be reachable from the internet.",
    ),
    "cursor": Platform(
        "mcp",
        _MCP,
        "~/.cursor/mcp.json",
        _json({"mcpServers": {"kb": {"url": "$url", "headers": _BEARER}}}),
    ),
    "vscode": Platform(
        "mcp",
        _MCP,
        ".vscode/mcp.json",
        _json({"servers": {"kb": _MCP_SERVER}}),
    ),
    "mcp-remote": Platform(
        "mcp",
        _MCP,
        "the configuration of a client that starts programs alone, such as Claude Desktop",
        _json(
            {
                "mcpServers": {
                    "kb": {
                        "command": "npx",
                        "args": [
                            "mcp-remote",
                            "$url",
                            "--header",
                            "Authorization:$${KB_AUTH}",
                        ],
                        "env": {"KB_AUTH": "Bearer $token"},
                    }
                }
            }
        ),
    ),
    "open-webui": Platform(
        "mcp",
        _MCP,
        "Admin → Settings → External Tools → Add, type MCP (Streamable HTTP)",
        "URL    $url\nAuth   Bearer\nKey    $token",
        "Set AIOHTTP_CLIENT_TIMEOUT_TOOL_SERVER: without it a tool is waited for without end.",
    ),
    "livekit": Platform(
        "omni",
        "/kb",
        "the agent's process, beside clients/livekit_kb.py",
        _CLIENT,
        "It grounds every turn: class Assistant(Grounded, Agent).",
    ),
    "pipecat": Platform(
        "omni",
        "/kb",
        "the bot's process, beside clients/pipecat_kb.py",
        _CLIENT,
        "It grounds every turn: Grounding() between user aggregator and model.",
    ),
    "langchain": Platform(
        "omni",
        "/kb",
        "the program, beside clients/langchain_kb.py",
        _CLIENT,
        'KBServerRetriever().invoke("when are you open")',
    ),
    "llamaindex": Platform(
        "omni",
        "/kb",
        "the program, beside clients/llamaindex_kb.py",
        _CLIENT,
        'KBServerRetriever().retrieve("when are you open")',
    ),
    "haystack": Platform(
        "omni",
        "/kb",
        "the program, beside clients/haystack_kb.py",
        _CLIENT,
        'KBServerRetriever().run("when are you open")',
    ),
    "vapi": Platform(
        "vapi",
        "/vapi/$label",
        "the assistant's model (POST or PATCH /assistant): a custom base has no page",
        _json(
            {
                "model": {
                    "knowledgeBase": {
                        "provider": "custom-knowledge-base",
                        "server": {
                            "url": "$url",
                            "headers": _BEARER,
                            "timeoutSeconds": 1,
                        },
                    }
                }
            }
        ),
        "Keep the rest of the model's object as it is.",
    ),
    "dify": Platform(
        "dify",
        "/dify",
        "Knowledge → External Knowledge API → Add",
        "API Endpoint            $url\nAPI Key                 $token\n"
        "External Knowledge ID   $label",
        "Dify appends /retrieval by itself.",
    ),
    "openai": Platform(
        "openai",
        "/v1",
        "a program with the openai package",
        'OpenAI(base_url="$url", api_key="$token").vector_stores.search($text, query="…")',
    ),
    "elevenlabs": Platform(
        "tool",
        "/tool/$label",
        "an agent's tools: Add tool → Webhook",
        _json(
            {
                "type": "webhook",
                "name": "knowledge_base",
                "description": "Look a question up in the knowledge base.",
                "response_timeout_secs": 5,
                "api_schema": {
                    "url": "$url",
                    "method": "POST",
                    "request_headers": _BEARER,
                    "request_body_schema": _QUERY,
                },
            }
        ),
        "Put the token into a workspace secret.",
    ),
    "retell": Platform(
        "tool",
        "/tool/$label",
        "an agent's functions: Add → Custom Function",
        _json(
            {
                "type": "custom",
                "name": "knowledge_base",
                "description": "Look a question up in the knowledge base.",
                "url": "$url",
                "method": "POST",
                "headers": _BEARER,
                "parameters": _QUERY,
                "timeout_ms": 2000,
                "speak_during_execution": False,
                "speak_after_execution": True,
            }
        ),
        "Without the header, Retell's signature lets it in: secret_env of [doors.tool] then "
        "names the variable with its API key.",
    ),
    "vertex": Platform(
        "search",
        "/search/$label",
        "the tools of a request to Vertex AI",
        _json(
            {
                "retrieval": {
                    "externalApi": {
                        "apiSpec": "SIMPLE_SEARCH",
                        "endpoint": "$url",
                        "authConfig": {
                            "authType": "API_KEY_AUTH",
                            "apiKeyConfig": {
                                "name": "x-api-key",
                                "apiKeySecret": "projects/…/secrets/…/versions/1",
                                "httpElementLocation": "HTTP_IN_HEADER",
                            },
                        },
                    }
                }
            }
        ),
        "Store the token as that secret: $token",
    ),
}
