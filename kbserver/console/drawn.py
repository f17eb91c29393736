"""Pictures for the pages: SVG without a style or a script of its own; the style sheet colours it.

Each has its figures in words beside it, in a table of the page or in its title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from kbserver.printable import printable

BUDGETS_MS = (150.0, 300.0)
"""What a turn has inside the server, and what the engine waits for."""

_WIDTH = 960.0
_BARS = 120.0
_AXIS = 22.0
_TICKS = 6
_KINDS = ("answered", "small_talk", "silent")
_STEP_HEIGHT = 20.0
_NAMES = 90.0


def hours(summary: Mapping[str, Any]) -> Markup:
    """Draw turns over time, a bar for each piece of it, with a mark for each event."""
    bars: Sequence[Mapping[str, Any]] = summary["bars"]
    most = max((bar["turns"] for bar in bars), default=0) or 1
    width = _WIDTH / max(1, len(bars))
    parts = [_grid_line(most)]
    for place, bar in enumerate(bars):
        parts.append(_bar(bar, place * width, width, most))
    parts += _time_ticks(bars, width)
    parts += _event_marks(summary, bars, width)
    total = summary["totals"]
    said = (
        f"{total['turns']} turns: {total['answered']} answered, {total['silent']} silent, "
        f"{total['small_talk']} small talk"
    )
    return _svg("hours", _WIDTH, _BARS + _AXIS + 14, parts, said)


def score_bar(score: float, threshold: float | None, *, answered: bool) -> Markup:
    """Draw a score from 0 to 1 as a bar, against the line of the threshold."""
    kind = "answered" if answered else "near"
    parts = [
        Markup('<rect class="ground" width="100" height="10"/>'),
        Markup('<rect class="{}" width="{}" height="10"/>').format(
            kind, _number(100 * min(1.0, max(0.0, score)))
        ),
    ]
    said = f"score {score:.3f}"
    if threshold is not None:
        x = _number(100 * threshold)
        parts.append(Markup('<path class="line" d="M{} -2V12"/>').format(x))
        said += f", threshold {threshold:.3f}"
    return _svg("score", 100, 10, parts, said)


def waterfall(turn: Mapping[str, Any]) -> Markup:
    """Draw the stages of a turn side by side, against its budget and the engine's limit.

    When a stage began is not recorded: each is drawn from where those before it must have ended.
    """
    stages: Mapping[str, float] = turn["stages_ms"]
    most = max(turn["total_ms"], turn["budget_ms"], *BUDGETS_MS) * 1.03
    scale = (_WIDTH - _NAMES) / most
    rows = _placed(stages, turn["total_ms"])
    parts = []
    for place, (name, begins, ms) in enumerate(rows):
        y = place * _STEP_HEIGHT
        x, width = _NAMES + begins * scale, max(1.5, ms * scale)
        parts.append(_label(0, y + 14, name))
        parts.append(
            Markup('<rect class="stage" x="{}" y="{}" width="{}" height="12"/>').format(
                _number(x), _number(y + 4), _number(width)
            )
        )
        parts.append(_label(x + width + 4, y + 14, f"{ms:.1f} ms"))
    height = len(rows) * _STEP_HEIGHT
    for limit in sorted({turn["budget_ms"] or BUDGETS_MS[0], BUDGETS_MS[1]}):
        x = _NAMES + limit * scale
        parts.append(
            Markup('<path class="line" d="M{0} 0V{1}"/>').format(_number(x), height)
        )
        parts.append(_label(x, height + 14, f"{limit:.0f} ms", anchor="end"))
    said = ", ".join(f"{name} {ms:.1f} ms" for name, _, ms in rows)
    return _svg("waterfall", _WIDTH, height + 18, parts, said)


def dots(turns: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw a dot for each turn of a call, oldest first."""
    parts = [
        Markup('<circle class="{}" cx="{}" cy="6" r="4"/>').format(
            turn["outcome"], 6 + 12 * place
        )
        for place, turn in enumerate(turns)
    ]
    said = ", ".join(turn["outcome"] for turn in turns)
    return _svg("dots", max(12, 12 * len(turns)), 12, parts, said, fixed=True)


def effect(curve: Sequence[Mapping[str, float]], chosen: float) -> Markup:
    """Draw how many turns of a time would be answered at every threshold."""
    most = max((point["answered"] for point in curve), default=0.0) or 1.0
    points = " ".join(
        f"{_number(point['min_score'] * _WIDTH)},"
        f"{_number(_BARS * (1 - point['answered'] / most))}"
        for point in curve
    )
    x = _number(chosen * _WIDTH)
    parts = [
        Markup('<polyline class="curve" points="{}"/>').format(points),
        Markup('<path class="line" d="M{} 0V{}"/>').format(x, _BARS),
    ]
    for tick in range(6):
        place = tick / 5 * _WIDTH
        anchor = {0: "start", 5: "end"}.get(tick, "middle")
        parts.append(_label(place, _BARS + 16, f"{tick / 5:.1f}", anchor=anchor))
    said = f"turns answered at each threshold; at {chosen:.2f} marked"
    return _svg("effect", _WIDTH, _BARS + _AXIS, parts, said)


def _placed(
    stages: Mapping[str, float], total_ms: float
) -> list[tuple[str, float, float]]:
    """Return name, begin and length of each stage. Words are searched while the model embeds."""
    embed = stages.get("embed", 0.0)
    arms = max(embed + stages.get("dense", 0.0), stages.get("lexical", 0.0))
    begins = {"dense": embed, "fuse": arms, "compose": arms + stages.get("fuse", 0.0)}
    rows = []
    for name, ms in stages.items():
        rows.append((name, min(begins.get(name, 0.0), total_ms), ms))
    return [*rows, ("whole turn", 0.0, total_ms)]


def _bar(bar: Mapping[str, Any], x: float, width: float, most: int) -> Markup:
    gap = min(2.0, width / 4)
    parts = []
    top = _BARS
    for kind in _KINDS:
        height = _BARS * bar[kind] / most
        top -= height
        if height:
            parts.append(
                Markup(
                    '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>'
                ).format(
                    kind,
                    _number(x),
                    _number(top),
                    _number(width - gap),
                    _number(height),
                )
            )
    title = f"{_day_and_hour(bar['at'])}: {bar['turns']} turns, {bar['silent']} silent"
    return Markup("<g><title>{}</title>{}</g>").format(title, Markup("").join(parts))


def _grid_line(most: int) -> Markup:
    return Markup('<path class="grid" d="M0 .5H{0}M0 {1}H{0}"/>{2}').format(
        _number(_WIDTH), _BARS, _label(_WIDTH, 10, f"{most:,}", anchor="end")
    )


def _time_ticks(bars: Sequence[Mapping[str, Any]], width: float) -> list[Markup]:
    every = max(1, len(bars) // _TICKS)
    ticks = range(0, len(bars), every)
    return [
        _label(place * width, _BARS + 16, _day_and_hour(bars[place]["at"]))
        for place in ticks
        if place * width < _WIDTH - 80
    ]


def _event_marks(
    summary: Mapping[str, Any], bars: Sequence[Mapping[str, Any]], width: float
) -> list[Markup]:
    if not bars:
        return []
    first, bar_s = bars[0]["at"], summary["bar_s"]
    marks = []
    for event in summary["events"]:
        x = min(_WIDTH - 4, max(4.0, (event["at"] - first) / bar_s * width))
        title = f"{_day_and_hour(event['at'])} {event['kind']}: {event['text']}"
        marks.append(
            Markup(
                '<g><title>{}</title><path class="event {}" d="M{} {}l5 9h-10z"/></g>'
            ).format(printable(title), event["kind"], _number(x), _BARS + _AXIS)
        )
    return marks


def _day_and_hour(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%m-%d %H:%M}"


def _label(x: float, y: float, text: str, *, anchor: str = "start") -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        _number(x), _number(y), anchor, printable(text)
    )


def _svg(
    kind: str,
    width: float,
    height: float,
    parts: Sequence[Markup],
    said: str,
    *,
    fixed: bool = False,
) -> Markup:
    size = Markup("")
    if fixed:
        size = Markup(' width="{}" height="{}"').format(_number(width), _number(height))
    return Markup(
        '<svg class="{}" viewBox="0 0 {} {}"{} role="img" aria-label="{}">{}</svg>'
    ).format(
        kind,
        _number(width),
        _number(height),
        size,
        printable(said),
        Markup("").join(parts),
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
