"""Line pictures for the benchmarks: SVG, without a drawing library."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 20, 44, 48
_COLOURS = ("#1b7f5c", "#b3372f", "#2f5fb3", "#8a6d1b")
_INK, _GRID = "#333333", "#dddddd"


@dataclass(frozen=True)
class Line:
    """One curve; as many values in `y` as in `x`."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def draw(
    title: str,
    x_name: str,
    y_name: str,
    lines: Sequence[Line],
    *,
    marks: Mapping[str, float] | None = None,
    log_x: bool = False,
    top: float | None = None,
) -> str:
    """Draw curves over one axis.

    Args:
        marks: horizontal lines, by name.
        log_x: a logarithmic axis; every x is above 0.
        top: where the vertical axis ends; None: above the largest value.

    Returns:
        An SVG document that needs nothing else to be shown.
    """
    xs = [value for line in lines for value in line.x]
    highest = top or 1.08 * max(
        [value for line in lines for value in line.y] + list((marks or {}).values())
    )
    lowest, x_ticks = 0.0, _ticks(max(xs))
    if log_x:
        lowest, x_ticks = min(xs), sorted(set(xs))
    x = _scale(lowest, max(xs), _LEFT, _WIDTH - _RIGHT, log=log_x)
    y = _scale(0.0, highest, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" font-size="12" '
        f'fill="{_INK}">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18" font-size="14">{escape(title)}</text>',
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, x_name, "middle"),
        _text(_LEFT, _TOP - 8, y_name, "end"),
    ]
    for value in _ticks(highest):
        parts.append(_rule(_LEFT, y(value), _WIDTH - _RIGHT, y(value), _GRID))
        parts.append(_text(_LEFT - 6, y(value) + 4, f"{value:g}", "end"))
    parts += [
        _text(x(value), _HEIGHT - _BOTTOM + 18, _short(value), "middle")
        for value in x_ticks
    ]
    for name, value in (marks or {}).items():
        parts.append(
            _rule(_LEFT, y(value), _WIDTH - _RIGHT, y(value), _INK, dashed=True)
        )
        parts.append(_text(_WIDTH - _RIGHT, y(value) - 4, name, "end"))
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{x(a):.1f},{y(min(b, highest)):.1f}"
            for a, b in zip(line.x, line.y, strict=True)
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        below = _TOP + 16 + 16 * number
        parts.append(
            f'<text x="{_LEFT + 12}" y="{below}" fill="{colour}">{escape(line.name)}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _scale(
    low: float, high: float, start: float, end: float, *, log: bool = False
) -> Callable[[float], float]:
    bend: Callable[[float], float] = math.log10 if log else float
    span = (bend(high) - bend(low)) or 1.0
    return lambda value: start + (bend(value) - bend(low)) / span * (end - start)


def _ticks(highest: float) -> list[float]:
    """Round values from 0 to `highest`, four to eight of them."""
    step = 10.0 ** math.floor(math.log10(highest))
    for finer in (1.0, 0.5, 0.25, 0.2):
        if highest / (step * finer) >= 4:
            step *= finer
            break
    return [number * step for number in range(int(highest / step + 1e-9) + 1)]


def _short(value: float) -> str:
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _rule(
    x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False
) -> str:
    style = f'stroke="{colour}"'
    if dashed:
        style += ' stroke-dasharray="5 4"'
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'
