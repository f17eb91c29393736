import pytest

from kbserver.ingest.blocks import counted, is_not_spoken, not_spoken, title_from


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("getting-started.md", "Getting started"),
        ("faq/opening_hours.txt", "Opening hours"),
        ("a/VAT  rates.csv#row-3", "VAT rates"),
        ("2026.md", "2026"),
    ],
)
def test_a_title_is_made_from_the_name_of_the_file(source, title):
    assert title_from(source) == title


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1 slide"), (0, "0 slides"), (12345, "12,345 slides")]
)
def test_a_number_is_said_with_its_noun(number, text):
    assert counted(number, "slide") == text


def test_a_note_on_what_is_lost_says_what_to_do_and_is_known_as_one():
    note = not_spoken("1 picture on page 2", "write in the text what callers need")
    assert note == (
        "not spoken: 1 picture on page 2; write in the text what callers need"
    )
    assert is_not_spoken(note)
    assert not is_not_spoken("left out 1 hidden slide")
