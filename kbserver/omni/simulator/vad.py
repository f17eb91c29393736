"""When a caller begins and stops to speak, judged by energy: samples in, moments out, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

FRAME_MS = 20
DEFAULT_SILENCE_MS = 600  # the contract: 500 to 800 ms of silence end a turn
START_MS = 60  # three loud frames in a row: a click is shorter
# Root mean square of PCM16 samples: -40 dBFS, above a quiet line, below speech.
THRESHOLD = 330

Moment: TypeAlias = Literal["began", "ended"]


@dataclass
class EnergyVad:
    """Follows one caller's audio. Time is counted in samples, so only sent silence ends speech."""

    rate: int
    """Hz of the PCM16 audio that is fed."""
    silence_ms: int = DEFAULT_SILENCE_MS
    threshold: float = THRESHOLD
    speaking: bool = False
    spoken_ms: int = 0
    """Length of the utterance so far; once it ended, without the silence that ended it."""

    def __post_init__(self) -> None:
        self._pending = b""
        self._loud_ms = 0
        self._quiet_ms = 0

    def feed(self, pcm16: bytes) -> list[Moment]:
        """Take the next samples and return what happened in them, in order; mostly nothing, []."""
        moments: list[Moment] = []
        size = self.rate * FRAME_MS // 1000 * 2
        audio = self._pending + pcm16
        whole = len(audio) // size * size
        self._pending = audio[whole:]
        if not whole:
            return moments
        samples = np.frombuffer(audio[:whole], dtype="<i2").astype(np.float64)
        frames = samples.reshape(-1, size // 2)
        for energy in np.sqrt(np.mean(frames**2, axis=1)):
            moment = self._step(loud=bool(energy >= self.threshold))
            if moment is not None:
                moments.append(moment)
        return moments

    def _step(self, *, loud: bool) -> Moment | None:
        if loud:
            self._loud_ms += FRAME_MS
            self._quiet_ms = 0
        else:
            self._loud_ms = 0
            self._quiet_ms += FRAME_MS
        if not self.speaking:
            if self._loud_ms < START_MS:
                return None
            self.speaking = True
            self.spoken_ms = self._loud_ms
            return "began"
        self.spoken_ms += FRAME_MS
        if self._quiet_ms < self.silence_ms:
            return None
        self.speaking = False
        self.spoken_ms -= self._quiet_ms
        return "ended"
