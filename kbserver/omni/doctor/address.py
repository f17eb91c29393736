"""Whether the engine can reach a URL at all: scheme, name, network and certificate."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from urllib.parse import urlsplit

from kbserver.errors import OmniError
from kbserver.omni.configure import check_endpoint
from kbserver.omni.doctor.findings import Finding
from kbserver.omni.failures import explain
from kbserver.urls import is_loopback

EXPIRES_SOON_DAYS = 14
CONNECT_S = 5.0

_TUNNEL = "make it public: a host with https, or a tunnel (cloudflared, ngrok), and give that URL"


async def check_address(url: str) -> list[Finding]:
    """Look at scheme and network. A loopback address is a warning, since one tries things out there first."""
    try:
        check_endpoint(url, field="the URL")
    except OmniError as exc:
        return [
            Finding(
                "URL",
                "fail",
                str(exc),
                "give the https URL of your POST /kb",
                "bad_url",
            )
        ]
    parts = urlsplit(url)
    host, port = (
        parts.hostname or "",
        parts.port or (443 if parts.scheme == "https" else 80),
    )
    if is_loopback(host):
        return [
            Finding(
                "URL",
                "warn",
                f"{url} is on this machine: the engine cannot reach it",
                _TUNNEL,
            )
        ]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )
    except OSError as exc:
        step = "check the spelling and the DNS record"
        return [Finding("URL", "fail", f"{host}: {explain(exc).sentence}", step, "dns")]
    addresses = sorted({str(entry[4][0]) for entry in found})
    hidden = [
        address
        for address in addresses
        if not ipaddress.ip_address(address.partition("%")[0]).is_global
    ]
    if hidden:
        named = host if hidden == [host] else f"{host} is {', '.join(hidden)}, which"
        found_words = f"{named} is not an address of the public internet"
        return [Finding("URL", "fail", found_words, _TUNNEL, "not_public")]
    return [Finding("URL", "ok", f"{url} ({', '.join(addresses)})")]


async def check_certificate(url: str, verify: ssl.SSLContext) -> Finding | None:
    """Shake hands with an https URL; None for plain http."""
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 443, ssl=verify
            )
    except (OSError, TimeoutError) as exc:
        failure = explain(exc)
        steps = {
            "certificate_expired": "renew the certificate, or restart what renews it, and run this again",
            "certificate_hostname": f"get a certificate for {parts.hostname}, or use the name it was issued for",
            "certificate": "serve the whole chain of a public authority; a self-signed certificate is not accepted",
            "tls": "check that this port speaks TLS",
        }
        if failure.word not in steps:
            return None  # no connection at all: the first request says so
        return Finding(
            "certificate", "fail", failure.sentence, steps[failure.word], failure.word
        )
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    left_days = (
        ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
    ) / 86_400
    figures = {"days_left": round(left_days, 1)}
    if left_days < EXPIRES_SOON_DAYS:
        found = f"valid for {left_days:.0f} more days only"
        return Finding(
            "certificate", "warn", found, "see that its renewal works", figures=figures
        )
    return Finding(
        "certificate", "ok", f"valid for {left_days:.0f} days", figures=figures
    )
