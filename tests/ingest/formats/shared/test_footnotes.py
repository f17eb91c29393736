import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.shared.footnotes import mark, placed

NOTE = mark("In May.")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"It costs $39{NOTE} a month.", "It costs $39 a month (In May)."),
        (f"24 cents{NOTE} a day and more", "24 cents a day (In May) and more"),
        (f"$5{NOTE}, $6{mark('b')}", "$5 (In May), $6 (b)"),
        (f"$5{NOTE}{mark('b')}", "$5 (In May; b)"),
        (f"It is so.{NOTE} Next.", "It is so. (In May) Next."),
        (f"(see{NOTE} there) now", "(see there (In May)) now"),
        ("no mark", "no mark"),
    ],
)
def test_a_footnote_is_said_at_the_end_of_its_clause(text, said):
    assert placed(text) == said


@given(
    st.lists(st.sampled_from(["a ", "b. ", "c, ", NOTE, "\ufdd0", "\ufdd1", " and "]))
)
def test_no_word_is_lost_and_no_mark_left(parts):
    said = placed("".join(parts))
    assert "\ufdd0" not in said and "\ufdd1" not in said
    assert said.count("a ") + said.count("b.") + said.count("c,") >= 0
    assert said.count("In May") == parts.count(NOTE)
