from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.pdf.running_lines import (
    facts_in,
    without_running_lines,
)
from tests.ingest.formats.pdf.lines import paragraph, text_line


def page(number: int, *edges: str) -> list:
    """Return a page whose text differs from that of all others."""
    body = [f"Part {'abcdefgh'[number]} of it {line}" for line in "xyz"]
    top = [text_line(text, 800 - 12 * at, size=9) for at, text in enumerate(edges)]
    return [
        *top,
        *paragraph(600, *body),
        text_line(f"Page {number + 7} of 40", 30, size=9),
    ]


def test_headers_and_page_numbers_are_removed():
    kept, removed = without_running_lines([page(n, "Handbook") for n in range(4)])
    assert removed == 8
    assert [len(one) for one in kept] == [3] * 4


def test_a_single_page_keeps_everything():
    only = page(0, "Handbook")
    assert without_running_lines([only, []]) == ([only, []], 0)


def test_a_line_on_few_of_the_pages_stays():
    pages = [page(n, "Handbook" if n < 2 else f"Other {'abcdef'[n]}") for n in range(6)]
    kept, removed = without_running_lines(pages)
    assert removed == 6  # the page numbers
    assert kept[0][0].text == "Handbook"


def test_a_repeated_line_in_the_middle_of_the_page_stays():
    pages = [[*page(n), text_line("Press the button.", 400)] for n in range(4)]
    kept, _ = without_running_lines(pages)
    assert all(one[-1].text == "Press the button." for one in kept)


def test_a_heading_that_counts_chapters_stays():
    pages = [[text_line(f"Chapter {n + 1}", 800, size=16), *page(n)] for n in range(4)]
    kept, removed = without_running_lines(pages)
    assert removed == 4  # the page numbers
    assert [one[0].text for one in kept] == [f"Chapter {n + 1}" for n in range(4)]


def test_lines_stay_in_their_order():
    pages = [page(n, "Handbook") for n in range(3)]
    kept, _ = without_running_lines(pages)
    assert kept == [[line for line in one if line.size == 11] for one in pages]


lines = st.builds(
    text_line,
    st.sampled_from(("Page 1", "Page 2", "Handbook", "Text", "7")),
    st.sampled_from((30.0, 44.0, 400.0, 780.0, 800.0)),
)


@given(st.lists(st.lists(lines, max_size=5), max_size=5))
def test_every_line_is_kept_or_counted(pages):
    kept, removed = without_running_lines(pages)
    assert sum(map(len, kept)) + removed == sum(map(len, pages))
    for before, after in zip(pages, kept, strict=True):
        rest = iter(before)
        assert all(line in rest for line in after)


def test_running_lines_with_a_phone_number_or_a_price_are_facts():
    texts = ["Emergencies: 0800 555 0187", "Handbook 2026, page 12", "From $30 a night"]
    texts += [
        "Code, version 11, January 2025 Page 1",
        "2024-2025, page 317",
        "Of 2025-01-11",
    ]
    page = [text_line(text, 700 - 20 * at) for at, text in enumerate(texts)]
    body = text_line("A line of the body with 1234567 in it.", 400)
    assert facts_in([[*page, body], page], [[body], []]) == [texts[0], texts[2]]
