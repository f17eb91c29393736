import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.office.running import (
    fact_blocks,
    facts_of,
    is_fact,
    said_at_the_end,
)


@pytest.mark.parametrize(
    "text",
    [
        "Emergencies: 0800 555 0187",
        "From $39 a month",
        "Valid until 31.12.",
        "Gültig bis 31.12.2026",
        "All prices excl. VAT",
        "plus 19 % MwSt.",
        "Questions? help@acme.example",
    ],
)
def test_what_a_caller_may_ask_for_is_a_fact(text):
    assert is_fact(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Acme handbook 2026",
        "Page 3 of 12",
        "Version 2.4, 2026-05-01",
        "Printed on 01.05.2026",
        "Confidential",
        "www.acme.example",
    ],
)
def test_titles_versions_and_page_numbers_are_none(text):
    assert not is_fact(text)


def test_a_fact_is_kept_once_and_without_its_page_number():
    texts = [f"Page {page} of 12 | Tel. 0228 123456" for page in range(1, 13)]
    assert facts_of([*texts, "Acme", "From $39"]) == ["Tel. 0228 123456", "From $39"]


def test_facts_stand_below_no_heading():
    assert fact_blocks(["From $39"]) == [
        Block("heading", "", 1),
        Block("paragraph", "From $39"),
    ]
    assert fact_blocks([]) == []
    assert said_at_the_end("footer", []) == []
    assert said_at_the_end("footer", ["From $39", "1" * 90]) == [
        f"said once, at the end: the footer “From $39”, “{'1' * 80}…”"
    ]


@given(st.lists(st.text("0123456789 |-$.Page until", max_size=60), max_size=8))
def test_a_fact_says_no_number_that_its_line_does_not(texts):
    whole = " ".join(" ".join(texts).split())
    for fact in facts_of(texts):
        assert all(part in whole for part in fact.split())
