"""Which addresses may be asked."""

import pytest

from kbserver.errors import IngestError
from kbserver.ingest.web.address import (
    AddressRefused,
    checked_address,
    is_public,
    is_url,
    site_of,
)


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


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "::1", "0"]
)
def test_every_spelling_of_this_machine_is_refused(host):
    with pytest.raises(AddressRefused):
        checked_address(host, 80, allow_private=False)


def test_private_addresses_can_be_allowed():
    assert checked_address("127.0.0.1", 80, allow_private=True) == "127.0.0.1"


def test_sites_and_urls():
    assert (
        is_url("https://example.com")
        and is_url("HTTP://x")
        and not is_url("./https")
        and not is_url("ftp://x")
    )
    assert (
        site_of("https://example.com/x")
        == site_of("http://example.com:80")
        == "example.com"
    )
    assert site_of("http://example.com:8080/") == "example.com:8080"


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com", "https:///path", "http://[::1", "http://example.com:port/"],
)
def test_what_is_no_url_of_a_page(url):
    with pytest.raises(IngestError, match="write it like https://example.com"):
        site_of(url)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(IngestError) as caught:
        site_of("https://user:hunter2@example.com/")
    assert "hunter2" not in str(caught.value)
