"""Which IP addresses belong to the public internet."""

from __future__ import annotations

import ipaddress
from ipaddress import IPv4Address, IPv6Address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

REGISTRY_IPV4 = {
    "0.0.0.0/8": False,
    "0.0.0.0/32": False,
    "10.0.0.0/8": False,
    "100.64.0.0/10": False,
    "127.0.0.0/8": False,
    "169.254.0.0/16": False,
    "172.16.0.0/12": False,
    "192.0.0.0/24": False,
    "192.0.0.0/29": False,
    "192.0.0.8/32": False,
    "192.0.0.9/32": True,
    "192.0.0.10/32": True,
    "192.0.0.170/32": False,
    "192.0.0.171/32": False,
    "192.0.2.0/24": False,
    "192.31.196.0/24": True,
    "192.52.193.0/24": True,
    "192.88.99.0/24": False,
    "192.88.99.2/32": False,
    "192.168.0.0/16": False,
    "192.175.48.0/24": True,
    "198.18.0.0/15": False,
    "198.51.100.0/24": False,
    "203.0.113.0/24": False,
    "240.0.0.0/4": False,
    "255.255.255.255/32": False,
}
"""Blocks for special purposes, and whether they are globally reachable.

Source: the IANA IPv4 Special-Purpose Address Registry (RFC 6890), last updated 2025-10-09.
Where an allocation was terminated it says nothing; here such a block is not reachable.
"""

REGISTRY_IPV6 = {
    "::1/128": False,
    "::/128": False,
    "::ffff:0:0/96": False,
    "64:ff9b::/96": True,
    "64:ff9b:1::/48": False,
    "100::/64": False,
    "100:0:0:1::/64": False,
    "2001::/23": False,
    "2001::/32": True,
    "2001:1::1/128": True,
    "2001:1::2/128": True,
    "2001:1::3/128": True,
    "2001:2::/48": False,
    "2001:3::/32": True,
    "2001:4:112::/48": True,
    "2001:10::/28": False,
    "2001:20::/28": True,
    "2001:30::/28": True,
    "2001:db8::/32": False,
    "2002::/16": True,
    "2620:4f:8000::/48": True,
    "3fff::/20": False,
    "5f00::/16": False,
    "fc00::/7": False,
    "fe80::/10": False,
}
"""The same of IPv6.

Source: the IANA IPv6 Special-Purpose Address Registry (RFC 6890), last updated 2025-10-09.
What it calls not applicable (Teredo, 6to4) leads to an IPv4 address, which decides.
"""

_TABLES = {
    4: {ipaddress.ip_network(block): known for block, known in REGISTRY_IPV4.items()},
    6: {ipaddress.ip_network(block): known for block, known in REGISTRY_IPV6.items()},
}
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""Source: the IANA IPv6 address space registry; all other space is reserved or special."""
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: an IPv4 address stands in the last four bytes."""


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet.

    Addresses for special purposes and multicast do not; of those that hold an IPv4 address, that
    one decides.

    Raises:
        ValueError: it is no IP address.
    """
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, IPv6Address):
        embedded = _embedded_ipv4(ip)
        if embedded is not None:
            return _is_reachable(embedded)
    return _is_reachable(ip)


def _is_reachable(ip: Address) -> bool:
    """Whether the narrowest block that holds an address is globally reachable."""
    blocks = [block for block in _TABLES[ip.version] if ip in block]
    if blocks:
        narrowest = max(blocks, key=lambda block: block.prefixlen)
        return _TABLES[ip.version][narrowest]
    if isinstance(ip, IPv6Address):
        return ip in _GLOBAL_UNICAST
    return not ip.is_multicast


def _embedded_ipv4(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, or None."""
    if ip in _TRANSLATED:
        return IPv4Address(ip.packed[-4:])
    if ip.teredo:
        _server, client = ip.teredo
        return client
    return ip.ipv4_mapped or ip.sixtofour
