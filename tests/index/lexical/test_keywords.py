"""The names of a corpus are found, and its ordinary words are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.lexical.keywords import Keyword, keywords

TEXTS = (
    "Meshpod\nYou can pair the Meshpod with the app of Northlake in two minutes. Press WPS first.",
    "Faults\nA light of the Meshpod is red when the HG-612 is off. Northlake repairs it on Monday.",
    "How To Cancel\nYour contract ends when you write to us. Please see https://Example.com/Xyzzy.",
)


def test_names_and_codes_come_first_and_sentences_begin_with_no_name() -> None:
    found = keywords(TEXTS, language="english", top=10)
    assert {one.word for one in found} == {"Meshpod", "Northlake", "HG-612", "WPS"}
    assert found[0] == Keyword("Meshpod", 3, 2)
    assert keywords(TEXTS, language="english", top=1) == found[:1]


def test_a_script_without_capitals_gives_its_rare_words() -> None:
    text = "राउटर\nअपने राउटर का बटन दस सेकंड तक दबाकर रखें और फिर छोड़ दें"
    words = [one.word for one in keywords([text], language="hindi", top=3)]
    assert words[0] == "राउटर"
    assert "का" not in words


def test_a_word_that_most_passages_hold_needs_no_boost() -> None:
    texts = [f"You can ask Acme for the plan of number {at} today" for at in range(50)]
    assert keywords(texts, language="english", top=5) == []


@pytest.mark.parametrize("texts", [(), ("",), ("12 13",), ("\n\n",)])
def test_a_corpus_without_names_gives_none(texts: tuple[str, ...]) -> None:
    assert keywords(texts, language="none", top=5) == []


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_can_be_looked_through(texts: list[str]) -> None:
    found = keywords(texts, language="english", top=5)
    assert all(0 < one.passages <= one.occurrences for one in found)
