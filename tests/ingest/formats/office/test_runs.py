import pytest

from kbserver.ingest.formats.office.runs import (
    Marks,
    Runs,
    font_of_signs,
    note_list,
    note_mark,
    telling_bullet,
)


def runs(*pieces: tuple[str, Marks]) -> Runs:
    gathered = Runs()
    for text, marks in pieces:
        gathered.add(text, marks)
    return gathered


def test_runs_become_markup_and_text_in_it_stays_text():
    written = runs(
        ("2 < 3\n", Marks()),
        ("1", Marks(raised=True)),
        ("9", Marks(struck=True, bold=True)),
    )
    assert written.html() == "2 &lt; 3<br><sup>1</sup><strong><s>9</s></strong>"


def test_runs_of_one_look_are_one():
    bold = Marks(bold=True)
    assert runs(("Ope", bold), ("n", bold)).html() == "<strong>Open</strong>"


def test_what_is_struck_out_is_not_shown_and_raised_digits_are_raised():
    written = runs(
        ("$39", Marks()), ("1", Marks(raised=True)), (" $99", Marks(struck=True))
    )
    assert written.shown() == ("$39¹", 1)


def test_letters_of_a_font_of_signs_are_signs_however_they_are_written():
    font = Marks(font=font_of_signs("'Wingdings'"))
    assert runs(("\u00fc\uf0fc", font)).html() == "✓✓"
    assert font_of_signs("Liberation Serif") == ""


def test_signs_of_other_fonts_are_what_they_look_like():
    degrees = Marks(font=font_of_signs("Symbol"))
    assert runs(("60 ", Marks()), ("\uf0b0", degrees)).shown() == ("60 °", 0)


def test_blanks_carry_no_marks():
    assert runs((" ", Marks(bold=True))).html() == " "


@pytest.mark.parametrize(
    ("text", "font", "told"),
    [
        ("•", "", ""), ("-", "", ""), ("✓", "", ""), ("✗", "", "✗"), ("☐", "", "☐"),
        ("\uf0fb", "wingdings", "✗"), ("\uf0a7", "wingdings", ""), ("q", "wingdings", ""),
        ("\uf0b7", "symbol", ""),
    ],
)  # fmt: skip
def test_a_bullet_that_says_no_is_told_and_another_is_not(text, font, told):
    assert telling_bullet(text, font) == told


def test_notes_and_their_marks_belong_together():
    assert note_mark(2) == "<sup><a href='#footnote-2'>[2]</a></sup>"
    assert note_list(["<p>A</p>", "<p>B</p>"]) == (
        "<ol><li id='footnote-1'><p>A</p></li><li id='footnote-2'><p>B</p></li></ol>"
    )
    assert note_list([]) == ""
