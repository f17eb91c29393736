"""Which machines may be asked for pages: the public internet's, others only if allowed.

A URL, or the answer of a name server, must not reach what only this machine can reach
(server-side request forgery). So a name is resolved once, its addresses are checked,
and the connection goes to what was checked, even if the name resolves anew a moment later (DNS
rebinding).
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from kbserver.addresses import is_public
from kbserver.errors import IngestError

_LIKE = "write it like https://example.com/sitemap.xml"


class AddressRefused(IngestError):
    """A host that pages are not fetched from; `--allow-private` allows private ones."""


def is_url(source: str) -> bool:
    """Return whether a source on the command line is a URL and no path."""
    return source.lower().startswith(("http://", "https://"))


def site_of(url: str) -> str:
    """Return the host of a URL, with the port if it is not the usual one.

    Raises:
        IngestError: it is no http or https URL with a host, or carries a password.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError as exc:
        raise IngestError(f"{url}: not a URL ({exc}); {_LIKE}") from exc
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise IngestError(f"{url}: not an http or https URL; {_LIKE}")
    if parts.username or parts.password:
        raise IngestError(
            f"{host}: a name or password in a URL ends in logs; "
            "pages behind a login are not fetched"
        )
    if port in (None, 80, 443):
        return host
    return f"{host}:{port}"


def checked_address(host: str, port: int, *, allow_private: bool) -> str:
    """Resolve a host and return the address to connect to.

    Raises:
        AddressRefused: it cannot be resolved, or one of its addresses is not public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise AddressRefused(
            f"{host}: the name cannot be resolved ({exc}); check the URL"
        ) from exc
    addresses = [str(entry[4][0]) for entry in found]
    refused = [address for address in addresses if not is_public(address)]
    if refused and not allow_private:
        raise AddressRefused(
            f"{host}: has the address {refused[0]}, "
            "which is not on the public internet; "
            "if it is yours and meant, ingest it with --allow-private"
        )
    return addresses[0]
