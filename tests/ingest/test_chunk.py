import re
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block, Document
from kbserver.ingest.chunk import chunk, embedding_text


def document(*blocks: Block, title: str = "Handbook", **metadata: object) -> Document:
    return Document("handbook.md", title, blocks, metadata)


def heading(text: str, level: int = 2) -> Block:
    return Block("heading", text, level)


def paragraph(text: str) -> Block:
    return Block("paragraph", text)


def sentences(count: int, about: str) -> str:
    return " ".join(
        f"Sentence {number} tells something about {about}." for number in range(count)
    )


def is_subsequence(wanted: str, found: str) -> bool:
    """Whether the characters of one text, white space apart, occur in another in the same order."""
    rest = iter(found)
    return all(character in rest for character in re.sub(r"\s", "", wanted))


def test_a_document_without_blocks_gives_no_passages(count_tokens):
    assert chunk(document(), count_tokens=count_tokens, max_tokens=256) == []


def test_a_limit_too_small_for_any_word_is_refused(count_tokens):
    with pytest.raises(ValueError, match="at least 16"):
        chunk(document(paragraph("Hello.")), count_tokens=count_tokens, max_tokens=15)


def test_the_embedded_text_is_title_headings_and_text_a_line_each():
    assert (
        embedding_text("Handbook", ["Prices", "Abroad"], "It is free.")
        == "Handbook\nPrices\nAbroad\nIt is free."
    )
    assert embedding_text("", [], "It is free.") == "It is free."


def test_a_passage_knows_the_headings_above_it(count_tokens):
    drafts = chunk(
        document(
            paragraph("Welcome."),
            heading("Prices"),
            paragraph("They include tax."),
            heading("Is it free abroad?", 3),
            paragraph("Yes."),
            heading("Contact"),
            paragraph("Ring us."),
        ),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert [(draft.position, draft.heading_path, draft.text) for draft in drafts] == [
        (0, (), "Welcome."),
        (1, ("Prices",), "They include tax."),
        (2, ("Prices", "Is it free abroad?"), "Yes."),
        (3, ("Contact",), "Ring us."),
    ]


def test_short_sections_below_level_two_share_a_passage_with_their_headings_in_it(
    count_tokens,
):
    [draft] = chunk(
        document(
            heading("Zones"),
            heading("Zone 1", 3),
            paragraph("Europe."),
            heading("Zone 2", 3),
            paragraph("Asia."),
        ),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert (draft.heading_path, draft.text) == (
        ("Zones",),
        "Zone 1\nEurope.\nZone 2\nAsia.",
    )


def test_an_empty_heading_text_closes_its_level(count_tokens):
    drafts = chunk(
        document(
            heading("Prices"),
            heading("Can I pay by card?", 6),
            paragraph("Yes."),
            heading("", 6),
            paragraph("More."),
        ),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert [draft.heading_path for draft in drafts] == [
        ("Prices", "Can I pay by card?"),
        ("Prices",),
    ]


def test_a_heading_with_nothing_below_it_is_no_passage_but_is_not_lost(count_tokens):
    drafts = chunk(
        document(
            heading("Prices"),
            paragraph("They include tax."),
            heading("Forms"),
            heading("Contact"),
            paragraph("Ring."),
        ),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert [(draft.heading_path, draft.text) for draft in drafts] == [
        (("Prices",), "They include tax.\nForms"),
        (("Contact",), "Ring."),
    ]


def test_paragraphs_are_packed_up_to_the_target_and_never_cut_when_they_fit(
    count_tokens,
):
    paragraphs = [sentences(6, f"topic {number}") for number in range(12)]
    drafts = chunk(
        document(*map(paragraph, paragraphs)),
        count_tokens=count_tokens,
        max_tokens=256,
        target_tokens=160,
    )
    assert [line for draft in drafts for line in draft.text.split("\n")] == paragraphs
    assert len(drafts) < len(paragraphs)
    assert all(count_tokens(draft.embedded) <= 160 for draft in drafts)


def test_a_paragraph_that_is_too_long_is_cut_between_sentences(count_tokens):
    drafts = chunk(
        document(paragraph(sentences(80, "roaming"))),
        count_tokens=count_tokens,
        max_tokens=128,
    )
    assert len(drafts) > 3
    assert all(
        draft.text.startswith("Sentence") and draft.text.endswith("roaming.")
        for draft in drafts
    )


def test_a_list_that_is_cut_repeats_the_sentence_that_introduces_it(count_tokens):
    lead_in = "Bring the following with you:"
    items = [
        Block("list_item", f"- {sentences(3, f'paper {number}')}", 1, lead_in)
        for number in range(12)
    ]
    drafts = chunk(
        document(paragraph(lead_in), *items), count_tokens=count_tokens, max_tokens=128
    )
    assert len(drafts) > 2
    assert all(
        draft.text.startswith(lead_in) and draft.text.count(lead_in) == 1
        for draft in drafts
    )


def test_a_list_that_fits_is_kept_whole_behind_a_long_paragraph(count_tokens):
    items = [
        Block("list_item", f"- thing number {number} of ten", 1, "You need:")
        for number in range(10)
    ]
    drafts = chunk(
        document(paragraph(sentences(22, "moving")), paragraph("You need:"), *items),
        count_tokens=count_tokens,
        max_tokens=256,
        target_tokens=180,
    )
    assert [draft.text for draft in drafts if "You need" in draft.text] == [
        "\n".join(["You need:", *(item.text for item in items)])
    ]


def test_a_small_table_stays_whole(count_tokens):
    rows = [
        Block("table_row", f"Day: {day}; Open: 9 to 5.")
        for day in ("Monday", "Tuesday", "Wednesday")
    ]
    [draft] = chunk(
        document(heading("Opening hours"), *rows),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert draft.text.count("Day:") == 3


def test_each_row_of_a_larger_table_is_a_passage_with_the_caption(count_tokens):
    rows = [
        Block(
            "table_row",
            f"Plan: Fibre {number}; Price: ${number} a month; Speed: {number} Mbit.",
            lead_in="Prices in May",
        )
        for number in range(100, 107)  # 140 tokens: more than half the target
    ]
    drafts = chunk(
        document(paragraph("Prices in May"), *rows),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert [draft.text for draft in drafts] == [
        f"Prices in May\n{row.text}" for row in rows
    ]


def test_each_record_is_a_passage(count_tokens):
    drafts = chunk(
        document(Block("record", "name: North."), Block("record", "name: South.")),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert [draft.text for draft in drafts] == ["name: North.", "name: South."]


def test_code_is_kept_whole_with_its_line_breaks(count_tokens):
    code = "def price(plan):\n\n    return plan.price"
    drafts = chunk(
        document(paragraph(sentences(16, "code")), Block("code", code)),
        count_tokens=count_tokens,
        max_tokens=200,
    )
    assert code in drafts[-1].text


def test_a_very_short_last_piece_joins_the_passage_before_it(count_tokens):
    drafts = chunk(
        document(paragraph(sentences(20, "moving")), paragraph("Ring us.")),
        count_tokens=count_tokens,
        max_tokens=256,
        target_tokens=145,
    )
    assert len(drafts) == 1
    assert count_tokens(drafts[0].embedded) > 145


def test_a_title_too_long_for_the_window_is_cut_and_said_in_full_once(count_tokens):
    title = " ".join(f"word{number}" for number in range(200))
    drafts = chunk(
        document(paragraph("Ring us."), title=title),
        count_tokens=count_tokens,
        max_tokens=64,
    )
    assert all(title.startswith(draft.title) and draft.title for draft in drafts)
    assert is_subsequence(title, " ".join(draft.text for draft in drafts))


def test_an_extra_phrasing_goes_to_the_passage_it_fits_best(count_tokens):
    drafts = chunk(
        document(
            heading("Refunds"),
            paragraph("Money is returned within 14 days."),
            heading("Notice"),
            paragraph("Cancel a month before."),
            questions=["when is my money returned", "how do i cancel", "xyzzy"],
        ),
        count_tokens=count_tokens,
        max_tokens=256,
    )
    assert [draft.questions for draft in drafts] == [
        ("when is my money returned", "xyzzy"),
        ("how do i cancel",),
    ]


def test_the_work_grows_in_proportion_to_the_length_of_a_document(count_tokens):
    def characters_counted(paragraphs: int) -> int:
        counted = 0

        def count(text: str) -> int:
            nonlocal counted
            counted += len(text)
            return count_tokens(text)

        topics = (f"topic {number}" for number in range(paragraphs))
        blocks = [paragraph(sentences(4, topic)) for topic in topics]
        chunk(document(*blocks), count_tokens=count, max_tokens=256)
        return counted

    assert characters_counted(1600) < 10 * characters_counted(200)  # 8 times the text


def test_the_work_on_one_long_paragraph_grows_in_proportion_to_its_length(count_tokens):
    def characters_counted(count: int) -> int:
        counted = 0

        def count_and_add(text: str) -> int:
            nonlocal counted
            counted += len(text)
            return count_tokens(text)

        block = paragraph(sentences(count, "roaming"))
        chunk(document(block), count_tokens=count_and_add, max_tokens=64)
        return counted

    assert characters_counted(1600) < 12 * characters_counted(200)


@pytest.mark.parametrize(
    "unbroken", ["x" * 50_000, "営業時間は毎日九時からです。" * 400]
)
def test_text_without_spaces_is_cut_although_a_tokenizer_takes_it_for_one_unknown_word(
    count_tokens, unbroken
):
    drafts = chunk(
        document(paragraph(unbroken)), count_tokens=count_tokens, max_tokens=256
    )
    assert "".join(draft.text for draft in drafts).replace("\n", "") == unbroken
    assert max(len(draft.text) for draft in drafts) <= 256 * 16


def test_the_limit_holds_for_a_tokenizer_whose_counts_do_not_add_up():
    def words_and_newlines(
        text: str,
    ) -> int:  # as byte-level tokenizers do; counts of lines leave the joints out
        return len(text.split()) + text.count("\n") + 2

    blocks = [paragraph(f"Topic {number} follows.") for number in range(200)]
    drafts = chunk(
        document(heading("Long list of it"), *blocks),
        count_tokens=words_and_newlines,
        max_tokens=64,
        target_tokens=64,
    )
    assert max(words_and_newlines(draft.embedded) for draft in drafts) <= 64


words = st.one_of(
    st.text(string.ascii_letters + string.digits + ".,;:!?-'", min_size=1, max_size=12),
    st.text(min_size=1, max_size=8),  # any script, emoji, control characters
    st.text(
        "営業時間は毎日九時からです。", min_size=20, max_size=150
    ),  # no spaces to cut at
    st.text("abcxyz", min_size=100, max_size=400),
)
texts = st.lists(words, min_size=1, max_size=60).map(" ".join).filter(str.strip)
blocks = st.lists(
    st.one_of(
        st.builds(
            Block, st.just("heading"), st.one_of(texts, st.just("")), st.integers(1, 6)
        ),
        st.builds(Block, st.just("paragraph"), texts),
        st.builds(
            Block,
            st.just("list_item"),
            texts,
            st.integers(1, 3),
            st.one_of(texts, st.just("")),
        ),
        st.builds(
            Block,
            st.just("table_row"),
            texts,
            st.just(0),
            st.one_of(texts, st.just("")),
        ),
        st.builds(Block, st.just("code"), texts),
        st.builds(Block, st.just("record"), texts),
    ),
    max_size=8,
)


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    blocks=blocks,
    title=st.one_of(texts, st.just("")),
    max_tokens=st.integers(16, 300),
    target=st.integers(1, 300),
)
def test_nothing_is_lost_and_no_passage_is_over_the_limit(
    count_tokens, blocks, title, max_tokens, target
):
    cut = Document("any.md", title, tuple(blocks))
    drafts = chunk(
        cut, count_tokens=count_tokens, max_tokens=max_tokens, target_tokens=target
    )

    assert all(count_tokens(draft.embedded) <= max_tokens for draft in drafts)
    assert [draft.position for draft in drafts] == list(range(len(drafts)))
    assert all(draft.text.strip() for draft in drafts)
    text = "\n".join(draft.text for draft in drafts)
    assert is_subsequence(
        "".join(block.text for block in blocks if block.kind != "heading"), text
    )
    everything = "\n".join(draft.embedded for draft in drafts)
    for block in blocks:
        assert is_subsequence(block.text, everything)
    if drafts:
        assert is_subsequence(title, everything)


def test_a_passage_is_as_sure_as_its_least_sure_block():
    blocks = (
        Block("paragraph", "It opens at nine.", confidence=0.9),
        Block("paragraph", "It costs $12.80.", confidence=0.85),
        Block("heading", "Text", 1),
        Block("paragraph", "Closed on Monday."),
    )
    drafts = chunk(
        Document("a.pdf", "A", blocks),
        count_tokens=lambda text: len(text),
        max_tokens=256,
    )
    assert [draft.confidence for draft in drafts] == [0.85, None]
