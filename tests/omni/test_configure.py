"""The configure frame against the real SDK, its limits, and the secrets it keeps."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyai import PyAI

from kbserver.errors import OmniError
from kbserver.omni.configure import configure_frame, mask_secrets

words = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=8,
)
own_words = {
    "voice_id",
    "persona",
    "greeting",
    "consent_line",
    "kb_endpoint",
    "kb_token",
    "tools",
    "language",
}
extra_keys = st.from_regex(r"[a-z][a-z_0-9]{0,12}", fullmatch=True).filter(
    lambda key: key not in own_words | {"caller_key", "event_key", "self"}
)
header_words = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=60
).filter(lambda token: not token.lower().startswith("bearer "))
tools = st.lists(
    st.fixed_dictionaries(
        {"name": words.filter(bool), "description": words.filter(bool)},
        optional={
            "parameters": st.dictionaries(words, json_values, max_size=3),
            "input_schema": st.dictionaries(words, json_values, max_size=3),
            "endpoint": st.just("https://tools.example.com/run"),
            "side_effect": st.booleans(),
        },
    ),
    max_size=3,
)
arguments = st.fixed_dictionaries(
    {},
    optional={
        "voice_id": st.none() | words.filter(bool),
        "persona": st.none() | words,
        "greeting": st.none() | words,
        "consent_line": st.none() | words,
        "kb_endpoint": st.sampled_from(
            [
                None,
                "https://kb.example.com/kb",
                "http://127.0.0.1:8080/kb",
                "http://[::1]:1/x",
                "http://localhost/kb?a=1",
            ]
        ),
        "kb_token": st.none() | header_words,
        "tools": st.none() | tools,
        "language": st.sampled_from([None, "en", "fr", "es", "de", "hi"]),
        "caller_key": st.none() | words.filter(bool),
        "model_tier": json_values,
        "temperature": json_values,
        "seed": json_values,
    },
)


@given(known=arguments, extra=st.dictionaries(extra_keys, json_values, max_size=3))
def test_the_frame_equals_what_the_sdk_builds_for_the_same_arguments(
    known: dict[str, Any], extra: dict[str, Any]
) -> None:
    given_arguments = extra | known
    theirs = PyAI.omni_configure_frame(**given_arguments)
    ours = configure_frame(**given_arguments)
    assert ours.as_dict() == theirs
    assert list(ours.as_dict())[0] == "type"
    assert json.loads(ours.to_json()) == json.loads(json.dumps(theirs))


@given(known=arguments)
def test_the_bytes_are_the_control_tag_and_then_the_same_json(
    known: dict[str, Any],
) -> None:
    frame = configure_frame(**known)
    message = frame.to_bytes()
    assert message[:1] == b"\x03"
    assert json.loads(message[1:].decode("utf-8")) == json.loads(
        json.dumps(PyAI.omni_configure_frame(**known))
    )


def test_a_type_or_event_among_the_extra_keys_is_ignored_as_in_the_sdk() -> None:
    extra = {"type": "hijack", "event": "configure", "seed": 7}
    assert (
        configure_frame(**extra).as_dict()
        == PyAI.omni_configure_frame(**extra)
        == {"type": "configure", "seed": 7}
    )


def test_the_older_event_key_is_added_only_on_request_and_beside_type() -> None:
    frame = configure_frame(persona="x", event_key=True).as_dict()
    assert frame == {"type": "configure", "event": "configure", "persona": "x"}


def test_unknown_keys_are_passed_through_since_the_engine_takes_no_notice_of_them() -> (
    None
):
    assert configure_frame(future={"a": [1]}).as_dict() == {
        "type": "configure",
        "future": {"a": [1]},
    }


def test_an_empty_greeting_stays_in_the_frame_since_it_suppresses_the_first_turn() -> (
    None
):
    assert configure_frame(greeting="").as_dict() == {
        "type": "configure",
        "greeting": "",
    }


@pytest.mark.parametrize(
    ("field", "most"), [("persona", 32_000), ("greeting", 1_000), ("consent_line", 500)]
)
def test_a_text_may_reach_its_limit_and_not_one_character_more(
    field: str, most: int
) -> None:
    assert configure_frame(**{field: "é" * most}).as_dict()[field] == "é" * most
    with pytest.raises(
        OmniError,
        match=rf"{field} has {most + 1:,} characters; Omni takes at most {most:,}",
    ):
        configure_frame(**{field: "é" * (most + 1)})


@pytest.mark.parametrize("language", ["en", "fr", "es", "de", "hi"])
def test_the_five_languages_are_taken(language: str) -> None:
    assert configure_frame(language=language).as_dict()["language"] == language


@pytest.mark.parametrize("language", ["en-US", "EN", "it", ""])
def test_any_other_language_is_refused_with_the_list(language: str) -> None:
    with pytest.raises(OmniError, match="en, fr, es, de, hi"):
        configure_frame(language=language)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://kb.example.com/kb", "use https"),
        ("http://10.0.0.5/kb", "use https"),
        ("ftp://kb.example.com/kb", "http"),
        ("kb.example.com/kb", "http"),
        ("https:///kb", "host"),
        ("https://user:pass@kb.example.com/kb", "credentials"),
        ("https://kb.example.com/kb#part", "#part"),
        ("https://kb.example.com:99999/kb", "not a URL"),
        ("https://kb.example.com/k b", "visible ASCII"),
        ("https://kb.example.com/kb\r\nHost: x", "visible ASCII"),
        ("https://kbé.example.com/kb", "visible ASCII"),
        ("", "visible ASCII"),
    ],
)
def test_an_endpoint_the_engine_could_not_or_should_not_call_is_refused(
    url: str, words: str
) -> None:
    with pytest.raises(OmniError, match="kb_endpoint") as caught:
        configure_frame(kb_endpoint=url)
    assert words in str(caught.value)
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    "token", ["", "two words", "line\nbreak", "caffè", "Bearer abc", "\x7f"]
)
def test_a_token_that_no_header_can_carry_is_refused_and_not_repeated(
    token: str,
) -> None:
    with pytest.raises(OmniError, match="kb_token") as caught:
        configure_frame(kb_token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("transfer", "must be a list"),
        ([3], r"tools\[0\] is int"),
        (
            [{"name": "a", "description": "b"}, {"name": "c"}],
            r"tools\[1\] has no description",
        ),
        ([{"description": "b"}], r"tools\[0\] has no name"),
        (
            [{"name": "a", "description": "b", "parameters": "{}"}],
            r"tools\[0\].parameters is str",
        ),
        (
            [{"name": "a", "description": "b", "endpoint": "http://x.example"}],
            r"tools\[0\].endpoint",
        ),
    ],
)
def test_a_tool_that_is_not_described_as_omni_wants_is_refused_by_its_place(
    tools: Any, words: str
) -> None:
    with pytest.raises(OmniError, match=words):
        configure_frame(tools=tools)


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes", "\ud800"])
def test_a_value_that_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises(OmniError, match="cannot be written as JSON"):
        configure_frame(extra_value=value)


def test_a_frame_never_prints_its_secrets() -> None:
    frame = configure_frame(
        kb_endpoint="https://kb.example.com/kb",
        kb_token="s3cr3t-token",
        crm={"api_key": "s3cr3t-key", "list": [{"password": "s3cr3t-word"}]},
    )
    for printed in (repr(frame), str(frame), f"{frame}", json.dumps(frame.masked())):
        assert "s3cr3t" not in printed
        assert "https://kb.example.com/kb" in printed
    assert frame.as_dict()["kb_token"] == "s3cr3t-token"
    assert "s3cr3t-token" in frame.to_json()


def test_masking_leaves_the_original_alone() -> None:
    original = {"kb_token": "x", "inner": {"token": "y"}}
    assert mask_secrets(original) == {"kb_token": "***", "inner": {"token": "***"}}
    assert original == {"kb_token": "x", "inner": {"token": "y"}}


def test_secrets_are_masked_however_deep_they_lie() -> None:
    deep: dict[str, Any] = {"kb_token": "s3cr3t"}
    for _ in range(400):
        deep = {"inner": [deep]}
    assert "s3cr3t" not in repr(mask_secrets(deep))


def test_a_frame_is_a_value_that_cannot_be_changed() -> None:
    frame = configure_frame(persona="x")
    frame.as_dict()["persona"] = "y"
    assert frame == configure_frame(persona="x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.fields = {}  # type: ignore[misc]
