"""Conversations with an endpoint, typed and spoken."""

from __future__ import annotations

import pytest

from kbserver.errors import OmniError
from kbserver.omni.call import SpokenCall, TypedCall
from kbserver.omni.simulator.speech import silence, tone
from tests.omni.conftest import PATIENT_MS

pytestmark = pytest.mark.anyio


async def test_a_typed_call_asks_once_a_turn_and_answers_as_the_agent_would(kb) -> None:  # type: ignore[no-untyped-def]
    async with TypedCall(
        kb.url, kb.token, label="support", timeout_ms=PATIENT_MS
    ) as call:
        first = await call.say("how do i reset my pin")
        second = await call.say("what is the meaning of life")
    assert (first.number, first.heard, first.reply) == (1, "how do i reset my pin", PIN)
    assert first.lookup["top_ids"] == ["kb-pin"]
    assert (second.number, second.lookup["outcome"]) == (2, "miss")
    assert kb.bodies == [
        {"session_label": "support", "query": "how do i reset my pin"},
        {"session_label": "support", "query": "what is the meaning of life"},
    ]


async def test_a_typed_call_goes_on_when_the_endpoint_fails(kb) -> None:  # type: ignore[no-untyped-def]
    async with TypedCall(kb.url, kb.token, timeout_ms=PATIENT_MS) as call:
        kb.status = 500
        assert (await call.say("reset my pin")).lookup["reason"] == "http_500"
        kb.status = 200
        assert (await call.say("reset my pin")).lookup["outcome"] == "grounded"


async def test_a_spoken_call_goes_through_audio_both_ways(kb) -> None:  # type: ignore[no-untyped-def]
    async with SpokenCall(
        kb.url, kb.token, label="support", timeout_ms=PATIENT_MS, synthesize=tone
    ) as call:
        first = await call.say("how do i reset my pin")
        second = await call.say("my refund")
        third = await call.say("")
    assert (first.number, first.reply, first.lookup["top_ids"]) == (1, PIN, ["kb-pin"])
    assert first.spoken_ms == len("how do i reset my pin") * 65
    assert first.audio_ms == len(PIN) * 65
    assert (second.number, second.lookup["top_ids"]) == (2, ["kb-refund"])
    assert (third.heard, third.lookup["outcome"]) == ("", "miss")
    assert [body["query"] for body in kb.bodies] == [
        "how do i reset my pin",
        "my refund",
        "",
    ]
    assert {body["session_label"] for body in kb.bodies} == {"support"}
    probes = {one["headers"].get("x-kbserver-probe") for one in kb.requests}
    assert probes == {"call"}


async def test_a_call_that_cannot_be_made_is_refused_at_once() -> None:
    for kind, options in ((TypedCall, {}), (SpokenCall, {"synthesize": tone})):
        with pytest.raises(OmniError, match="use https"):
            kind("http://kb.example.com/kb", "token", **options)
        with pytest.raises(OmniError, match="control character"):
            kind("https://kb.example.com/kb", "token", label="a\tb", **options)


async def test_speech_that_cannot_be_heard_is_an_error_and_not_a_hang(kb) -> None:  # type: ignore[no-untyped-def]
    def mute(text: str, rate: int) -> bytes:
        return silence(300, rate)

    async with SpokenCall(kb.url, kb.token, turn_s=0.3, synthesize=mute) as call:
        with pytest.raises(OmniError, match="was not heard"):
            await call.say("hello")


PIN = "You reset your PIN in the app under Security."
