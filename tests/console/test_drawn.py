"""Pictures are SVG that can be parsed, with their figures in words, and no style of their own."""

import re

import pytest
from lxml import etree

from kbserver.console import drawn

TURN = {
    "total_ms": 9.0,
    "budget_ms": 150.0,
    "stages_ms": {"embed": 5.0, "dense": 1.0, "lexical": 3.0, "fuse": 0.5},
}
BAR = {"at": 1_800_000_000, "turns": 4, "answered": 2, "silent": 1, "small_talk": 1}
SUMMARY = {
    "bars": [BAR, BAR | {"turns": 0, "answered": 0, "silent": 0, "small_talk": 0}],
    "bar_s": 3600,
    "totals": BAR,
    "events": [{"at": 1_800_003_600, "kind": "start", "text": "<b>\u202e</b>"}],
}
CURVE = [{"min_score": step / 10, "answered": 10 - step} for step in range(11)]
PICTURES = {
    "hours": drawn.hours(SUMMARY),
    "no hours": drawn.hours(SUMMARY | {"bars": [], "events": []}),
    "score": drawn.score_bar(0.5, 0.15, answered=True),
    "no threshold": drawn.score_bar(1.5, None, answered=False),
    "waterfall": drawn.waterfall(TURN),
    "no stages": drawn.waterfall(TURN | {"stages_ms": {}, "budget_ms": 0.0}),
    "dots": drawn.dots([{"outcome": "full"}, {"outcome": "empty"}]),
    "effect": drawn.effect(CURVE, 0.3),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_svg_that_says_in_words_what_it_shows(name):
    root = etree.fromstring(PICTURES[name])
    assert root.tag == "svg" and root.get("role") == "img"
    assert root.get("aria-label")
    assert not re.search(r"style=|<script|on\w+=", PICTURES[name])


def by_class(picture, name):
    root = etree.fromstring(picture)
    return [one for one in root.iter() if one.get("class") == name]


def test_bars_are_as_high_as_their_share_of_the_highest():
    heights = [
        float(bar.get("height"))
        for kind in ("answered", "small_talk", "silent")
        for bar in by_class(PICTURES["hours"], kind)
    ]
    assert heights == [60.0, 30.0, 30.0]


def test_a_mark_stands_where_its_event_was_and_its_text_is_text():
    (mark,) = by_class(PICTURES["hours"], "event start")
    assert mark.get("d").startswith("M480 ")
    assert "&lt;b&gt;\\u202e" in PICTURES["hours"]


def test_a_score_is_a_bar_against_its_threshold():
    (bar,) = by_class(PICTURES["score"], "answered")
    (line,) = by_class(PICTURES["score"], "line")
    assert (bar.get("width"), line.get("d")) == ("50", "M15 -2V12")
    (over,) = by_class(PICTURES["no threshold"], "near")
    assert over.get("width") == "100"


def test_a_stage_begins_where_those_before_it_end():
    rects = by_class(PICTURES["waterfall"], "stage")
    begins = [float(one.get("x")) for one in rects]
    embed, dense, lexical, fuse, whole = begins
    assert embed == lexical == whole == 90.0
    scale = (dense - embed) / 5.0
    assert fuse == pytest.approx(90 + 6.0 * scale, abs=0.2)
