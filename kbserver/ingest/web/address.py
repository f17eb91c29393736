"""Which machines may be asked for pages: the public internet's, others only if allowed.

A URL, or the answer of a name server, must not reach what only this machine can reach
(server-side request forgery). So a name is resolved once, its addresses are checked,
and the connection goes to what was checked.
"""

from __future__ import annotations

import ipaddress
import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx2

from kbserver.errors import IngestError

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052: an IPv4 address stands in the last four bytes."""
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


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet.

    Private, loopback, link-local, reserved and multicast addresses do not.

    Source: the IANA special-purpose address registries (RFC 6890), as the standard
    library knows them.
    """
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = _embedded_ipv4(ip)
        if embedded is not None:
            return is_public(str(embedded))
    return ip.is_global and not ip.is_multicast


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, or None."""
    if ip in _NAT64:
        return ipaddress.IPv4Address(ip.packed[-4:])
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour
    if ip.teredo:
        _server, client = ip.teredo
        return client
    return None


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


class CheckedTransport(httpx2.BaseTransport):
    """Connects to the address that was checked, even if the name resolves anew.

    Otherwise a name server could answer differently a moment later (DNS rebinding).
    The name still goes into the Host header and into TLS, where the certificate is
    checked against it.
    """

    def __init__(self, *, allow_private: bool) -> None:
        """Open no connection yet."""
        self._allow_private = allow_private
        self._inner = httpx2.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request.

        Raises:
            AddressRefused: see `checked_address`.
        """
        url = request.url
        port = url.port or _usual_port(url.scheme)
        address = checked_address(url.host, port, allow_private=self._allow_private)
        pinned = httpx2.Request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        return self._inner.handle_request(pinned)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()


def _usual_port(scheme: str) -> int:
    if scheme == "https":
        return 443
    return 80
