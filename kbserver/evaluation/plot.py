"""Draws the curve of a calibration: SVG, without a drawing library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TypeAlias

from kbserver.retrieval.calibration import Calibration, CurvePoint

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 44, 48
_KEPT, _FALSE, _INK, _GRID = "#1b7f5c", "#b3372f", "#333333", "#dddddd"

_Scale: TypeAlias = Callable[[float], float]


def picture(calibration: Calibration, corpus: str) -> str:
    """Draw the shares kept and falsely grounded against the least score, and the one chosen.

    Returns:
        An SVG document, 640 by 400, that needs nothing else to be shown.
    """
    x = _scale(_LEFT, _WIDTH - _RIGHT)
    y = _scale(_HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12" '
        f'fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        *_grid(x, y),
        *_curve(_with_choice(calibration), x, y),
        *_choice(calibration.at, x, y),
        *_legend(calibration.at, corpus),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(x: _Scale, y: _Scale) -> list[str]:
    below = y(0) + 18
    beside = _LEFT - 8
    middle, bottom = x(0.5), _HEIGHT - 10
    parts = [f'<text x="{middle}" y="{bottom}" text-anchor="middle">min_score</text>']
    for step in range(6):
        tick = step / 5
        parts += [
            f'<path d="M{x(0)} {y(tick)}H{x(1)}" stroke="{_GRID}"/>',
            f'<text x="{beside}" y="{y(tick) + 4}" text-anchor="end">{tick:.0%}</text>',
            f'<text x="{x(tick)}" y="{below}" text-anchor="middle">{tick:.1f}</text>',
        ]
    return parts


def _with_choice(calibration: Calibration) -> list[CurvePoint]:
    """Return the points of the curve, the one chosen among them: it lies between two others."""
    points = {point.min_score: point for point in calibration.curve}
    points[calibration.at.min_score] = calibration.at
    return [points[score] for score in sorted(points)]


def _curve(points: Sequence[CurvePoint], x: _Scale, y: _Scale) -> list[str]:
    kept = " ".join(f"{x(point.min_score)},{y(point.kept)}" for point in points)
    false = " ".join(
        f"{x(point.min_score)},{y(point.false_groundings)}" for point in points
    )
    return [
        f'<polyline points="{kept}" fill="none" stroke="{_KEPT}" stroke-width="2"/>',
        f'<polyline points="{false}" fill="none" stroke="{_FALSE}" stroke-width="2"/>',
    ]


def _choice(chosen: CurvePoint, x: _Scale, y: _Scale) -> list[str]:
    at = x(chosen.min_score)
    kept, false = y(chosen.kept), y(chosen.false_groundings)
    return [
        f'<path d="M{at} {y(0)}V{y(1)}" stroke="{_INK}" stroke-dasharray="4 3"/>',
        f'<circle cx="{at}" cy="{kept}" r="4" fill="{_KEPT}"/>',
        f'<circle cx="{at}" cy="{false}" r="4" fill="{_FALSE}"/>',
    ]


def _legend(chosen: CurvePoint, corpus: str) -> list[str]:
    title = f"{escape(corpus)}: what a least score keeps and lets through"
    kept = f"right passages kept, {chosen.kept:.0%}"
    false = f"false groundings, {chosen.false_groundings:.0%}"
    return [
        f'<text x="{_LEFT}" y="18" font-size="14">{title}</text>',
        f'<text x="{_LEFT}" y="36" fill="{_KEPT}">{kept}</text>',
        f'<text x="{_LEFT + 190}" y="36" fill="{_FALSE}">{false}</text>',
        f'<text x="{_LEFT + 370}" y="36">min_score = {chosen.min_score:.3f}</text>',
    ]


def _scale(start: float, end: float) -> _Scale:
    """A function from [0, 1] to pixels."""

    def place(share: float) -> float:
        return round(start + (end - start) * share, 1)

    return place
