"""Frames there and back, and everything that is not a frame."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyai import PyAI

from kbserver.errors import OmniError
from kbserver.omni.frames import (
    Audio,
    Command,
    Event,
    Transcript,
    audio_frames,
    encode,
    parse_client,
    parse_server,
    transcript_frames,
)

text = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
names = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.dictionaries(
    text.filter(lambda key: key not in ("type", "event")), json_values, max_size=4
)
samples = st.binary(max_size=400).map(lambda data: data[: len(data) // 2 * 2])
transcripts = st.builds(
    Transcript, text, st.sampled_from(["user", "assistant"]), st.booleans()
)
audio = st.builds(Audio, samples)


@given(
    frame=audio
    | transcripts
    | st.builds(Command, names, fields, event_keyed=st.booleans())
)
def test_a_clients_frame_comes_back_as_it_went(
    frame: Audio | Transcript | Command,
) -> None:
    assert parse_client(encode(frame)) == frame


@given(
    frame=audio
    | transcripts
    | st.builds(Event, names.filter(lambda name: name != "detail"), fields)
)
def test_a_servers_frame_comes_back_as_it_went(
    frame: Audio | Transcript | Event,
) -> None:
    assert parse_server(encode(frame)) == frame


@given(
    message=st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda body: b"\x03" + body)
)
def test_any_bytes_are_a_frame_or_an_omni_error(message: bytes) -> None:
    for parse in (parse_client, parse_server):
        try:
            frame = parse(message)
        except OmniError:
            continue
        assert parse(encode(frame)) == frame


@given(value=json_values)
def test_any_json_under_the_control_tag_is_a_frame_or_an_omni_error(value: Any) -> None:
    message = b"\x03" + json.dumps(value).encode()
    for parse in (parse_client, parse_server):
        try:
            assert parse(message) is not None
        except OmniError as exc:
            assert "control frame" in str(exc)


def test_every_frame_begins_with_its_tag() -> None:
    assert encode(Audio(b"\x00\x01"))[0] == 0x01
    assert encode(Transcript("hello"))[0] == 0x02
    assert encode(Command("configure"))[0] == encode(Event("hello"))[0] == 0x03


def test_clients_key_on_type_and_servers_on_event() -> None:
    assert json.loads(encode(Command("dtmf", {"digits": "1"}))[1:]) == {
        "type": "dtmf",
        "digits": "1",
    }
    assert json.loads(encode(Event("hello", {"protocol": 2}))[1:]) == {
        "event": "hello",
        "protocol": 2,
    }


def test_a_frame_keyed_the_other_way_round_is_told_apart() -> None:
    swapped = parse_client(b'\x03{"event": "configure", "persona": "x"}')
    assert swapped == Command("configure", {"persona": "x"}, event_keyed=True)
    both = parse_client(b'\x03{"event": "configure", "type": "configure"}')
    assert isinstance(both, Command) and not both.event_keyed
    with pytest.raises(OmniError, match="neither 'event' nor 'detail'"):
        parse_server(b'\x03{"type": "hello"}')


def test_a_bare_detail_is_a_server_frame_too() -> None:
    frame = parse_server(b'\x03{"detail": "voice_not_found"}')
    assert frame == Event("detail", {"detail": "voice_not_found"})
    assert json.loads(encode(frame)[1:]) == {"detail": "voice_not_found"}


@pytest.mark.parametrize(
    "message", [b"", b"hello", b'{"type": "configure"}', b"\x00\x01", b"\x04{}"]
)
def test_an_untagged_frame_is_no_frame(message: bytes) -> None:
    with pytest.raises(OmniError, match="0x01"):
        parse_client(message)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "x", "a": NaN}',
        b'{"type": "x", "a": "\\ud800"}',
        b'{"type": "x", "a": 1e999}',
    ],
)
def test_what_python_reads_as_json_but_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(OmniError, match="JSON"):
        parse_client(b"\x03" + body)


def test_a_text_frame_is_no_frame() -> None:
    with pytest.raises(OmniError, match="every Omni frame is binary"):
        parse_client('{"type": "configure"}')  # type: ignore[arg-type]


def test_half_a_sample_is_refused_both_ways() -> None:
    with pytest.raises(OmniError, match="whole ones"):
        encode(Audio(b"\x00\x01\x02"))
    with pytest.raises(OmniError, match="whole ones"):
        parse_client(b"\x01\x00")


def test_a_live_transcript_is_bare_utf_8_and_the_older_form_is_json() -> None:
    assert encode(Transcript("wie spät")) == b"\x02" + "wie spät".encode()
    assert parse_server(
        b'\x02{"event":"transcript","role":"assistant","text":"hi","final":true}'
    ) == Transcript("hi", "assistant", True)


@given(
    said=st.text(
        st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60
    )
)
def test_the_sdk_reads_our_live_transcripts(said: str) -> None:
    body = encode(Transcript(said))[1:]
    normalized = PyAI.omni_transcript_body(body)
    assert normalized is not None
    assert normalized["text"] == said
    assert normalized["role"] == "user"


@given(said=st.text(st.characters(exclude_categories=("Cs",)), max_size=9000))
def test_a_long_transcript_is_cut_within_both_limits_and_loses_nothing(
    said: str,
) -> None:
    pieces = list(transcript_frames(said))
    assert "".join(piece.text for piece in pieces) == said
    for piece in pieces:
        message = encode(piece)
        assert len(piece.text) <= 4_000
        assert len(message) - 1 <= 16_384 or piece.text.lstrip().startswith("{")


def test_a_transcript_over_a_limit_is_refused_both_ways() -> None:
    with pytest.raises(OmniError, match="4,001 characters"):
        encode(Transcript("x" * 4_001))
    with pytest.raises(OmniError, match="4,001 characters"):
        parse_server(b"\x02" + b"x" * 4_001)
    with pytest.raises(OmniError, match="16,385 bytes"):
        parse_server(b"\x02" + b"x" * 16_385)


def test_audio_is_cut_into_chunks_of_the_length_asked_for() -> None:
    pcm16 = bytes(range(256)) * 60  # 15,360 bytes: 320 ms at 24,000 Hz
    chunks = list(audio_frames(pcm16, rate=24_000, chunk_ms=150))
    assert [len(chunk.pcm16) for chunk in chunks] == [7_200, 7_200, 960]
    assert b"".join(chunk.pcm16 for chunk in chunks) == pcm16


@pytest.mark.parametrize(
    "frame",
    [
        Command("x", {"a": float("nan")}),
        Event("x", {"a": {1}}),
        Event("x", {"a": "\ud800"}),
    ],
)
def test_fields_that_are_not_json_are_refused(frame: Command | Event) -> None:
    with pytest.raises(OmniError, match="cannot be written as JSON"):
        encode(frame)
