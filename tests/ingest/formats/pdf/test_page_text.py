"""Pages that lie on their side, and text that runs another way than most of its page."""

import math

import pytest

from kbserver.ingest.load import load
from tests.ingest.formats.pdf.written import drawn, write_page

ROWS = (
    ("Length", "Summer", "Winter"),
    ("to 8 m", "$310", "$190"),
    ("to 12 m", "$480", "$260"),
)
FEES = [
    "Length: to 8 m; Summer: $310; Winter: $190.",
    "Length: to 12 m; Summer: $480; Winter: $260.",
]


def texts_of(path) -> list[str]:
    [document] = load(path, path.name)
    return [block.text for block in document.blocks]


def drawn_table(angle: int) -> bytes:
    """Return the drawing of the fees, turned to the left around the page's middle."""
    content = b""
    cosine, sine = (
        round(math.cos(math.radians(angle))),
        round(math.sin(math.radians(angle))),
    )
    for down, row in enumerate(ROWS):
        for right, text in enumerate(row):
            x, y = 150 * right - 150, 100 - 20 * down
            content += drawn(
                297 + x * cosine - y * sine,
                421 + x * sine + y * cosine,
                text,
                angle=angle,
            )
    return content


@pytest.mark.parametrize("angle", [0, 90, 180, 270])
@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_a_table_is_read_however_it_is_turned(tmp_path, angle, rotate):
    path = write_page(
        tmp_path / "a.pdf", drawn_table(angle), page=b"/Rotate %d" % rotate
    )
    assert texts_of(path) == FEES


def test_text_at_the_side_of_an_upright_page_comes_below_it(tmp_path):
    content = drawn(60, 700, "The pool is open from seven to nine on every day.")
    content += drawn(560, 100, "Printed in May 2026", angle=90)
    assert texts_of(write_page(tmp_path / "a.pdf", content)) == [
        "The pool is open from seven to nine on every day.",
        "Printed in May 2026",
    ]


def test_a_slanted_watermark_is_named_and_not_spoken(tmp_path):
    content = drawn(60, 700, "The pool is open from seven to nine.")
    content += drawn(200, 300, "SPECIMEN", angle=45)
    [document] = load(write_page(tmp_path / "a.pdf", content), "a.pdf")
    assert [block.text for block in document.blocks] == [
        "The pool is open from seven to nine."
    ]
    assert document.notes == (
        "not spoken: slanted text “SPECIMEN”; set it straight if it matters",
    )
