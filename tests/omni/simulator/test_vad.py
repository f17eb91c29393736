"""Speech and silence by energy, in samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.omni.simulator.speech import silence, tone
from kbserver.omni.simulator.vad import EnergyVad

RATE = 16_000


def loud(duration_ms: int, rate: int = RATE) -> bytes:
    seconds = np.arange(rate * duration_ms // 1000) / rate
    return (8_000 * np.sin(2 * np.pi * 200 * seconds)).astype("<i2").tobytes()


def test_speech_begins_after_three_loud_frames_and_ends_after_600_ms_of_silence() -> (
    None
):
    vad = EnergyVad(RATE)
    assert vad.feed(silence(500, RATE)) == []
    assert vad.feed(loud(40)) == []
    assert vad.feed(loud(20)) == ["began"]
    assert vad.feed(loud(940)) == []
    assert vad.feed(silence(580, RATE)) == []
    assert vad.feed(silence(20, RATE)) == ["ended"]
    assert vad.spoken_ms == 1_000


def test_a_pause_inside_a_turn_does_not_end_it() -> None:
    vad = EnergyVad(RATE)
    assert vad.feed(loud(300) + silence(400, RATE) + loud(300)) == ["began"]
    assert vad.feed(silence(600, RATE)) == ["ended"]
    assert vad.spoken_ms == 1_000


@pytest.mark.parametrize("silence_ms", [500, 800])
def test_the_silence_that_ends_a_turn_is_settable(silence_ms: int) -> None:
    vad = EnergyVad(RATE, silence_ms=silence_ms)
    vad.feed(loud(200))
    assert vad.feed(silence(silence_ms - 20, RATE)) == []
    assert vad.feed(silence(20, RATE)) == ["ended"]


def test_a_click_and_a_quiet_hiss_are_not_speech() -> None:
    vad = EnergyVad(RATE)
    hiss = (
        np.random.default_rng(1)
        .integers(-150, 150, RATE, dtype=np.int16)
        .astype("<i2")
        .tobytes()
    )
    assert vad.feed(loud(40) + silence(200, RATE) + hiss) == []


def test_speech_does_not_end_while_no_audio_comes() -> None:
    vad = EnergyVad(RATE)
    assert vad.feed(loud(300)) == ["began"]
    assert vad.feed(b"") == []
    assert vad.speaking


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_the_tone_that_stands_in_for_a_voice_is_heard_as_one_utterance(
    rate: int,
) -> None:
    vad = EnergyVad(rate)
    assert vad.feed(
        tone("how do i reset my pin please", rate) + silence(700, rate)
    ) == [
        "began",
        "ended",
    ]


@given(cuts=st.lists(st.integers(0, 40_000), max_size=20))
def test_where_the_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    audio = loud(200) + silence(700, RATE) + loud(100) + silence(300, RATE)
    whole = EnergyVad(RATE).feed(audio)
    vad, moments, at = EnergyVad(RATE), [], 0
    for cut in [*sorted(cut // 2 * 2 for cut in cuts), len(audio)]:
        moments += vad.feed(audio[at:cut])
        at = max(at, cut)
    assert moments == whole == ["began", "ended", "began"]
