import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from kbserver.evaluation.plot import picture
from kbserver.retrieval.calibration import Calibration, CurvePoint

SVG = "{http://www.w3.org/2000/svg}"
CURVE = (
    CurvePoint(0.0, 1.0, 1.0),
    CurvePoint(0.5, 0.8, 0.2),
    CurvePoint(1.0, 0.0, 0.0),
)
CALIBRATION = Calibration(
    min_score=0.5,
    keep=0.8,
    at=CURVE[1],
    answerable=9,
    unanswerable=9,
    rough=False,
    generation="g",
    fingerprint="f",
    date="now",
    curve=CURVE,
)


@pytest.fixture(scope="module")
def root() -> ElementTree.Element:
    drawn = picture(CALIBRATION, "a<b")
    return ElementTree.fromstring(drawn)  # noqa: S314 - drawn a line above


def points(line: ElementTree.Element) -> list[tuple[float, float]]:
    pairs = [pair.split(",") for pair in line.get("points", "").split()]
    return [(float(x), float(y)) for x, y in pairs]


def test_both_curves_are_drawn_to_scale(root):
    kept, false = (points(line) for line in root.iter(f"{SVG}polyline"))
    (left, top), (middle, at_kept), (right, bottom) = kept
    assert left < middle < right and middle == pytest.approx((left + right) / 2)
    assert top < bottom  # 1 is above 0
    assert at_kept == pytest.approx(bottom - 0.8 * (bottom - top))
    assert (false[0], false[2]) == (kept[0], kept[2])
    assert false[1] == (middle, pytest.approx(bottom - 0.2 * (bottom - top)))


def test_the_choice_is_marked_on_both_curves(root):
    kept, false = (points(line) for line in root.iter(f"{SVG}polyline"))
    marks = [
        (float(dot.get("cx", "")), float(dot.get("cy", "")))
        for dot in root.iter(f"{SVG}circle")
    ]
    assert marks == [kept[1], false[1]]


def test_everything_lies_inside_the_picture(root):
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    for line in root.iter(f"{SVG}polyline"):
        for x, y in points(line):
            assert 0 < x < width and 0 < y < height


def test_the_words_name_the_corpus_and_the_figures(root):
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert "a<b: what a least score keeps and lets through" in texts
    assert "right passages kept, 80%" in texts
    assert "false groundings, 20%" in texts
    assert "min_score = 0.500" in texts


def test_a_choice_between_two_points_lies_on_its_curve():
    chosen = CurvePoint(0.25, 0.95, 0.9)
    drawn = picture(replace(CALIBRATION, min_score=0.25, at=chosen), "docs")
    root = ElementTree.fromstring(drawn)  # noqa: S314 - drawn a line above
    curves = [points(line) for line in root.iter(f"{SVG}polyline")]
    marks = [
        (float(dot.get("cx", "")), float(dot.get("cy", "")))
        for dot in root.iter(f"{SVG}circle")
    ]
    assert [mark in curve for mark, curve in zip(marks, curves, strict=True)] == [
        True,
        True,
    ]
    assert all(curve == sorted(curve) for curve in curves)
