import io
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.omni.simulator.speech import (
    MAX_TONE_MS,
    MIN_TONE_MS,
    MS_PER_CHARACTER,
    _with_length,
    resample,
    silence,
    tone,
)
from kbserver.omni.simulator.vad import THRESHOLD


def duration_ms(pcm16: bytes, rate: int) -> float:
    return len(pcm16) / 2 / rate * 1000


@pytest.mark.parametrize("rate", [16_000, 24_000])
@pytest.mark.parametrize(
    ("characters", "wanted_ms"),
    [(0, 0), (1, MIN_TONE_MS), (50, 50 * MS_PER_CHARACTER), (10_000, MAX_TONE_MS)],
)
def test_a_tone_is_as_long_as_its_text(characters, wanted_ms, rate):
    assert duration_ms(tone("x" * characters, rate), rate) == wanted_ms


def test_a_tone_is_loud_enough_to_be_heard_and_is_not_clipped():
    samples = np.frombuffer(tone("x" * 40, 16_000), dtype="<i2").astype(np.float64)
    assert np.sqrt(np.mean(samples**2)) > 2 * THRESHOLD
    assert np.abs(samples).max() < 0.3 * 32767


@given(st.integers(0, 3_000), st.sampled_from([16_000, 24_000]))
def test_silence_is_as_long_as_asked_and_silent(wanted_ms, rate):
    pcm16 = silence(wanted_ms, rate)
    assert duration_ms(pcm16, rate) == pytest.approx(wanted_ms)
    assert not any(pcm16)


def test_resampling_keeps_the_pitch():
    seconds = np.arange(22_050) / 22_050
    samples = (10_000 * np.sin(2 * np.pi * 440 * seconds)).astype(np.int16)
    resampled = np.frombuffer(resample(samples, 22_050, 16_000), dtype="<i2")
    assert resampled.size == 16_000
    spectrum = np.abs(np.fft.rfft(resampled))
    assert spectrum.argmax() == 440
    assert resample(samples[:0], 22_050, 16_000) == b""


def test_a_stream_whose_header_knows_no_length_gets_one():
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(b"\1\2" * 100)
    audio = written.getvalue()
    streamed = audio[:40] + (0x7FFFF000).to_bytes(4, "little") + audio[44:]
    assert _with_length(streamed) == audio
    with pytest.raises(ValueError, match="WAV"):
        _with_length(b"RIFF")
