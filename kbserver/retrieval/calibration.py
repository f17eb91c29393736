"""The least score that is spoken, measured for one corpus: `STORE/<corpus>/calibration.json`."""

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
"""For a corpus that was never calibrated. It leaves at least 98 % of the right passages of clean questions and 95 % of
badly heard ones. Of questions about something else altogether it lets 5 to 15 % through on help desks and two thirds on
encyclopaedic corpora, where something is always near: calibrate these. Each public set stands in benchmarks/quality.md."""

DEFAULT_MIN_SCORE_IN_SCOPE = 0.05
"""The same for a turn whose label binds it to some of the documents: callers leave out what the label says already, so right
passages score lower, and with a dozen passages to choose from there are fewer wrong ones."""

SCORE_VERSION = 3
"""Raised whenever `fusion` gives other scores than before: what was calibrated on the old ones no longer holds."""

log = logging.getLogger("kbserver")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What a least score would do. Shares are in [0, 1]."""

    min_score: float
    kept: float
    """Of the right passages found, the share that is still answered."""
    false_groundings: float
    """Of the questions that the corpus does not answer, the share that gets a passage."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A least score, and what it was measured on."""

    min_score: float
    keep: float
    """Share of the right passages that had to be kept."""
    at: CurvePoint
    answerable: int
    """Questions whose right passage was found: what `kept` is a share of."""
    unanswerable: int
    rough: bool
    """No questions were given: made from titles and headings."""
    generation: str
    fingerprint: str
    """Of the embedding model: with another one scores are others."""
    date: str
    curve: tuple[CurvePoint, ...]


def write_calibration(folder: Path, calibration: Calibration) -> Path:
    """Store a calibration beside the corpus's generations, in one step; return the file.

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
        None if it was never calibrated, or with another model or another version's scores, or the file is damaged.
    """
    file = folder / CALIBRATION_FILE
    try:
        values = json.loads(file.read_bytes())
        if not isinstance(values, Mapping):
            raise ValueError(f"found {type(values).__name__}, wanted an object")
        if (values["score_version"], values["fingerprint"]) != (
            SCORE_VERSION,
            fingerprint,
        ):
            log.warning(
                "%s: made with another model or version, not used; run kbserver calibrate again",
                file,
            )
            return None
        return min(1.0, max(0.0, float(values["min_score"])))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as exc:
        log.warning("%s: cannot be used (%s); run kbserver calibrate again", file, exc)
        return None


def default_min_score(*, in_scope: bool) -> float:
    """Return what a route without a `min_score` of its own uses while the corpus is not calibrated."""
    return DEFAULT_MIN_SCORE_IN_SCOPE if in_scope else DEFAULT_MIN_SCORE
