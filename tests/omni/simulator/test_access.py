import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import OmniError
from kbserver.lru import ENTRY_BYTES
from kbserver.omni.simulator import access
from kbserver.omni.simulator.access import (
    FORBIDDEN,
    KEYS_BYTES,
    MAX_TTL_S,
    SANDBOX_TTL_S,
    STRANGE_PAGE,
    TOKEN_PREFIX,
    UNAUTHORIZED,
    KeyRing,
    echoed_protocol,
    offered_key,
)

PAGE = "https://app.example.com"


class Clock:
    """Seconds since the epoch, moved by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("headers", "query", "protocols", "key"),
    [
        ({}, {}, ["pyai.v1", "pyai-key.k"], "k"),
        ({}, {"api_key": "k"}, ["pyai.v1"], "k"),
        ({"authorization": "Bearer k"}, {}, [], "k"),
        ({"authorization": "bearer  k "}, {}, [], "k"),
        ({"authorization": "Basic k"}, {}, [], None),
        ({"x-api-key": " k "}, {}, [], "k"),
        ({"x-api-key": "b"}, {"api_key": "a"}, ["pyai-key.k"], "k"),
        ({"x-api-key": "b"}, {"api_key": "a"}, [], "a"),
        ({}, {}, ["pyai-key."], None),
        ({}, {}, [], None),
    ],
)
def test_a_key_is_found_in_every_place_it_may_be(headers, query, protocols, key):
    assert offered_key(headers, query, protocols) == key


@given(
    st.lists(st.sampled_from(["pyai.v1", "pyai-key.k", "chat", "json"])), st.booleans()
)
def test_what_is_echoed_was_offered(offered, strict):
    echoed = echoed_protocol(offered, strict=strict)
    assert echoed is None or echoed in offered
    assert (echoed == "pyai.v1") == ("pyai.v1" in offered)
    if strict:
        assert echoed in (None, "pyai.v1")


def test_only_known_keys_open_a_session():
    ring = KeyRing({"one", "two"})
    assert ring.check("one") is None
    assert ring.check("One") is UNAUTHORIZED
    assert ring.check("") is UNAUTHORIZED
    assert ring.check(None) is UNAUTHORIZED
    assert ring.check("one", origin="https://anywhere.example.com") is None


def test_where_any_key_will_do_a_page_from_elsewhere_will_not():
    ring = KeyRing()
    assert ring.check("anything") is None
    assert ring.check("anything", origin="http://localhost:5173") is None
    assert ring.check("anything", origin=PAGE) is STRANGE_PAGE
    assert ring.check("anything", origin="http://[") is STRANGE_PAGE
    key, _ = ring.mint_sandbox_key()
    assert ring.check(key, origin=PAGE) is None


def test_a_sandbox_key_is_good_for_a_week():
    clock = Clock()
    ring = KeyRing({"other"}, clock)
    key, expires_at = ring.mint_sandbox_key()
    assert expires_at == clock.now + SANDBOX_TTL_S == clock.now + 7 * 86_400
    assert ring.check(key) is None
    clock.now = expires_at
    assert ring.check(key) is UNAUTHORIZED


def test_a_token_is_for_the_pages_it_names():
    ring = KeyRing({"key"})
    token = ring.mint_token({"allowed_origins": [PAGE], "session_label": "web-7"})
    assert token.session_label == "web-7"
    assert ring.check(token.token, origin=PAGE) is None
    assert ring.check(token.token) is None
    assert ring.check(token.token, origin="https://else.example.com") is FORBIDDEN
    assert not ring.check_api_key(token.token)


def test_a_token_is_worth_nothing_once_its_time_is_over():
    clock = Clock()
    ring = KeyRing(clock=clock)
    token = ring.mint_token({"allowed_origins": [PAGE]})
    assert token.expires_at == 1_060.0  # 60 s unless asked otherwise
    clock.now = 1_059.0
    assert ring.check(token.token) is None
    clock.now = 1_060.0
    assert ring.check(token.token) is UNAUTHORIZED
    ring.mint_token({"allowed_origins": [PAGE]})  # sweeps the expired ones
    assert ring.check(token.token) is UNAUTHORIZED
    assert ring.check(TOKEN_PREFIX + "invented") is UNAUTHORIZED


def test_printing_shows_no_secret():
    ring = KeyRing({"a-secret-key"})
    token = ring.mint_token({"allowed_origins": [PAGE]})
    assert token.token not in repr(token)
    assert "a-secret-key" not in repr(ring)


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        {},
        {"allowed_origins": []},
        {"allowed_origins": PAGE},
        {"allowed_origins": ["*"]},
        {"allowed_origins": ["https://*.example.com"]},
        {"allowed_origins": [PAGE + "/path"]},
        {"allowed_origins": ["ftp://example.com"]},
        {"allowed_origins": [PAGE, 7]},
        {"allowed_origins": [PAGE], "ttl_seconds": 0},
        {"allowed_origins": [PAGE], "ttl_seconds": MAX_TTL_S + 1},
        {"allowed_origins": [PAGE], "ttl_seconds": True},
        {"allowed_origins": [PAGE], "ttl_seconds": 1.5},
        {"allowed_origins": [PAGE], "session_label": 7},
        {"allowed_origins": [PAGE], "session_label": "a\nb"},
    ],
)
def test_a_request_for_a_token_that_breaks_a_rule_is_refused(request_):
    with pytest.raises(OmniError):
        KeyRing().mint_token(request_)


def test_only_so_many_keys_and_tokens_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access, "KEYS_BYTES", KEYS_BYTES // 10)
    ring = KeyRing()
    asked = {"allowed_origins": ["https://app.example.com"]}
    first, _ = ring.mint_sandbox_key()
    token = ring.mint_token(asked).token
    for _ in range(100):
        ring.mint_sandbox_key()
        ring.mint_token(asked)
    assert ring.check(first, origin="https://app.example.com") is None
    assert ring.check(token) is None
    for _ in range(access.KEYS_BYTES // ENTRY_BYTES):
        ring.mint_sandbox_key()
        ring.mint_token(asked)
    assert ring.check(first, origin="https://app.example.com") is STRANGE_PAGE
    assert ring.check(token) is UNAUTHORIZED


def test_tokens_for_many_origins_count_by_their_bytes() -> None:
    ring = KeyRing()
    origin = "https://" + "a" * 20_000
    token = ring.mint_token({"allowed_origins": [origin]}).token
    for _ in range(KEYS_BYTES // 20_000):
        ring.mint_token({"allowed_origins": [origin]})
    assert ring.check(token) is UNAUTHORIZED
