"""What was spelled is put together as the corpus writes it, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.lexical.tokens import tokenize
from kbserver.languages.english.codes import as_written
from kbserver.languages.english.numbers import say
from kbserver.languages.english.words import SPELLING_ALPHABET, SPOKEN_STOP_WORDS
from kbserver.languages.profile import Written
from tests.test_pages import in_code, read, rows

ON_THE_PAGE = [
    [in_code(cell)[0] for cell in row]
    for row in rows(read("docs/speech.md"), "Heard and found")
]
SHOP = """
    Filter AQ-7712, Filter AQ-7721, AQ-7112, Seal kit SK-40B, SK-40D, Pump head 3PH-1150, Error E04,
    E14, E40, WM 6, WM 9, ECG appointment, ENT clinic, MRI, VAT receipts, Galaxy A55, S24, Pixel 8a,
    iPhone 15 Pro, Fibre 50, 500 Mbit/s, USB-C, HDMI 2.1, extension 42, Unit 4B, 221B, 0800 555 0141
    room 3.07, at 3 pm, a 5G plan, seat B2, lift
"""


def knows_of(text: str) -> Callable[[str], bool]:
    known = set(tokenize(text))

    def knows(word: str) -> bool:
        terms = tokenize(word)
        return word not in SPOKEN_STOP_WORDS and len(terms) == 1 and terms[0] in known

    return knows


def searched(heard: str, corpus: str) -> str:
    written = as_written(heard.split(), knows_of(corpus))
    if written is None:
        return heard
    return " ".join(written.words)


@pytest.mark.parametrize(("heard", "corpus", "found"), ON_THE_PAGE)
def test_the_page_says_what_is_searched_for(
    heard: str, corpus: str, found: str
) -> None:
    assert searched(heard, corpus) == found


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ("a q seven seven two one", "aq 7721"),
        ("a-q seventy-seven twelve", "aq 7712"),
        ("a q 77 12", "aq 7712"),
        ("aq seventy seven twelve", "aq 7712"),
        ("a q hyphen seven one one two", "aq 7112"),
        ("alfa quebec triple seven", "alfa quebec triple seven"),
        ("e o four", "e04"),
        ("eo4", "e04"),
        ("e nought four", "e04"),
        ("capital e zero four", "e04"),
        ("e for elephant oh four", "e04"),
        ("e like echo fourteen", "e14"),
        ("error echo oh four", "error e04"),
        ("sierra kilo forty bravo", "sk 40b"),
        ("s k forty d as in dog", "sk 40d"),
        ("sk forty b", "sk 40b"),
        ("three papa hotel one one five zero", "3ph 1150"),
        ("the e-n-t clinic", "the ent clinic"),
        ("v a t receipts", "vat receipts"),
        ("galaxy a fifty five", "galaxy a55"),
        ("a pixel eight a in good condition", "a pixel 8a in good condition"),
        ("u s b c cable", "usb c cable"),
        ("extension four two", "extension 42"),
        ("unit four b", "unit 4b"),
        ("two two one b", "221b"),
        ("oh eight hundred five five five oh one four one", "0800 555 0141"),
        ("room three point oh seven", "room 3.07"),
        ("at three p m", "at 3 pm"),
        ("a five g plan", "a 5g plan"),
        ("seat b two", "seat b2"),
        ("fibre fifty", "fibre 50"),
    ],
)
def test_a_code_is_found_however_it_is_said(heard: str, found: str) -> None:
    assert searched(heard, SHOP) == found


@pytest.mark.parametrize(
    "heard",
    [
        "how do i return a filter",
        "do you have a lift",
        "a b c",
        "plan b",
        "i have a q",
        "is there a v p n",
        "a q nine nine nine nine",
        "one or two people",
        "am i too late",
        "oh no",
        "x",
        "",
    ],
)
def test_what_the_corpus_does_not_hold_stays_as_it_was_said(heard: str) -> None:
    assert searched(heard, SHOP) == heard


@pytest.mark.parametrize(
    ("heard", "corpus", "found"),
    [
        ("where is twelve oh four", "Suite 12.04", "where is 12.04"),
        ("where is twelve oh four", "12/04", "where is 12 04"),
        ("room three dash oh seven", "Room 3-07", "room 3 07"),
        ("room three point oh seven", "Room 307", "room 307"),
        ("room three point oh seven", "Room 3.07, 307", "room 3.07"),
        ("room b three point oh seven", "Room B3.07", "room b3 07"),
        ("room b three oh seven", "Room B-3.07", "room b 3.07"),
        ("room b 307", "Room B3.07", "room b3 07"),
        ("room number 307", "Room 3-07", "room number 3 07"),
        ("room 3:07", "Room 3.07", "room 3.07"),
        ("room three oh seven", "307, 3.07, 3-07", "room 307"),
    ],
)
def test_a_separator_need_not_be_said(heard: str, corpus: str, found: str) -> None:
    assert searched(heard, corpus) == found


@pytest.mark.parametrize(
    ("heard", "corpus"),
    [
        ("is it 307", "3.07"),
        ("500 dollars", "5.00"),
        ("five fifty", "5.50"),
        ("room twelve", "Room twelve, 12 guests"),
        ("room 312", "3 beds, 12 guests"),
        ("room 123456", "123 or 456"),
        ("room 123456", "1.23456"),
        ("five five five oh one four one", "5.55, 0.141"),
        ("version two point five", "2 or 5"),
        ("version two point five", "25"),
        ("at 3:07", "3.07"),
    ],
)
def test_no_separator_is_made_up(heard: str, corpus: str) -> None:
    assert searched(heard, corpus) == heard


@given(
    st.integers(1, 99),
    st.integers(1, 9),
    st.sampled_from(["", ".", "-", "/", " ", "_"]),
    st.sampled_from(["oh", "zero", "o", "nought"]),
)
def test_any_room_is_found_by_its_digits(
    floor: int, door: int, between: str, zero: str
) -> None:
    corpus = f"room {floor}{between}0{door}"
    heard = f"room {say(floor)} {zero} {say(door)}"
    assert searched(heard, corpus) == " ".join(tokenize(corpus, language="none"))


def test_only_what_has_letters_is_a_code() -> None:
    written = as_written(
        "fibre fifty or a q seven seven one two".split(), knows_of(SHOP)
    )
    assert written is not None
    assert written.words == ("fibre", "50", "or", "aq", "7712")
    assert written.codes == ("aq", "7712")


NATO = {letter: word for word, letter in SPELLING_ALPHABET.items()}
_LETTERS = st.text("bcdefghjklmnpqrstuvwxz", min_size=2, max_size=4).filter(
    lambda letters: letters not in SPOKEN_STOP_WORDS
)
_DIGITS = st.text("0123456789", min_size=2, max_size=5)


def _one_by_one(code: str) -> str:
    return " ".join(say(int(sign)) if sign.isdigit() else sign for sign in code)


def _by_alphabet(code: str) -> str:
    return " ".join(say(int(sign)) if sign.isdigit() else NATO[sign] for sign in code)


@given(
    _LETTERS,
    _DIGITS,
    st.sampled_from(["", "-", " ", "/", "_"]),
    st.sampled_from([_one_by_one, _by_alphabet]),
    st.sampled_from([str.upper, str.lower]),
)
def test_any_code_of_letters_and_digits_is_found(
    letters: str,
    digits: str,
    between: str,
    said: Callable[[str], str],
    cased: Callable[[str], str],
) -> None:
    corpus = cased(f"{letters}{between}{digits}")
    found = searched(f"price of {said(letters + digits)} please", corpus)
    terms = " ".join(tokenize(corpus, language="none"))
    assert found == f"price of {terms} please"


_WORDS = st.sampled_from(
    """
    a i o oh an the q e c g seven seventy twelve double triple as in for like echo quebec point
    dash level floor capital hundred and 77 aq aq7712 e04 - seventy-seven é dot zero second
    """.split()
)


@given(st.lists(_WORDS, max_size=12))
def test_any_words_can_be_read(words: list[str]) -> None:
    written = as_written(words, knows_of(SHOP))
    assert written is None or all(written.words)


@given(st.lists(_WORDS, max_size=12))
def test_nothing_is_written_for_a_corpus_without_codes(words: list[str]) -> None:
    written = as_written(words, lambda _: False)
    said = " ".join(words).replace("seventy-seven", "seventy seven")
    assert written is None or " ".join(written.words) == said


@pytest.mark.parametrize(
    ("said", "held", "words", "codes"),
    [
        ("what does clause two point two say", {"2.2"}, "what does 2.2 say", ("2.2",)),
        (
            "what does clause 2.2 say",
            {"clause", "2.2"},
            "what does clause 2.2 say",
            ("2.2",),
        ),
        ("what does rule b say", {"rule", "b"}, "what does rule b say", ("b",)),
        ("read step 3 to me", {"3"}, "read 3 to me", ("3",)),
    ],
)
def test_the_label_of_a_part_of_a_document_names_it(said, held, words, codes):
    written = as_written(said.split(), held.__contains__)
    assert written == Written(tuple(words.split()), codes)


@pytest.mark.parametrize("said", ["what does rule b say", "which plan b is it"])
def test_a_label_that_the_corpus_does_not_hold_names_nothing(said):
    assert as_written(said.split(), {"rule", "plan"}.__contains__) is None
