import hashlib
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.near_duplicates import sketch_of
from kbserver.retrieval.spoken.form import (
    RULES,
    join_spoken_forms,
    lead,
    spoken_form_of,
)
from kbserver.retrieval.spoken.plain_text import strip_markup
from kbserver.types import Hit, Passage
from tests.languages.english import (
    test_amounts,
    test_dates,
    test_phone_numbers,
    test_verbalise,
)
from tests.retrieval.spoken import test_plain_text

prose = st.text(st.sampled_from("ab Zé£1209.,:;!?'\"-–()/%+&#\n\r\t "), max_size=60)
marked = st.text(st.sampled_from("ab Z1 .:*_`~[]()<>{}|\\&;#-=•\n"), max_size=60)


def worded(passage):
    return Hit(passage, 0.5, spoken_form=spoken_form_of(passage))


def both(one, other):
    return replace(one, text=f"{one.text}\n\n{other.text}")


def test_title_and_nearest_heading_lead_in_unless_the_text_says_so_itself():
    passage = Passage(
        id="a",
        text="Hold the button.",
        title="Your router",
        heading_path=("Resets", "Factory reset"),
    )
    assert lead(passage, passage.text) == "Your router, Factory reset"
    assert (
        lead(
            Passage(id="a", text="x", title="Opening hours"),
            "Opening hours are 9 to 5.",
        )
        == ""
    )
    assert (
        lead(Passage(id="a", text="x", title="Same", heading_path=("Same",)), "Other.")
        == "Same"
    )
    title = Passage(
        id="a", text="x", title="Plans & prices", heading_path=("Plans and prices",)
    )
    assert lead(title, "Other.") == "Plans & prices"


def test_lead_and_content_are_spoken_as_one_sentence():
    spoken_form = spoken_form_of(
        Passage(id="a", text="9–5, **closed** at noon", title="Monday")
    )
    assert (spoken_form.lead, spoken_form.content) == ("Monday", "9–5, closed at noon")
    assert spoken_form.line == "Monday: 9 to 5, closed at noon"


def test_neighbours_in_the_demo_corpora_are_said_as_if_they_were_one(demo_passages):
    pairs = [
        (one, other)
        for one, other in pairwise(demo_passages)
        if (one.source, one.heading_path) == (other.source, other.heading_path)
    ]
    put_together = []
    for one, other in pairs:
        passage = both(one, other)
        form = join_spoken_forms(passage, worded(one), worded(other))
        put_together.append((passage, form))
    ready = [
        (passage, spoken_form)
        for passage, spoken_form in put_together
        if spoken_form is not None
    ]
    assert len(ready) > 0.8 * len(pairs) > 0
    for passage, spoken_form in ready:
        expected = spoken_form_of(passage)
        assert (spoken_form.content, spoken_form.lead, spoken_form.line) == (
            expected.content,
            expected.lead,
            expected.line,
        )


@given(st.one_of(prose, marked), st.one_of(prose, marked))
def test_what_is_put_together_is_what_plain_makes_of_both(one, other):
    first, second = Passage("a", one), Passage("b", other)
    spoken_form = join_spoken_forms(both(first, second), worded(first), worded(second))
    if spoken_form is not None:
        assert spoken_form.content == strip_markup(f"{one}\n\n{other}")


@given(
    st.lists(st.text("abc", min_size=1, max_size=5), min_size=1).map(" ".join),
    st.text("abc", min_size=1),
)
def test_prose_without_marks_is_always_put_together(one, other):
    first, second = Passage("a", one, "Title"), Passage("b", other, "Title")
    spoken_form = join_spoken_forms(both(first, second), worded(first), worded(second))
    assert spoken_form is not None and spoken_form.line == f"Title: {one}. {other}"


def test_no_sentence_is_read_together_with_the_next_passage():
    first, second = (
        Passage("a", "It takes 5 min"),
        Passage("b", "30 days later it ends."),
    )
    spoken_form = join_spoken_forms(both(first, second), worded(first), worded(second))
    assert (
        spoken_form is not None
        and spoken_form.line == "It takes 5 minutes. 30 days later it ends."
    )


def test_a_fence_that_goes_on_is_not_put_together():
    first, second = (
        Passage("a", "```\nmake test"),
        Passage("b", "make all\nmake none\n```"),
    )
    assert join_spoken_forms(both(first, second), worded(first), worded(second)) is None


def test_forms_are_joined_only_if_both_passages_have_one():
    first, second = Passage("a", "One."), Passage("b", "Two.")
    assert (
        join_spoken_forms(both(first, second), worded(first), Hit(second, 0.5)) is None
    )
    assert (
        join_spoken_forms(
            both(first, second), worded(first), replace(worded(first), passage=second)
        )
        is None
    )


def test_the_rules_are_raised_with_every_change_of_a_spoken_form():
    """Covers every example. If only an example was added, the digest changes and RULES may stay."""
    modules = (
        test_plain_text,
        test_verbalise,
        test_amounts,
        test_dates,
        test_phone_numbers,
    )
    digest = hashlib.sha256()
    tables = [*(module.SAID for module in modules), test_verbalise.ON_THE_PAGE]
    for text in sorted({written for table in tables for written, _ in table}):
        spoken_form = spoken_form_of(
            Passage("a", text, title="Prices & dates", heading_path=("Tel",))
        )
        digest.update(
            repr(
                (
                    spoken_form.lead,
                    spoken_form.content,
                    spoken_form.line,
                    sketch_of(text),
                )
            ).encode()
        )
    assert (RULES, digest.hexdigest()[:16]) == (4, "acd63b65bc68cac1"), (
        "raise spoken.form.RULES"
    )
