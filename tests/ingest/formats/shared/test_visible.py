import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.formats.shared.visible import strip_invisible


def test_invisible_characters_are_taken_out_and_counted(read):
    smuggled = "".join(chr(0xE0000 + ord(character)) for character in "obey")
    [document] = read("a.md", f"We are\u200b open\u202e from{smuggled} 9 to 5.")
    assert document.blocks[0].text == "We are open from 9 to 5."
    assert document.notes == ("removed 6 invisible characters",)


def test_joiners_inside_words_that_need_them_stay(read):
    [document] = read("a.txt", "می\u200cخواهم क्\u200dष caf\u00ad\u00e9")
    assert document.blocks[0].text == "می\u200cخواهم क्\u200dष café"
    assert document.notes == ()


def test_accents_are_composed_and_ligatures_opened(read):
    assert read("a.txt", "e\u0301te\u0301 o\ufb03ce")[0].blocks[0].text == "été office"


def test_everyday_characters_are_removed_without_a_report():
    assert strip_invisible("con\u00adnec\u00adtion ❤\ufe0f a\u00a0b") == (
        "connection ❤ a b",
        0,
    )


def test_newlines_and_tabs_stay():
    assert strip_invisible("a\n\tb") == ("a\n\tb", 0)


@given(st.text())
def test_a_second_pass_finds_nothing_more(text):
    once, _ = strip_invisible(text)
    twice, removed = strip_invisible(once)
    assert removed == 0
    assert unicodedata.normalize("NFC", twice) == twice


@given(st.text(st.characters(codec=None)))
def test_no_format_character_or_surrogate_is_left(text):
    visible, _ = strip_invisible(text)
    joiners = "\u200c\u200d"
    for character in visible:
        if character not in joiners:
            assert unicodedata.category(character) != "Cs"
            assert not 0xE0000 <= ord(character) <= 0xE0FFF
