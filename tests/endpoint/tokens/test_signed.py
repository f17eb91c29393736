"""Signed tokens: what they open, and everything a thief could try with one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.tokens.keys import new_ed25519, new_secret, read_keys
from kbserver.endpoint.tokens.revocations import Revocations
from kbserver.endpoint.tokens.signed import (
    LEEWAY_S,
    MAX_TOKEN_CHARACTERS,
    SigningKeys,
    unverified,
)
from kbserver.errors import SettingsError, Unauthorized
from kbserver.labels import label_problem
from kbserver.settings import read_settings

SECRET, OTHER_SECRET, PAIR = new_secret(), new_secret(), new_ed25519()
LABEL = "web-0123456789abcdef"


class Clock:
    """Seconds since 1970, under the test's hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def keys(
    *texts: str, clock: Clock | None = None, revocations: Revocations | None = None
) -> SigningKeys:
    read = [key for text in texts for key in read_keys(text, source="test")]
    return SigningKeys(read, revocations=revocations, clock=clock or time.time)


def refused(live: SigningKeys, token: str) -> str:
    """The code a token is refused with."""
    with pytest.raises(Unauthorized) as caught:
        live.verify(token)
    return caught.value.code


def part(value: object) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode())
        .rstrip(b"=")
        .decode()
    )


def with_claims(token: str, **changed: object) -> str:
    """The token with other claims under the old signature."""
    header, _, signature = token.split(".")
    return ".".join([header, part(unverified(token)[1] | changed), signature])


# What a token opens


@pytest.mark.parametrize("key", [SECRET, PAIR], ids=["HS256", "EdDSA"])
def test_a_token_opens_its_label_and_no_other(key):
    live = keys(key)
    grant = live.verify(live.issue(LABEL, 60))
    assert grant.allows(LABEL)
    for other in (
        "web-0123456789abcdee",
        LABEL + "x",
        "x" + LABEL,
        LABEL.upper(),
        "*",
        "",
        None,
    ):
        assert not grant.allows(other)
    assert grant.corpora is None
    assert grant.scope == {}


def test_a_pattern_opens_what_fits_it_and_corpora_and_scope_come_along():
    live = keys(SECRET)
    token = live.issue(
        ["billing-*", "hotel-{id}"],
        60,
        corpora=["support", "faq"],
        scope={"folder": "hotels/7"},
    )
    grant = live.verify(token)
    assert grant.allows("billing-eu")
    assert grant.allows("hotel-7")
    assert not grant.allows("support")
    assert grant.corpora == ("support", "faq")
    assert grant.scope == {"folder": "hotels/7"}


def test_a_token_is_a_standard_jwt_that_other_libraries_check_and_issue(clock):
    live = keys(SECRET, clock=clock)
    header, claims = unverified(live.issue("billing-*", 60, max_turns=3))
    assert header == {
        "typ": "JWT",
        "alg": "HS256",
        "kid": read_keys(SECRET, source="test")[0].kid,
    }
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "aud": "kbserver",
        "iat": 1_800_000_000,
        "nbf": 1_800_000_000,
        "exp": 1_800_000_060,
        "kb_labels": ["billing-*"],
        "kb_turns": 3,
    }
    # RFC 7515 by hand: what any other library does
    own = {"aud": "kbserver", "exp": 1_800_000_060.5, "jti": "j1", "kb_labels": ["a"]}
    signed = f"{part(header)}.{part(own)}"
    digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).digest()
    assert live.verify(
        f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    ).allows("a")


_labels = st.text(min_size=1, max_size=60).filter(
    lambda text: not label_problem(text) and not set(text) & set("*{}")
)
_names = st.text(min_size=1, max_size=20)


@given(
    label=_labels,
    ttl_s=st.integers(1, 366 * 86_400),
    corpora=st.none() | st.lists(_names, min_size=1, max_size=4),
    scope=st.dictionaries(_names, _names, max_size=3),
    max_turns=st.none() | st.integers(1, 10**12),
    key=st.sampled_from([SECRET, PAIR]),
    other=_labels,
)
def test_whatever_is_issued_is_verified_to_the_same_grant(
    label, ttl_s, corpora, scope, max_turns, key, other
):
    live = keys(key)
    grant = live.verify(
        live.issue(label, ttl_s, corpora=corpora, scope=scope, max_turns=max_turns)
    )
    assert grant.allows(label)
    assert grant.allows(other) is (other == label)
    assert grant.corpora == (None if corpora is None else tuple(corpora))
    assert grant.scope == scope


# A stolen token


def test_after_its_time_it_is_expired_and_says_so(clock):
    live = keys(SECRET, clock=clock)
    token = live.issue(LABEL, 60)
    clock.now += 60 + LEEWAY_S - 0.1
    assert live.verify(token).allows(LABEL)
    clock.now += 0.1
    assert refused(live, token) == "expired_token"


def test_before_its_time_it_is_refused_but_clocks_may_differ_a_little(clock):
    live = keys(SECRET, clock=clock)
    assert live.verify(live.issue(LABEL, 60, now=clock.now + LEEWAY_S)).allows(LABEL)
    assert (
        refused(live, live.issue(LABEL, 60, now=clock.now + LEEWAY_S + 1))
        == "premature_token"
    )


def test_two_keys_live_during_rotation_and_the_old_token_dies_with_its_key():
    old_token = keys(SECRET).issue(LABEL, 3_600)
    both = keys(PAIR, SECRET)
    assert both.verify(old_token).allows(LABEL)
    new_token = both.issue(LABEL, 3_600)
    assert unverified(new_token)[0]["alg"] == "EdDSA"
    assert refused(keys(SECRET), new_token) == "invalid_token"
    rotated = keys(PAIR)
    assert refused(rotated, old_token) == "invalid_token"
    assert rotated.verify(new_token).allows(LABEL)


def test_a_revoked_token_is_refused_and_its_neighbour_is_not(tmp_path):
    (tmp_path / "revoked").write_text("")
    live = keys(SECRET, revocations=Revocations(tmp_path / "revoked"))
    stolen, lost, kept = (live.issue(LABEL, 60) for _ in range(3))
    assert live.verify(stolen)
    (tmp_path / "revoked").write_text(unverified(stolen)[1]["jti"] + "\n")
    live.revocations.add(unverified(lost)[1]["jti"])
    assert refused(live, stolen) == "revoked_token"
    assert refused(live, lost) == "revoked_token"
    assert live.verify(kept).allows(LABEL)


@pytest.mark.parametrize("key", [SECRET, PAIR], ids=["HS256", "EdDSA"])
@pytest.mark.parametrize(
    "changed",
    [
        {"kb_labels": ["*"]},
        {"exp": 9_999_999_999},
        {"kb_turns": 1_000},
        {"kb_corpora": ["secret"]},
        {"jti": "fresh"},
    ],
)
def test_with_one_claim_changed_it_is_worthless(key, changed):
    live = keys(key)
    token = live.issue(LABEL, 60, max_turns=2, corpora=["support"])
    assert live.verify(
        with_claims(token)
    )  # the same claims, written anew: it is the change that is refused
    assert refused(live, with_claims(token, **changed)) == "invalid_token"


def test_a_header_that_names_no_algorithm_or_another_gets_nowhere():
    live = keys(SECRET, PAIR)
    token = live.issue(LABEL, 60)
    header, claims = unverified(token)
    for alg in ("none", "None", "NONE", "", None, "HS512", "EdDSA", ["HS256"]):
        forged = part(header | {"alg": alg})
        signature = token.split(".")[2]
        assert refused(live, f"{forged}.{part(claims)}.{signature}") == "invalid_token"
        assert refused(live, f"{forged}.{part(claims)}.") == "invalid_token"
    assert (
        refused(
            live,
            jwt.encode(claims, None, algorithm="none", headers={"kid": header["kid"]}),
        )
        == "invalid_token"
    )


def test_the_public_key_is_no_hmac_secret():
    """The classic confusion: sign with HS256 and the public half of the EdDSA key as the secret."""
    (pair,) = read_keys(PAIR, source="test")
    public = pair.verifying
    live = keys(PAIR, SECRET)
    claims = unverified(live.issue(LABEL, 60))[1] | {"kb_labels": ["*"]}
    shapes = [
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ]
    signed = f"{part({'typ': 'JWT', 'alg': 'HS256', 'kid': pair.kid})}.{part(claims)}"
    for secret in shapes:
        digest = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        forged = f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"
        assert refused(live, forged) == "invalid_token"


def test_an_unknown_kid_or_none_is_refused_even_if_the_key_is_right():
    live = keys(SECRET)
    claims = unverified(live.issue(LABEL, 60))[1]
    assert (
        refused(live, jwt.encode(claims, SECRET, "HS256", headers={"kid": "0000"}))
        == "invalid_token"
    )
    assert refused(live, jwt.encode(claims, SECRET, "HS256")) == "invalid_token"


def test_with_the_right_kid_another_key_is_still_another_key():
    live = keys(SECRET)
    header, claims = unverified(live.issue(LABEL, 60))
    forged = jwt.encode(claims, OTHER_SECRET, "HS256", headers={"kid": header["kid"]})
    assert refused(live, forged) == "invalid_token"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "elsewhere"},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"exp": -1},
        {"nbf": "soon"},
        {"jti": None},
        {"jti": 7},
        {"jti": ""},
        {"kb_labels": None},
        {"kb_labels": []},
        {"kb_labels": "*"},
        {"kb_labels": [""]},
        {"kb_labels": [7]},
        {"kb_labels": ["{broken"]},
        {"kb_corpora": []},
        {"kb_corpora": "support"},
        {"kb_scope": {"folder": 7}},
        {"kb_turns": 0},
        {"kb_turns": 1.5},
        {"kb_turns": True},
    ],
)
def test_claims_that_make_no_sense_are_refused_though_signed_by_our_key(changed):
    live = keys(SECRET)
    header, claims = unverified(live.issue(LABEL, 60))
    told = {
        key: value for key, value in (claims | changed).items() if value is not None
    }
    assert (
        refused(live, jwt.encode(told, SECRET, "HS256", headers={"kid": header["kid"]}))
        == "invalid_token"
    )


def test_what_is_told_to_who_holds_no_key_is_always_the_same():
    live = keys(SECRET)
    token = live.issue(LABEL, 60)
    dead = with_claims(token, exp=1)
    foreign = keys(OTHER_SECRET).issue(LABEL, 60)
    told = set()
    for forged in (
        dead,
        foreign,
        "a.b.c",
        "..",
        token + "A",
        token[:-2],
        "x" * (MAX_TOKEN_CHARACTERS + 1),
        "tök.en.x",
    ):
        with pytest.raises(Unauthorized) as caught:
            live.verify(forged)
        told.add((str(caught.value), caught.value.code))
    assert len(told) == 1


@given(
    st.text(max_size=200)
    | st.binary(max_size=90).map(
        lambda raw: base64.urlsafe_b64encode(raw).decode() + ".e30."
    )
)
def test_no_text_is_anything_but_a_token_or_unauthorized(text):
    assert refused(keys(SECRET), text) == "invalid_token"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        st.lists,
        max_leaves=4,
    )
)
def test_no_header_value_is_anything_but_unauthorized(value):
    live = keys(SECRET)
    token = live.issue(LABEL, 60)
    header, claims = unverified(token)
    for name in ("alg", "kid", "crit", "b64"):
        if header.get(name) != value and not (name == "b64" and value in (1, 1.0)):
            forged = ".".join(
                [part(header | {name: value}), part(claims), token.split(".")[2]]
            )
            assert refused(live, forged) == "invalid_token"


# Turns


def test_turns_are_counted_for_each_token_and_then_it_is_exhausted():
    live = keys(SECRET)
    limited, other, free = (
        live.issue(LABEL, 60, max_turns=2),
        live.issue(LABEL, 60, max_turns=1),
        live.issue(LABEL, 60),
    )
    live.verify(limited).turns.take()
    live.verify(limited).turns.take()
    live.verify(other).turns.take()
    assert refused(live, limited) == "exhausted_token"
    assert refused(live, other) == "exhausted_token"
    assert live.verify(free).turns is None


def test_one_of_several_replicas_grants_its_share_of_the_turns(monkeypatch):
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", SECRET)
    live = SigningKeys.from_settings(read_settings(replicas=3))
    token = live.issue(LABEL, 60, max_turns=4)
    live.verify(token).turns.take()
    live.verify(token).turns.take()
    assert refused(live, token) == "exhausted_token"


def test_checking_a_token_takes_none_of_its_turns():
    live = keys(SECRET)
    token = live.issue(LABEL, 60, max_turns=1)
    for _ in range(3):
        live.verify(token)
    live.verify(token).turns.take()
    assert refused(live, token) == "exhausted_token"


# Issuing


def test_a_server_with_public_keys_checks_and_cannot_issue():
    (pair,) = read_keys(PAIR, source="test")
    public = pair.verifying.public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).decode()
    checking = keys(public)
    assert checking.verify(keys(PAIR).issue(LABEL, 60)).allows(LABEL)
    with pytest.raises(SettingsError, match="add a private key"):
        checking.issue(LABEL, 60)
    assert checking.verify(keys(public, PAIR).issue(LABEL, 60)).allows(LABEL)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"label": ""}, "empty"),
        ({"label": []}, "at least one"),
        ({"label": "a\nb"}, "control character"),
        ({"label": "x" * 257}, "257 characters"),
        ({"label": "hotel-{"}, "brace"),
        ({"label": ["a"] * 33}, "labels cannot be used"),
        ({"label": [f"{n}{'x' * 250}" for n in range(20)]}, "characters long"),
        ({"ttl_s": 0}, "from 1 to"),
        ({"ttl_s": 367 * 86_400}, "from 1 to"),
        ({"ttl_s": 1.5}, "whole number"),
        ({"corpora": []}, "corpora cannot be used"),
        ({"corpora": "support"}, "list of names"),
        ({"scope": {"folder": 7}}, "scope.folder cannot be used"),
        ({"max_turns": 0}, "turns cannot be used"),
        ({"now": -10}, "cannot be used"),
    ],
)
def test_what_cannot_be_issued_is_named(arguments, words):
    with pytest.raises(SettingsError, match=words):
        keys(SECRET).issue(**({"label": LABEL, "ttl_s": 60} | arguments))


def test_keys_are_read_from_text_and_files_and_nothing_means_none(tmp_path):
    (tmp_path / "key").write_text(PAIR)
    (tmp_path / "revoked").write_text("")
    assert SigningKeys.read() is None
    assert SigningKeys.read("  ") is None
    both = SigningKeys.read(SECRET, [tmp_path / "key"], revoked=tmp_path / "revoked")
    assert both is not None
    assert both.verify(keys(PAIR).issue(LABEL, 60)).allows(LABEL)
    assert unverified(both.issue(LABEL, 60))[0]["alg"] == "HS256"
    with pytest.raises(SettingsError, match="no signing key"):
        SigningKeys([])


def test_what_is_no_token_cannot_be_read():
    for text in ("", "abc", "a.b.c", "\udcff.a.b"):
        with pytest.raises(SettingsError, match="not a signed token"):
            unverified(text)
