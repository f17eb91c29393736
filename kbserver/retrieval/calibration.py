"""The least score of an answer, measured for one corpus: `STORE/<corpus>/calibration.json`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from kbserver.files import replace_text
from kbserver.index.durable import disk_trouble

CALIBRATION_FILE = "calibration.json"

DEFAULT_MIN_SCORE = 0.15
"""For a corpus without calibration: it keeps 95 % of the right passages of badly heard queries.

An encyclopaedic corpus has something near to every query, so it needs a calibration of its own."""

DEFAULT_MIN_SCORE_IN_SCOPE = 0.05
"""The same for a turn whose session label restricts it to some documents.

Callers leave out what the label says already, so right passages score lower."""

SCORE_VERSION = 3
"""Raised whenever `fusion` changes its scores: a calibration holds for its own scores only."""

_OTHER_SCORES = "made with another model or version, not used"

log = logging.getLogger("kbserver")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a least score does. Shares are in [0, 1]."""

    min_score: float
    kept: float
    """Share of the right passages found that are still answered."""
    false_groundings: float
    """Share of the questions outside the corpus that still get a passage."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A least score, and what it was measured on."""

    min_score: float
    keep: float
    """Share of the right passages that the calibration had to keep."""
    at: CurvePoint
    answerable: int
    """Questions whose right passage was found; `kept` is a share of these."""
    unanswerable: int
    rough: bool
    """Whether the questions were made from titles and headings, for lack of others."""
    generation: str
    fingerprint: str
    """Of the embedding model: another model gives other scores."""
    date: str
    curve: tuple[CurvePoint, ...]


def write_calibration(folder: Path, calibration: Calibration) -> Path:
    """Store a calibration beside the generations of its corpus, atomically; return the file.

    Raises:
        StoreError: the folder cannot be written.
    """
    file = folder / CALIBRATION_FILE
    values = {"score_version": SCORE_VERSION, **asdict(calibration)}
    with disk_trouble("store the calibration", file):
        replace_text(file, json.dumps(values, indent=2) + "\n")
    return file


def read_min_score(folder: Path, fingerprint: str) -> float | None:
    """Return the calibrated least score of a corpus, in [0, 1].

    Args:
        folder: `STORE/<corpus>`.
        fingerprint: of the model its live generation was built with.

    Returns:
        None if there is no calibration, it belongs to another model or another version's scores,
        or the file is damaged.
    """
    file = folder / CALIBRATION_FILE
    try:
        values = json.loads(file.read_bytes())
        if not isinstance(values, Mapping):
            raise ValueError(f"found {type(values).__name__}, wanted an object")
        made_with = (values["score_version"], values["fingerprint"])
        if made_with != (SCORE_VERSION, fingerprint):
            log.warning("%s: %s; run kbserver calibrate again", file, _OTHER_SCORES)
            return None
        min_score = float(values["min_score"])
        return min(1.0, max(0.0, min_score))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        log.warning("%s: cannot be used (%s); run kbserver calibrate again", file, exc)
        return None


def default_min_score(*, in_scope: bool) -> float:
    """Return the least score for a route and a corpus that both name none."""
    if in_scope:
        return DEFAULT_MIN_SCORE_IN_SCOPE
    return DEFAULT_MIN_SCORE
