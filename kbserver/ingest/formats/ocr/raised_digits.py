"""Which digits on a picture are raised: an engine reads `$9⁹⁹` as `$999`, and is sure of it.

Recognition sees each line at one height and has no name for small digits, so that their place
on the picture must tell. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_LIFTED = 0.22
"""Times the height of the digits before; a raised digit's foot stands so far above theirs."""
_LEVEL = 0.12
"""The same of a digit that is not raised, at most."""
_SMALLER = 0.85
"""Times that height: the most of a raised digit."""
_NEAR = 0.35
"""Times the distance to the next character: so far a character's ink surely reaches."""
_OWN = 1.2
"""Times the usual distance: so far at most."""
_WIDTH = 0.25
"""Of a piece's height: a narrow character with the white beside it."""
_MORE = 0.3
"""Times that distance: the least width of a character."""
_INK = 0.5
"""Of the darkest; what is darker is ink."""
_RULE = 0.8
"""Of a piece's width: ink that long is a line drawn below the text."""
_DIGITS = frozenset("0123456789")
_DESCEND = frozenset("gjpqyQJ")
"""Letters that reach below the line on which they stand."""

Ink = npt.NDArray[np.bool_]
"""Where a piece of text is dark, shape (height, width)."""


class Raised(NamedTuple):
    """Digits by their index in a text."""

    sure: frozenset[int]
    """They are raised."""
    unsure: frozenset[int]
    """They may be, or not."""


def raised_digits(
    picture: npt.NDArray[np.uint8], text: str, places: Sequence[float]
) -> Raised:
    """Return which characters of a piece of text are raised digits.

    Args:
        picture: the piece, shape (height, width, 3).
        text: what was recognised.
        places: the middle of each character, in pixels from the left edge.
    """
    words = [word for word in _words(text) if _holds_digit(text, word)]
    if not words:
        return Raised(frozenset(), frozenset())
    ink = _ink_of(picture)
    sure: set[int] = set()
    unsure: set[int] = set()
    for word in words:
        lifts = dict(_lifts(ink, text, places, word))
        level = [at for at, lift in lifts.items() if lift <= _LEVEL]
        last_level = max(level, default=-1)
        for at, lift in lifts.items():
            if lift > _LIFTED and at > last_level:
                sure.add(at)
            elif lift > _LEVEL:  # what is raised ends a number
                unsure.add(at)
        if _has_more(ink, places, word):
            unsure.add(word[-1])
    return Raised(frozenset(sure), frozenset(unsure))


def _words(text: str) -> Iterator[range]:
    """Yield where the words of a text stand."""
    start = 0
    for end in range(len(text) + 1):
        if end == len(text) or text[end].isspace():
            if start < end:
                yield range(start, end)
            start = end + 1


def _holds_digit(text: str, word: range) -> bool:
    return any(text[at].isdigit() for at in word)


def _ink_of(picture: npt.NDArray[np.uint8]) -> Ink:
    """Return what is ink, without the lines drawn below or above the text."""
    grey = _smoothed(picture.mean(axis=2, dtype=np.float32))
    depth = np.abs(grey - np.median(grey))
    ink: Ink = depth > _INK * np.percentile(depth, 98)
    ink[ink.mean(axis=1) > _RULE] = False
    return ink


def _smoothed(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the mean of each pixel and those around it: a scanner's noise goes."""
    padded = np.pad(grey, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    means: npt.NDArray[np.float32] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return means


def _lifts(
    ink: Ink, text: str, places: Sequence[float], word: range
) -> Iterator[tuple[int, float]]:
    """Yield how far each digit stands above what is before it in its word.

    Yields:
        Its index, and the distance of their feet in heights of what is before; 0 of a
        digit that is no smaller, 1 of one that was recognised as raised.
    """
    feet: list[int] = []
    heights: list[int] = []
    for at in word:
        if text[at].isdigit() and text[at] not in _DIGITS:
            yield at, 1.0
            continue
        if not text[at].isalnum() or text[at] in _DESCEND:
            continue
        reach = _NEAR * _step(places, at, word)
        left, right = round(places[at] - reach), round(places[at] + reach)
        rows = np.flatnonzero(ink[:, max(left, 0) : right + 1].any(axis=1))
        if not len(rows):
            if text[at] in _DIGITS:
                yield at, _LIFTED  # it stands elsewhere: not sure
            continue
        foot, height = int(rows[-1]), int(rows[-1] - rows[0] + 1)
        if text[at] in _DIGITS and feet:
            usual = float(np.median(heights))
            lift = float(np.median(feet) - foot) / usual
            if height > _SMALLER * usual:
                lift = 0.0
            yield at, lift
            if lift > _LEVEL:
                continue
        feet.append(foot)
        heights.append(height)


def _has_more(ink: Ink, places: Sequence[float], word: range) -> bool:
    """Return whether something stands behind a word that was not recognised."""
    last = word[-1]
    step = _usual_step(ink, places)
    start, end = places[last] + _OWN * step, float(ink.shape[1])
    if last + 2 < len(places):
        end = places[last + 2] - _OWN * step
    if end - start < 1:
        return False
    more = ink[:, round(start) : round(end)]
    return int(more.any(axis=0).sum()) > _MORE * step


def _usual_step(ink: Ink, places: Sequence[float]) -> float:
    """Return the distance from one character to the next, in most of a piece."""
    steps = np.diff(places)
    steps = steps[steps > 0]
    least: float = _WIDTH * ink.shape[0]
    if not len(steps):
        return least
    return max(float(np.median(steps)), least)


def _step(places: Sequence[float], at: int, word: range) -> float:
    """Return the distance from a character to the nearest one of its word."""
    steps: list[float] = []
    if at + 1 in word:
        steps.append(places[at + 1] - places[at])
    if at - 1 in word:
        steps.append(places[at] - places[at - 1])
    return max(min(steps, default=1.0), 1.0)
