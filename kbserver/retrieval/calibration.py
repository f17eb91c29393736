"""The least score of an answer, measured for one corpus: `STORE/<corpus>/calibration.json`."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

from kbserver.errors import StoreError, said_by
from kbserver.files import read_small, replace_text
from kbserver.index.durable import disk_trouble

CALIBRATION_FILE = "calibration.json"

DEFAULT_MIN_SCORE = 0.15
"""For a corpus without calibration: it keeps 95 % of the right passages of badly heard queries.

An encyclopaedic corpus has something near to every query, so it needs a calibration of its own."""

DEFAULT_MIN_SCORE_IN_SCOPE = 0.035
"""The same for a turn whose session label restricts it to some documents.

Callers leave out what the label says already, so right passages score lower."""

SCORE_VERSION = 4
"""Raised whenever `fusion` changes its scores: a calibration holds for its own scores only."""

_LONGEST = 1 << 20  # bytes of the file; a curve of a thousand points takes a tenth

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
    """What made the scores: see `reading.scores_by`."""
    date: str
    curve: tuple[CurvePoint, ...]


_foreign = TypeAdapter(Calibration)


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


def stored_calibration(folder: Path) -> bytes | None:
    """Return the file that `write_calibration` wrote for a corpus, None if it has none.

    Raises:
        StoreError: the file cannot be read.
    """
    file = folder / CALIBRATION_FILE
    try:
        return read_small(file, _LONGEST)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise _unusable(file, exc) from exc


def adopt_calibration(folder: Path, text: bytes, fingerprint: str) -> float:
    """Store a calibration that came from elsewhere; return its least score.

    Args:
        folder: `STORE/<corpus>`.
        text: JSON, as `write_calibration` writes it. Only what is known is kept of it.
        fingerprint: what makes the scores of the corpus; see `reading.scores_by`.

    Raises:
        StoreError: it is none, belongs to another model, or the folder cannot be written.
    """
    try:
        values = json.loads(text)
        found = _foreign.validate_python(values)
        if (values["score_version"], found.fingerprint) != (SCORE_VERSION, fingerprint):
            raise ValueError(_OTHER_SCORES)
        _least_score(found.min_score)
        for point in (found.at, *found.curve):
            for share in (point.min_score, point.kept, point.false_groundings):
                _least_score(share)
    except Exception as exc:  # nested too deeply, or anything else
        raise StoreError(f"its calibration cannot be used: {said_by(exc)}") from exc
    write_calibration(folder, found)
    return found.min_score


def read_min_score(folder: Path, fingerprint: str) -> float | None:
    """Return the calibrated least score of a corpus, in [0, 1].

    Args:
        folder: `STORE/<corpus>`.
        fingerprint: what makes the scores of its live generation; see `reading.scores_by`.

    Returns:
        None if there is no calibration, or it belongs to another model or another version's
        scores.

    Raises:
        StoreError: the file is damaged or cannot be read; the message says how.
    """
    text = stored_calibration(folder)
    if text is None:
        return None
    file = folder / CALIBRATION_FILE
    try:
        values = json.loads(text)
        if not isinstance(values, Mapping):
            raise ValueError(f"found {type(values).__name__}, wanted an object")
        made_with = (values["score_version"], values["fingerprint"])
        if made_with != (SCORE_VERSION, fingerprint):
            log.warning("%s: %s; run kbserver calibrate again", file, _OTHER_SCORES)
            return None
        return _least_score(values["min_score"])
    except Exception as exc:  # a file nested too deeply raises RecursionError, for one
        raise _unusable(file, exc) from exc


def _unusable(file: Path, error: Exception) -> StoreError:
    return StoreError(
        f"{file}: cannot be used ({said_by(error)}); run kbserver calibrate again, "
        "or remove the file"
    )


def _least_score(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if 0.0 <= value <= 1.0:  # NaN is not
            return float(value)
    raise ValueError(f"min_score is {value!r:.40}, wanted a number from 0 to 1")


def default_min_score(*, in_scope: bool) -> float:
    """Return the least score for a route and a corpus that both name none."""
    if in_scope:
        return DEFAULT_MIN_SCORE_IN_SCOPE
    return DEFAULT_MIN_SCORE
