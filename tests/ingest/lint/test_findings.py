from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.lint.findings import HINTS, Finding, around, shortened


def test_a_finding_says_whether_it_is_a_hint():
    assert Finding("old year", "a.md", "until 2019").is_hint
    assert not Finding("expired", "a.md", "valid_until 2019-01-01").is_hint
    assert HINTS == {"old year", "steers an answer"}


def test_a_finding_as_json_has_every_field():
    finding = Finding("near-duplicate", "a.md", "Press it.", "b.md", "id-1")
    assert finding.as_dict() == {
        "kind": "near-duplicate",
        "hint": False,
        "source": "a.md",
        "other": "b.md",
        "passage": "id-1",
        "said": "Press it.",
    }


def test_a_long_text_is_cut_and_put_on_one_line():
    assert shortened("one\n two\t three") == "one two three"
    assert shortened("x" * 160) == "x" * 160
    assert shortened("x" * 161) == "x" * 160 + "…"


def test_a_place_in_a_text_is_shown_with_whole_words_around_it():
    text = "word " * 40 + "HERE " + "word " * 40
    start = text.index("HERE")
    shown = around(text, start, start + 4)
    assert shown.startswith("…word word") and shown.endswith("word word…")
    assert len(shown) < 110


def test_a_place_in_a_short_text_is_shown_with_all_of_it():
    assert around("Prices of 2019 hold.", 10, 14) == "Prices of 2019 hold."


@given(st.text(min_size=1, max_size=300), st.data())
def test_the_place_itself_is_always_shown(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, min(len(text), start + 50)))
    shown = around(text, start, end)
    assert "\n" not in shown
    assert " ".join(text[start:end].split()) in shown
