import pytest

from kbserver.printable import UNSEEN, printable


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
