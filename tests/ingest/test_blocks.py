import pytest

from kbserver.ingest.blocks import title_from


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
