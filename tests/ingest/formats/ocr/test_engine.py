"""The engine reads what is drawn, raised digits too."""

import numpy as np
import pytest

from tests.ingest.formats.ocr.scans import needs_engine, scan

pytestmark = needs_engine


@pytest.fixture(scope="module")
def engine():
    from kbserver.ingest.formats.ocr.engine import Engine

    return Engine(2)


def texts(engine, image) -> list[str]:
    pixels = np.asarray(image.convert("RGB"))
    return [" ".join(one.text.split()) for one in engine.read(pixels)]


def test_lines_and_their_confidence_are_read(engine):
    image = scan([(60, 60, "Breakfast costs $12.80"), (60, 160, "Call 020 7946 0958")])
    found = engine.read(np.asarray(image.convert("RGB")))
    assert [one.text.strip() for one in found] == [
        "Breakfast costs $12.80",
        "Call 020 7946 0958",
    ]
    assert all(len(one.confidences) == len(one.text) for one in found)
    assert all(min(one.confidences) > 0.5 for one in found)


def test_raised_cents_are_no_thousands(engine):
    assert texts(engine, scan([(60, 60, "Price $669^99")])) == ["Price $669⁹⁹"]


def test_nothing_is_found_where_nothing_is(engine):
    assert texts(engine, scan([])) == []
