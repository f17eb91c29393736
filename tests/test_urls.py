import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.urls import OMNI_BASE, PYAI_BASE, is_loopback, url_problem


@pytest.mark.parametrize(
    "host", ["localhost", "kb.localhost", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_this_machine_is_a_loopback(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "example.com", "10.0.0.1", "8.8.8.8", "::", "localhost.example.com"]
)
def test_any_other_machine_is_not(host):
    assert not is_loopback(host)


@given(st.ip_addresses(v=4))
def test_of_ipv4_only_the_network_127_is_a_loopback(address):
    network = ipaddress.ip_network("127.0.0.0/8")
    assert is_loopback(str(address)) == (address in network)


@pytest.mark.parametrize(
    "url",
    [
        "https://kb.example.com/kb",
        "https://kb.example.com:8443/kb?tenant=7",
        "https://[2001:db8::1]/kb",
        "http://localhost:8000/kb",
        "http://127.0.0.1:8000/kb",
        "http://[::1]:8000/kb",
    ],
)
def test_https_and_plain_http_on_this_machine_are_usable(url):
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "visible ASCII"),
        (None, "visible ASCII"),
        ("https://kb.example.com/k b", "visible ASCII"),
        ("https://kbé.example.com", "visible ASCII"),
        ("https://[::1", "is not a URL"),
        ("https://kb.example.com:99999/", "is not a URL"),
        ("kb.example.com", "no http(s) host"),
        ("wss://kb.example.com", "no http(s) host"),
        ("https:///kb", "no http(s) host"),
        ("https://*.example.com", "'*.example.com'"),
        ("https://user:word@kb.example.com", "holds credentials"),
        ("https://@kb.example.com", "holds credentials"),
        ("https://kb.example.com/#part", "#part"),
        ("https://kb.example.com/#", "never reaches a server"),
        ("http://kb.example.com", "use https"),
        ("http://10.0.0.5/kb", "use https"),
        ("http://localhost.example.com", "use https"),
    ],
)
def test_the_problem_says_what_is_wrong(url, words):
    problem = url_problem(url)
    assert problem is not None
    assert words in problem
    assert "word" not in problem.replace("password", "")


@given(st.text(max_size=40))
def test_any_text_gets_an_answer(text):
    for url in (text, f"http://{text}", f"https://{text}/kb"):
        if url_problem(url) is None:
            parts = urlsplit(url)
            assert parts.scheme == "https" or is_loopback(parts.hostname or "")


def test_both_doors_of_pyai_are_one_machine():
    assert url_problem(PYAI_BASE) is None
    assert urlsplit(PYAI_BASE).hostname == urlsplit(OMNI_BASE).hostname
    assert urlsplit(OMNI_BASE).scheme == "wss"
