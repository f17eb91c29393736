"""Where this machine's endpoint is reachable from outside, as far as it can be found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

VARIABLES = ("PUBLIC_URL", "RENDER_EXTERNAL_URL")
NGROK_API = "http://127.0.0.1:4040"
# cloudflared takes the first free of these ports for its metrics, which name its quick tunnel
CLOUDFLARED_APIS = tuple(f"http://127.0.0.1:{port}" for port in range(20241, 20246))
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """A base URL, without the endpoint's path, and who said so."""

    base: str
    origin: str


async def find_public_url(
    environment: Mapping[str, str],
    *,
    port: int | None = None,
    ngrok: str = NGROK_API,
    cloudflared: Sequence[str] = CLOUDFLARED_APIS,
) -> PublicUrl | None:
    """Return the first of: PUBLIC_URL, RENDER_EXTERNAL_URL, a running ngrok's tunnel, a running cloudflared's.

    Args:
        port: of ngrok's tunnels only one to this local port counts; None takes any.
    """
    for name in VARIABLES:
        if environment.get(name, "").strip():
            return PublicUrl(environment[name].strip().rstrip("/"), name)
    async with httpx2.AsyncClient(timeout=LOOK_S, trust_env=False) as client:
        for tunnel in _list(await _get(client, f"{ngrok}/api/tunnels"), "tunnels"):
            address = tunnel.get("public_url")
            if (
                isinstance(address, str)
                and address.startswith("https://")
                and _leads_to(tunnel, port)
            ):
                return PublicUrl(address.rstrip("/"), "ngrok")
        for api in cloudflared:
            host = (await _get(client, f"{api}/quicktunnel")).get("hostname")
            if isinstance(host, str) and host:
                return PublicUrl(f"https://{host}", "cloudflared")
    return None


async def _get(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    try:
        response = await client.get(url)
        value = response.json() if response.status_code == 200 else {}
    except (httpx2.HTTPError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = value.get(key)
    return (
        [entry for entry in entries if isinstance(entry, dict)]
        if isinstance(entries, list)
        else []
    )


def _leads_to(tunnel: Mapping[str, Any], port: int | None) -> bool:
    config = tunnel.get("config")
    address = config.get("addr") if isinstance(config, dict) else None
    return (
        port is None
        or not isinstance(address, str)
        or address.rstrip("/").endswith(f":{port}")
    )
