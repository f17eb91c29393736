"""Symbols, abbreviations and addresses as they are said; and what holds for all of it."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kbserver.languages.english.verbalise import verbalise
from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.retrieval.spoken.plain_text import strip_markup
from kbserver.types import Passage
from tests.languages.english import test_amounts, test_dates, test_phone_numbers
from tests.test_pages import in_code, read, rows

PAGE = rows(read("docs/speech.md"), "Written and said")
ON_THE_PAGE = [
    (in_code(row[0])[0], in_code(row[1])[0]) for row in PAGE if len(row) == 3
]
STAYS_ON_THE_PAGE = [in_code(row[0])[0] for row in PAGE if len(row) == 2]

SAID = [
    # addresses
    ("help@example.com", "help at example dot com"),
    (
        "first.last@mail.example.co.uk.",
        "first dot last at mail dot example dot co dot uk.",
    ),
    ("a_b-c+d@example.org", "a underscore b dash c plus d at example dot org"),
    ("see support.example.com.", "see support dot example dot com."),
    ("example.co.uk, then", "example dot co dot uk, then"),
    ("example.com/pin", "example dot com slash pin"),
    ("example.com/help/articles/123?x=1.", "example dot com."),
    ("example.com: call", "example dot com: call"),
    ("192.168.1.1", "192 dot 168 dot 1 dot 1"),
    # symbols
    ("terms & conditions", "terms and conditions"),
    ("our T&Cs", "our terms and conditions"),
    ("#3 on the list", "number 3 on the list"),
    ("Room No. 5", "Room number 5"),
    ("§ 12", "section 12"),
    ("Settings → Wi-Fi → Password", "Settings, then Wi-Fi, then Password"),
    ("Settings > Wi-Fi", "Settings, then Wi-Fi"),
    ("in <3 days", "in less than 3 days"),
    ("(>5 items)", "(more than 5 items)"),
    ("≥ 3 and ≤5", "at least 3 and at most 5"),
    ("±5, +/- 2", "plus or minus 5, plus or minus 2"),
    ("~5 km, ≈ 10", "about 5 kilometres, about 10"),
    ("£30* a month", "30 pounds a month"),
    ("Example™ and Other®", "Example and Other"),
    ("© 2026 Example", "copyright 2026 Example"),
    ("Calls: ✓, Texts: ✗", "Calls: yes, Texts: no"),
    # abbreviations
    ("phones, e.g. new ones", "phones, for example, new ones"),
    ("E.g., this", "For example, this"),
    ("(i.e. Monday)", "(that is, Monday)"),
    ("cables, etc. are", "cables, et cetera are"),
    ("cables, etc. They", "cables, et cetera. They"),
    ("cables (etc.)", "cables (et cetera)"),
    ("approx. 5 and approx 10", "approximately 5 and approximately 10"),
    ("cats vs. dogs", "cats versus dogs"),
    ("incl. tax, excl. fees", "including tax, excluding fees"),
    ("w/o a fee, w/ fries", "without a fee, with fries"),
    ("Fee: N/A", "Fee: not applicable"),
    ("and/or", "and or"),
    ("min. 2 nights, Max. 5", "minimum 2 nights, Maximum 5"),
    ("ext. 12", "extension 12"),
    ("Dr. Smith", "Doctor Smith"),
    ("see Dr Lee", "see Doctor Lee"),
    ("v2.1", "version 2.1"),
    (
        "Mon–Fri 9am–5pm, £30/month, 0800 555 0100",
        "Monday to Friday 9 a.m. to 5 p.m., 30 pounds a month, 0 8 0 0, 5 5 5, 0 1 0 0",
    ),
]

LEFT_ALONE = [
    "",
    "Hello, how are you? I'm fine — thanks.",
    "AT&T, R&D, Q&A and B&B",
    "FAQ, ASAP, PIN, USB-C and the NHS",
    "PO Box 12, 12 St James St, Oak Ave.",
    "12 Oak Dr. Springfield",
    "Mr. Jones, Mrs. Jones and Ms. Jones",
    "Is it free? No. 5 days are.",
    "There is no. 5 of us",
    "#333333, C#, #tag and a#3",
    "10 < 20 > 5, x<3",
    "5 * 3, **kwargs and *args",
    "snake_case, README.md, config.py and Node.js",
    "It ended.Then it began. No.Go",
    "v2, /v1/kb and dev2.1",
    "user@localhost and @handle",
    "1.2.3 and 1.2.3.4.5",
    "climax 5, mint. 5",
    "1st, 2nd, 3rd and 21st",
    "He/she, either/or, w/e",
    "The 1990s, the '90s",
    "a(b), [c], {d}, “e”",
    "C:\\Users and /etc/passwd",
    "über naïve café Straße",
    "नमस्ते, 你好",
]

WRITTEN = st.sampled_from(
    [
        written
        for table in (
            SAID,
            ON_THE_PAGE,
            test_amounts.SAID,
            test_dates.SAID,
            test_phone_numbers.SAID,
        )
        for written, _ in table
    ]
    + [
        written
        for table in (
            LEFT_ALONE,
            STAYS_ON_THE_PAGE,
            test_amounts.LEFT_ALONE,
            test_dates.LEFT_ALONE,
        )
        for written in table
    ]
)
PHRASES = st.lists(
    st.tuples(WRITTEN, st.sampled_from([". ", ", ", " (", ") ", ": ", "; ", " and "])),
    max_size=6,
).map(lambda phrases: "".join(phrase + gap for phrase, gap in phrases))


@pytest.mark.parametrize(("written", "said"), SAID)
def test_what_is_written_is_said(written: str, said: str) -> None:
    assert verbalise(written) == said


@pytest.mark.parametrize(("written", "said"), ON_THE_PAGE)
def test_the_page_says_what_is_said(written: str, said: str) -> None:
    assert spoken_form_of(Passage("p", written)).line == said


def test_every_rule_on_the_page_has_its_source() -> None:
    assert len(ON_THE_PAGE) > 25 and len(STAYS_ON_THE_PAGE) > 10
    assert all(row[-1] for row in PAGE)


@pytest.mark.parametrize("written", [*LEFT_ALONE, *STAYS_ON_THE_PAGE])
def test_what_is_not_sure_stays(written: str) -> None:
    assert verbalise(written) == written


@given(st.one_of(st.text(), PHRASES))
def test_a_second_application_changes_nothing(text: str) -> None:
    once = verbalise(strip_markup(text))
    assert verbalise(once) == once


@given(
    st.lists(st.from_regex(r"[a-z]{1,12}", fullmatch=True), max_size=40),
    st.sampled_from([" ", ", ", ". "]),
)
def test_words_in_lower_case_stay_words(words: list[str], between: str) -> None:
    abbreviated = {"e", "g", "i", "etc", "vs", "incl", "excl", "approx", "a", "k"}
    text = between.join(word for word in words if word not in abbreviated)
    assert verbalise(text) == text


# Everything numbers meet but times, dates and fractions, which say a value in other digits.
_NUMBERS = st.one_of(
    st.integers(0, 99_999).map(str),
    st.integers(1_000, 9_999_999).map("{:,}".format),
    st.decimals(0, 9_999, places=2).map(str),
    st.decimals(0, 99, places=1).map(str),
    st.from_regex(r"0[0-9]{1,4}", fullmatch=True),
    st.from_regex(r"[A-Z]{1,3}-?[0-9]{1,4}[A-Z]?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}[.'][0-9]{3}(,[0-9]{2})?", fullmatch=True),
)
_JOINTS = st.sampled_from(
    " |, |; | - |-|–| – | x |x|×| and | to | of | per |. | (|) |: |'| ........ | W | W Pine St |"
    " St | Ave NE |% | % | kg|kg | GB/| mg | €|€| $|$|£| eur: | Price ($): | (kg): | USD |k | m |"
    "p | ext. | x| size | row | Fri | Sep | in Jan | Rm. | No. | v| max. |*| °C|½ |+|~|#".split(
        "|"
    )
)
_PROSE = st.lists(
    st.one_of(
        _NUMBERS,
        _JOINTS,
        st.from_regex(r" [a-z]{1,8} ", fullmatch=True),
        st.from_regex(r" [A-Z][a-z]{1,8} ", fullmatch=True),
    ),
    max_size=12,
).map("".join)


def _without_zeros(text: str) -> str:
    """A cent that is none and a zero in front are not said; no other digit may go."""
    return "".join(sign for sign in text if sign in "123456789")


@given(_PROSE)
def test_no_digit_changes_appears_or_goes(text: str) -> None:
    assume(not _SAID_IN_OTHER_DIGITS.search(text))
    content = strip_markup(text)
    assert _without_zeros(content) == _without_zeros(text)
    said = verbalise(content)
    assert _without_zeros(said) == _without_zeros(text)


@given(_PROSE)
def test_no_zero_goes_but_of_cents_that_are_none(text: str) -> None:
    assume(not _SAID_IN_OTHER_DIGITS.search(text))
    assume(not re.search(r"[$£€]|USD|eur|p ", text))
    digits = [sign for sign in text if sign.isdigit()]
    said = [sign for sign in verbalise(strip_markup(text)) if sign.isdigit()]
    assert said == digits


_SAID_IN_OTHER_DIGITS = re.compile(
    r"24[/x]7"
    r"|[0-9]{1,4}[-./–][0-9]{1,2}[-./–][0-9]{2,4}"  # a date
    r"|[0-9] ?[½]|[0-9]:[0-9]"
)
