import pytest

from kbserver.printable import UNSEEN, printable, size


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ‹text› ü", "plain ‹text› ü"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("half \ud800", "half \\ud800"),
        ("a\ttab", "a\ttab"),
    ],
)
def test_what_cannot_be_seen_is_shown(text, shown):
    assert printable(text) == shown
    assert UNSEEN.search(printable(text)) is None


def test_newlines_may_stay():
    assert printable("two\nlines\r", newlines=True) == "two\nlines\\r"


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 KB"),
        (1_540_000, "1.5 MB"),
        (2_000_000_000, "2.0 GB"),
        (3e12, "3000.0 GB"),
    ],
)
def test_a_size_is_said_in_the_unit_that_fits(count, shown):
    assert size(count) == shown
