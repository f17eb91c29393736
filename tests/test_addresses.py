"""Which addresses belong to the public internet, against IANA's own tables."""

import csv
import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.addresses import REGISTRY_IPV4, REGISTRY_IPV6, is_public

BLOCK, REACHABLE = "Address Block", "Globally Reachable"
LEADING_TO_IPV4 = {"::ffff:0:0/96", "64:ff9b::/96", "2001::/32", "2002::/16"}
HERE = Path(__file__).parent


def records(name):
    """The blocks of a registry and what it says of them, without its footnotes' marks."""
    with (HERE / name).open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            for block in row[BLOCK].split("[")[0].split(","):
                yield block.strip(), row[REACHABLE].split("[")[0].strip()


def as_public(said):
    """What a cell of the registry means: N/A leads to an IPv4 address, nothing to nothing."""
    return {"True": True, "False": False, "N/A": True, "": False}[said]


@pytest.mark.parametrize(
    ("table", "name"),
    [
        (REGISTRY_IPV4, "iana-ipv4-special-registry-1.csv"),
        (REGISTRY_IPV6, "iana-ipv6-special-registry-1.csv"),
    ],
)
def test_the_tables_are_ianas(table, name):
    assert table == {block: as_public(said) for block, said in records(name)}


def narrowest(block, table):
    """Addresses of a block that no narrower block of the table holds."""
    network = ipaddress.ip_network(block)
    inner = [ipaddress.ip_network(other) for other in table if other != block]
    inner = [other for other in inner if other.subnet_of(network)]
    for address in (network[0], network[-1], network[network.num_addresses // 2]):
        if not any(address in other for other in inner):
            yield str(address)


@pytest.mark.parametrize("block", REGISTRY_IPV4)
def test_every_special_block_of_ipv4_counts_as_its_registry_says(block):
    for address in narrowest(block, REGISTRY_IPV4):
        assert is_public(address) == REGISTRY_IPV4[block]


@pytest.mark.parametrize("block", sorted(REGISTRY_IPV6.keys() - LEADING_TO_IPV4))
def test_every_special_block_of_ipv6_counts_as_its_registry_says(block):
    for address in narrowest(block, REGISTRY_IPV6):
        assert is_public(address) == REGISTRY_IPV6[block]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.7",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::1",
    ],
)
def test_addresses_that_are_not_of_the_public_internet(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]
)
def test_addresses_of_the_public_internet(address):
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_of_an_ipv6_one_decides(address):
    inside = int(address)
    flipped = inside ^ 0xFFFFFFFF
    forms = [
        0xFFFF << 32 | inside,
        0x64FF9B << 96 | inside,
        0x2002 << 112 | inside << 80,
        0x20010000 << 96 | flipped,
    ]
    for form in forms:
        assert is_public(str(ipaddress.IPv6Address(form))) == is_public(str(address))


@given(st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_is_public(address):
    outside = address not in ipaddress.ip_network("2000::/3")
    translated = address in ipaddress.ip_network("64:ff9b::/96")
    if outside and not translated and not address.ipv4_mapped:
        assert not is_public(str(address))


@given(st.ip_addresses())
def test_what_python_knows_as_private_is_never_public(address):
    if not address.is_global and not any(
        address in ipaddress.ip_network(block)
        for block, reachable in (REGISTRY_IPV4 | REGISTRY_IPV6).items()
        if reachable
    ):
        assert not is_public(str(address))


def test_what_is_no_address_is_refused():
    with pytest.raises(ValueError, match="kb.example.com"):
        is_public("kb.example.com")
