"""Where this machine's endpoint is reachable from outside, as far as it can be found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kbserver.answers import AnswerLimits, Client, NoAnswer, read_json

VARIABLES = ("PUBLIC_URL", "RENDER_EXTERNAL_URL")
NGROK_API = "http://127.0.0.1:4040"
# cloudflared serves its metrics, which name its quick tunnel, on the first free of these ports.
CLOUDFLARED_APIS = tuple(f"http://127.0.0.1:{port}" for port in range(20241, 20246))
LIMITS = AnswerLimits(seconds=0.5, body_bytes=1_000_000)


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """A base URL, without the endpoint's path, and where it was found."""

    base: str
    origin: str


async def find_public_url(
    environment: Mapping[str, str],
    *,
    port: int | None = None,
    ngrok: str = NGROK_API,
    cloudflared: Sequence[str] = CLOUDFLARED_APIS,
) -> PublicUrl | None:
    """Return the URL of the environment, or of a running ngrok or cloudflared tunnel.

    Args:
        port: of ngrok's tunnels only one to this local port counts; None takes any.
    """
    for name in VARIABLES:
        if environment.get(name, "").strip():
            return PublicUrl(environment[name].strip().rstrip("/"), name)
    async with Client(LIMITS) as client:
        for tunnel in _list(await _get(client, f"{ngrok}/api/tunnels"), "tunnels"):
            address = tunnel.get("public_url")
            if not isinstance(address, str) or not address.startswith("https://"):
                continue
            if _leads_to(tunnel, port):
                return PublicUrl(address.rstrip("/"), "ngrok")
        for api in cloudflared:
            host = (await _get(client, f"{api}/quicktunnel")).get("hostname")
            if isinstance(host, str) and host:
                return PublicUrl(f"https://{host}", "cloudflared")
    return None


async def _get(client: Client, url: str) -> dict[str, Any]:
    try:
        answer = await client.ask("GET", url)
        value = read_json(answer.content)
    except (NoAnswer, ValueError):
        return {}
    if answer.status != 200 or not isinstance(value, dict):
        return {}
    return value


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = value.get(key)
    if not isinstance(entries, list):
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def _leads_to(tunnel: Mapping[str, Any], port: int | None) -> bool:
    config = tunnel.get("config")
    if port is None or not isinstance(config, dict):
        return True
    address = config.get("addr")
    if not isinstance(address, str):
        return True
    return address.rstrip("/").endswith(f":{port}")
