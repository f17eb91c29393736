"""Which addresses may be asked."""

import pytest

from kbserver.errors import IngestError
from kbserver.ingest.web.address import (
    AddressRefused,
    checked_address,
    is_url,
    site_of,
)


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
