"""Whether the engine can reach a URL at all: scheme, name, network and certificate."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from urllib.parse import urlsplit

from kbserver.addresses import is_public
from kbserver.errors import OmniError
from kbserver.omni.configure import check_endpoint
from kbserver.omni.doctor.findings import Finding
from kbserver.omni.failures import explain
from kbserver.urls import is_loopback

EXPIRES_SOON_DAYS = 14
CONNECT_S = 5.0

_PORTS = {"https": 443, "http": 80}

_TUNNEL = (
    "make it public: a host with https, or a tunnel (cloudflared, ngrok), "
    "and give that URL"
)
_CERTIFICATE_STEPS = {
    "certificate_expired": "renew the certificate, or restart what renews it, and run this again",
    "certificate_hostname": "get a certificate for {host}, or use the name it was issued for",
    "certificate": (
        "serve the whole chain of a public authority; "
        "a self-signed certificate is not accepted"
    ),
    "tls": "check that this port speaks TLS",
}


async def check_address(url: str) -> list[Finding]:
    """Look at scheme and network; a loopback address, where one tries things out, is a warning."""
    try:
        check_endpoint(url, field="the URL")
    except OmniError as exc:
        step = "give the https URL of your POST /kb"
        return [Finding("URL", "fail", str(exc), step, "bad_url")]
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        local = f"{url} is on this machine: the engine cannot reach it"
        return [Finding("URL", "warn", local, _TUNNEL)]
    loop = asyncio.get_running_loop()
    port = parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(CONNECT_S):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        step = "check the spelling and the DNS record"
        return [Finding("URL", "fail", f"{host}: {explain(exc).sentence}", step, "dns")]
    addresses = sorted({str(entry[4][0]) for entry in found})
    hidden = [address for address in addresses if not is_public(address)]
    if hidden:
        named = f"{host} is {', '.join(hidden)}, which"
        if hidden == [host]:
            named = host
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
        if failure.word not in _CERTIFICATE_STEPS:
            return None  # no connection at all: the first request says so
        step = _CERTIFICATE_STEPS[failure.word].format(host=parts.hostname)
        return Finding("certificate", "fail", failure.sentence, step, failure.word)
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    left_s = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
    left_days = left_s / 86_400
    figures = {"days_left": round(left_days, 1)}
    if left_days < EXPIRES_SOON_DAYS:
        found = f"valid for {left_days:.0f} more days only"
        step = "see that its renewal works"
        return Finding("certificate", "warn", found, step, figures=figures)
    found = f"valid for {left_days:.0f} days"
    return Finding("certificate", "ok", found, figures=figures)
