"""The connect URL and subprotocols against the real SDK, and labels for one call."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyai import PyAI

from kbserver.errors import OmniError
from kbserver.labels import LabelPattern, label_problem
from kbserver.omni.connect import connect_url, new_session_label, subprotocols

sdk = PyAI(api_key="pyai_test_abc")
labels = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=256
)


@given(label=st.none() | labels, rate=st.sampled_from([16_000, 24_000]))
def test_the_url_says_what_the_sdks_url_says(label: str | None, rate: int) -> None:
    theirs = urlsplit(sdk.realtime_url(session_label=label, query={"rate": str(rate)}))
    ours = urlsplit(connect_url(label, rate=rate))
    assert (ours.scheme, ours.netloc, ours.path) == (
        theirs.scheme,
        theirs.netloc,
        theirs.path,
    )
    assert parse_qs(ours.query) == parse_qs(theirs.query)


@pytest.mark.parametrize(
    "base",
    [
        "ws://127.0.0.1:9000",
        "http://127.0.0.1:9000",
        "http://127.0.0.1:9000/",
        "ws://127.0.0.1:9000/v1/omni",
    ],
)
def test_a_base_may_be_written_as_http_or_websocket_url(base: str) -> None:
    assert (
        connect_url(base=base) == "ws://127.0.0.1:9000/v1/omni?format=pcm16&rate=24000"
    )


def test_the_key_is_in_the_url_only_when_asked_for() -> None:
    assert "api_key" not in connect_url("x")
    assert parse_qs(urlsplit(connect_url("x", api_key="a b")).query)["api_key"] == [
        "a b"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"session_label": ""}, "empty"),
        ({"session_label": "x" * 257}, "257 characters"),
        ({"session_label": "a\nb"}, "control character"),
        ({"session_label": "a\ud800"}, "surrogate"),
        ({"rate": 8000}, "16000 or 24000"),
        ({"format": "opus"}, "pcm16"),
        ({"base": "ws://omni.example.com"}, "use wss"),
        ({"base": "ftp://omni.example.com"}, "is not a URL like"),
        ({"base": "omni.example.com"}, "is not a URL like"),
        ({"base": "wss://omni.example.com/other"}, "path or query"),
    ],
)
def test_what_omni_would_refuse_is_refused_here(
    arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(OmniError, match=words):
        connect_url(**arguments)  # type: ignore[arg-type]


def test_the_subprotocols_are_the_sdks_pair() -> None:
    assert subprotocols("pyai_test_abc") == sdk.realtime_subprotocols()


@pytest.mark.parametrize("key", ["", "a b", "a,b", "clé", 'a"b'])
def test_a_key_that_no_subprotocol_can_carry_is_refused_and_not_repeated(
    key: str,
) -> None:
    with pytest.raises(OmniError) as caught:
        subprotocols(key)
    assert not key or key not in str(caught.value)


def test_every_call_gets_a_label_of_its_own_that_fits_the_rules_and_its_pattern() -> (
    None
):
    minted = {new_session_label("billing") for _ in range(1000)}
    assert len(minted) == 1000
    for label in minted:
        assert label_problem(label) is None
        assert LabelPattern("billing-*").match(label) is not None
        assert len(label) == len("billing-") + 32  # 128 bits in hexadecimal


def test_a_prefix_that_makes_the_label_too_long_is_refused() -> None:
    with pytest.raises(OmniError, match="at most 256"):
        new_session_label("x" * 250)
