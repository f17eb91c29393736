"""URLs of other machines: where PyAI is, and which URLs a token may be sent to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

PYAI_BASE = "https://api.pyai.com"
"""PyAI's HTTP API."""

OMNI_BASE = "wss://api.pyai.com"
"""PyAI's WebSocket API."""

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_EXAMPLE = "write it like https://kb.example.com/kb"


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this very machine: localhost, 127.0.0.0/8, ::1."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_problem(url: str) -> str | None:
    """Say why a token may not be sent to a URL, or None.

    Wanted is https with a host, or http on a loopback address; no credentials, no fragment.

    Returns:
        The rest of a sentence that begins with the name of the field; it ends with the next step.
    """
    if not isinstance(url, str) or not _VISIBLE_ASCII.fullmatch(url):
        return "is not a URL of visible ASCII characters; percent-encode the others"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port  # reading it checks it
    except ValueError as exc:
        return f"is not a URL ({exc}); {_EXAMPLE}"
    if parts.scheme not in ("https", "http") or not host:
        return f"has no http(s) host; {_EXAMPLE}"
    if "*" in host:
        return f"has the host {host!r}, which is no name of one machine; {_EXAMPLE}"
    if parts.username is not None or parts.password is not None:
        return "holds credentials; leave out what stands before the @"
    if "#" in url:
        return f"ends in #{parts.fragment}, which never reaches a server; leave it out"
    if parts.scheme == "http" and not is_loopback(host):
        return f"is plain http on {host}: a token would travel in the clear; use https"
    return None


def origin_problem(origin: str) -> str | None:
    """Say why a text never equals the `Origin` header of a page that may ask, or None.

    Source: RFC 6454 section 6.2: scheme, host in lower case, and the port unless it is the
    scheme's own. `null`, which every sandboxed page sends, is no such page.

    Returns:
        As `url_problem`.
    """
    problem = url_problem(origin)
    if problem is not None:
        return problem
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    exact = f"{parts.scheme}://{host}"
    if parts.port not in (None, _DEFAULT_PORTS[parts.scheme]):
        exact += f":{parts.port}"
    if origin != exact:
        return f"holds {origin!r}, which never equals what a browser sends; write {exact!r}"
    return None


_DEFAULT_PORTS = {"https": 443, "http": 80}


def object_store_problem(url: str) -> str | None:
    """Say why a text is no place in an object store, or None.

    Returns:
        As `url_problem`.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as exc:
        return f"is not a URL ({exc}); {_PLACES}"
    if parts.scheme not in _OBJECT_STORES:
        return f"{url!r} is none of s3, gs, az and file; {_PLACES}"
    if parts.username is not None or parts.password is not None:
        return (
            "holds credentials; leave out what stands before the @, and set variables"
        )
    if parts.query or parts.fragment:
        return f"ends in a query or fragment; leave it out, and {_PLACES}"
    if parts.scheme == "file":
        if parts.netloc or not parts.path.startswith("/"):
            return f"{url!r} is no folder of this machine; write it like file:///srv/shared"
    elif not parts.netloc:
        return f"{url!r} names no bucket; {_PLACES}"
    return None


_OBJECT_STORES = ("s3", "gs", "az", "file")
_PLACES = "write it like s3://bucket/prefix or file:///srv/shared"
