"""How well an embedding model reads a corpus, and what its cosines mean there.

An ingest measures it and keeps it in the manifest. A snapshot from before that is taken to be read
well, with cosines as they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from kbserver.index.manifest import Manifest

KEY: Final = "model_reads"
"""Of the measurement in a manifest's `extra`."""

_FOREIGN: Final = (0.03, 0.08, 0.5, 1.0)
_TRUST: Final = (1.0, 0.12, 0.1, 0.0)
"""English stays below the first, in words that the default model was made for; German, French and
Spanish lie between the second and the third; other scripts, cut into letters, above the last."""

PLAIN_TRUST: Final = 0.8
"""Above it scores hardly differ from those of cosines as they are."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an ingest measured of a model and a corpus."""

    unread: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the pieces inside words that are unknown to the tokenizer or a single letter."""
    pieces: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    """Pieces that the tokenizer cuts a word into, on average."""
    background: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Cosine of a passage with a question about something else, on average."""
    gain: Annotated[float, Field(gt=0, le=100)] = 1.0
    """What one point of cosine above the background counts."""
    alike: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Cosine of two passages, on average."""
    multilingual: bool = False
    """Whether the model was made for many languages: words in few letters are no bad sign then."""

    @classmethod
    def of(cls, manifest: Manifest) -> Reading:
        """Read what a manifest keeps; what it lacks, or keeps in another form, is not measured."""
        try:
            return _readings.validate_python(manifest.extra[KEY])
        except (KeyError, ValidationError):
            return cls()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values for a manifest."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }

    @property
    def trust(self) -> float:
        """How much the model's cosines count, in [0, 1]."""
        foreign = self.unread * (self.pieces - 1.0)
        if self.multilingual and foreign < _FOREIGN[-1]:
            return 1.0
        return float(np.interp(foreign, _FOREIGN, _TRUST))

    def scaled(self, cosines: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return cosines as they would be if unlike texts were at 0, in [-1, 1]."""
        if self.gain == 1.0 and self.background == 0.0:
            return cosines
        scaled = (cosines - np.float32(self.background)) * np.float32(self.gain)
        clipped: NDArray[np.float32] = np.clip(
            scaled, np.float32(-1.0), np.float32(1.0)
        )
        return clipped


_readings = TypeAdapter(Reading)


def scores_by(manifest: Manifest) -> str:
    """Name what makes the scores of a generation: a calibration holds for one alone.

    The fingerprint of its model, with a mark where the model's cosines are weighed or scaled.
    """
    reading, fingerprint = Reading.of(manifest), manifest.model.fingerprint
    if reading.trust > PLAIN_TRUST and reading.gain == 1.0:
        return fingerprint
    return f"{fingerprint} weighed"
