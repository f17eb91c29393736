"""Scheme, network and certificate of a URL, before a request is sent."""

from pathlib import Path

import pytest

from kbserver.omni.doctor.address import check_address, check_certificate
from kbserver.omni.serving import base_url, serving
from tests.authority import Authority

pytestmark = pytest.mark.anyio


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


async def only(url: str):
    (finding,) = await check_address(url)
    return finding


async def test_this_machine_is_a_warning_with_a_way_out():
    finding = await only("http://localhost:8080/kb")
    assert (finding.grade, finding.cause) == ("warn", "")
    assert "tunnel" in finding.next_step


async def test_an_address_of_the_public_internet_is_shown():
    finding = await only("https://8.8.8.8/kb")
    assert finding.grade == "ok"
    assert finding.found == "https://8.8.8.8/kb (8.8.8.8)"


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("https://10.0.0.7/kb", "not_public"),
        ("https://169.254.169.254/kb", "not_public"),
        ("https://[fe80::1]/kb", "not_public"),
        ("https://nowhere.invalid/kb", "dns"),
        ("ftp://kb.example.com/kb", "bad_url"),
    ],
)
async def test_an_address_that_cannot_be_reached_has_a_cause_and_a_next_step(
    url, cause
):
    finding = await only(url)
    assert (finding.grade, finding.cause) == ("fail", cause)
    assert finding.next_step


async def test_plain_http_has_no_certificate(authority):
    url = "http://localhost:8080/kb"
    assert await check_certificate(url, authority.trust) is None


async def test_no_connection_says_nothing_of_the_certificate(authority, kb):
    async with serving(kb.app) as server:
        closed = base_url(server, "https")
    assert await check_certificate(closed, authority.trust) is None


@pytest.mark.parametrize(("days", "grade"), [(90, "ok"), (13, "warn")])
async def test_the_days_that_are_left_are_counted(authority, kb, days, grade):
    async with serving(kb.app, **authority.issue(days)) as server:
        url = base_url(server, "https")
        finding = await check_certificate(url, authority.trust)
    assert finding is not None
    assert finding.grade == grade
    assert days - 1 <= finding.figures["days_left"] <= days


async def test_a_certificate_for_another_host_names_this_one(authority, kb):
    async with serving(kb.app, **authority.issue(90, "10.1.2.3")) as server:
        url = base_url(server, "https")
        finding = await check_certificate(url, authority.trust)
    assert finding is not None
    assert finding.cause == "certificate_hostname"
    assert "get a certificate for 127.0.0.1" in finding.next_step
