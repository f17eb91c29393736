"""Text as PCM16 audio: spoken by espeak-ng where it is installed, else a tone as long."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Synthesizer: TypeAlias = Callable[[str, int], bytes]
"""`synthesize(text, rate)` returns PCM16 little-endian mono at `rate` Hz."""

AGENT_RATE = 24_000  # Hz: Omni's agent audio, whatever the caller's rate
MS_PER_CHARACTER = 65  # about 150 words a minute
MIN_TONE_MS, MAX_TONE_MS = 200, 8_000
ESPEAK_TIMEOUT_S = 20

_AMPLITUDE = 0.25
_PITCH_HZ = 220


def synthesizer() -> Synthesizer:
    """Return the best voice there is on this machine."""
    if shutil.which("espeak-ng"):
        return speak
    return tone


def tone(text: str, rate: int) -> bytes:
    """Return a soft tone that swells like syllables, as long as the text takes to say.

    It takes 0.2 to 8 s; b"" for no text.
    """
    if not text:
        return b""
    wanted_ms = len(text) * MS_PER_CHARACTER
    duration_ms = min(max(wanted_ms, MIN_TONE_MS), MAX_TONE_MS)
    seconds = np.arange(rate * duration_ms // 1000, dtype=np.float64) / rate
    syllables = np.abs(np.sin(2 * np.pi * 1.5 * seconds + 0.5))  # three a second
    envelope = np.clip(1.2 * syllables, 0.25, 1.0)
    wavefront = _AMPLITUDE * envelope * np.sin(2 * np.pi * _PITCH_HZ * seconds)
    return bytes((wavefront * 32767).astype("<i2").tobytes())


def silence(duration_ms: int, rate: int) -> bytes:
    """Return `duration_ms` of silence."""
    return bytes(rate * duration_ms // 1000 * 2)


def speak(text: str, rate: int) -> bytes:
    """Return the text spoken by espeak-ng; a tone if it fails."""
    command = ["espeak-ng", "--stdin", "--stdout"]
    try:
        done = subprocess.run(  # noqa: S603  (a fixed command; the text goes to its input)
            command,
            input=text.encode(),
            capture_output=True,
            check=True,
            timeout=ESPEAK_TIMEOUT_S,
        )
        with wave.open(io.BytesIO(_with_length(done.stdout))) as spoken:
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), dtype="<i2")
            return resample(samples, spoken.getframerate(), rate)
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError, ValueError):
        return tone(text, rate)


def resample(
    samples: np.ndarray[tuple[int], np.dtype[np.int16]], source_rate: int, rate: int
) -> bytes:
    """Return samples at another rate by linear interpolation: good enough for a test voice."""
    if not len(samples):
        return b""
    count = round(len(samples) * rate / source_rate)
    positions = np.arange(count) * (source_rate / rate)
    resampled = np.interp(positions, np.arange(len(samples)), samples)
    return bytes(resampled.astype("<i2").tobytes())


def _with_length(audio: bytes) -> bytes:
    # espeak-ng writes the header before it knows the length: its data chunk says 0x7ffff000 bytes.
    if len(audio) < 44 or audio[36:40] != b"data":
        raise ValueError("not the WAV stream that was expected")
    return audio[:40] + (len(audio) - 44).to_bytes(4, "little") + audio[44:]
