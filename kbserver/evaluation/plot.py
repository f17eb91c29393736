"""The curve of a calibration as a picture: SVG, without a drawing library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from kbserver.retrieval.calibration import Calibration, CurvePoint

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 44, 48
_KEPT, _FALSE, _INK, _GRID = "#1b7f5c", "#b3372f", "#333333", "#dddddd"


def picture(calibration: Calibration, corpus: str) -> str:
    """Draw what is kept and what is answered wrongly against the least score, and where it was set.

    Returns:
        An SVG document, 640 by 400, that needs nothing else to be shown.
    """
    x = _scale(_LEFT, _WIDTH - _RIGHT)
    y = _scale(_HEIGHT - _BOTTOM, _TOP)
    chosen = calibration.at
    ticks = [step / 5 for step in range(6)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="12" fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{escape(corpus)}: what a least score keeps and lets through</text>',
    ]
    for tick in ticks:
        parts += [
            f'<path d="M{x(0)} {y(tick)}H{x(1)}" stroke="{_GRID}"/>',
            f'<text x="{_LEFT - 8}" y="{y(tick) + 4}" text-anchor="end">{tick:.0%}</text>',
            f'<text x="{x(tick)}" y="{y(0) + 18}" text-anchor="middle">{tick:.1f}</text>',
        ]
    parts += [
        f'<text x="{x(0.5)}" y="{_HEIGHT - 10}" text-anchor="middle">min_score</text>',
        _line(calibration.curve, lambda point: point.kept, x, y, _KEPT),
        _line(calibration.curve, lambda point: point.false_groundings, x, y, _FALSE),
        f'<path d="M{x(chosen.min_score)} {y(0)}V{y(1)}" stroke="{_INK}" stroke-dasharray="4 3"/>',
        f'<circle cx="{x(chosen.min_score)}" cy="{y(chosen.kept)}" r="4" fill="{_KEPT}"/>',
        f'<circle cx="{x(chosen.min_score)}" cy="{y(chosen.false_groundings)}" r="4" fill="{_FALSE}"/>',
        f'<text x="{_LEFT}" y="36" fill="{_KEPT}">right passages kept, {chosen.kept:.0%}</text>',
        f'<text x="{_LEFT + 190}" y="36" fill="{_FALSE}">false groundings, {chosen.false_groundings:.0%}</text>',
        f'<text x="{_LEFT + 370}" y="36">min_score = {chosen.min_score:.3f}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _scale(start: float, end: float) -> Callable[[float], float]:
    return lambda share: round(start + (end - start) * share, 1)


def _line(
    points: Sequence[CurvePoint],
    value: Callable[[CurvePoint], float],
    x: Callable[[float], float],
    y: Callable[[float], float],
    colour: str,
) -> str:
    path = " ".join(f"{x(point.min_score)},{y(value(point))}" for point in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
