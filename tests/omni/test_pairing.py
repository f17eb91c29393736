from urllib.parse import parse_qs, urlsplit

import pytest

from kbserver.endpoint.tokens.keys import new_secret, read_keys
from kbserver.endpoint.tokens.signed import SigningKeys
from kbserver.errors import OmniError
from kbserver.omni.pairing import new_session

ENDPOINT = "https://kb.example.com/kb"


def test_a_call_has_a_label_of_its_own_and_a_token_for_exactly_that_label():
    keys = SigningKeys(read_keys(new_secret(), source="test"))
    session = new_session(
        kb_endpoint=ENDPOINT,
        kb_token=lambda label: keys.issue(label, 600),
        api_key="k-1",
        persona="Be brief.",
    )
    assert session.label.startswith("call-")
    assert parse_qs(urlsplit(session.url).query)["session_label"] == [session.label]
    assert session.subprotocols == ["pyai.v1", "pyai-key.k-1"]
    frame = session.frame.as_dict()
    assert frame["persona"] == "Be brief."
    grant = keys.verify(frame["kb_token"])
    assert grant.allows(session.label)
    assert not grant.allows("call-" + "0" * 32)


def test_a_static_token_is_passed_on_and_nothing_secret_prints():
    session = new_session(
        kb_endpoint=ENDPOINT, kb_token="static-token", api_key="k-1", prefix="twilio"
    )
    assert session.frame.as_dict()["kb_token"] == "static-token"
    assert "static-token" not in repr(session)
    assert "k-1" not in repr(session)


def test_what_omni_would_refuse_is_refused_here():
    with pytest.raises(OmniError, match="use https"):
        new_session(kb_endpoint="http://kb.example.com/kb", kb_token="t", api_key="k-1")
