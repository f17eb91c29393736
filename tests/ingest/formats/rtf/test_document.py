"""RTF as Word, LibreOffice and Outlook write it: what is said, left out and named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.rtf.document import rtf_html

HEAD = (
    r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\froman Times;}{\f1\fnil\fcharset2 Wingdings;}"
    r"{\f2\fnil\fcharset238 Arial CE{\*\falt Other};}{\f3\fnil\fcharset128 MS Mincho;}}"
    r"{\stylesheet{\ql Normal;}{\s1\outlinelevel0 heading 1;}{\s2 heading 2;}"
    r"{\s5 Title;}{\s6 toc 1;}{\*\cs9 Strong;}}"
)


def texts(document) -> list[str]:
    return [block.text for block in document.blocks]


@pytest.fixture
def rtf(read):
    def read_text(body: str):
        return read("a.rtf", f"{HEAD}{body}}}".encode("latin-1"))[0]

    return read_text


def test_headings_the_title_and_paragraphs(rtf):
    document = rtf(
        r"\pard\s5 Prices\par\pard\s1\outlinelevel0 Rooms\par\pard\s2 Beds\par"
        r"\pard\plain One\line two\par\pard\outlinelevel2 Desks\par\pard End."
    )
    assert document.title == "Prices"
    assert document.blocks == (
        Block("heading", "Rooms", 1),
        Block("heading", "Beds", 2),
        Block("paragraph", "One\ntwo"),
        Block("heading", "Desks", 3),
        Block("paragraph", "End."),
    )


def test_raised_cents_stay_cents_and_struck_out_prices_go(rtf):
    document = rtf(
        r"It costs $39{\super 99}, not {\strike $99}{\striked1 $98}.\par "
        r"Water is H{\sub 2}O.\par A {\b\strike $3}\b bold\b0  one."
    )
    assert texts(document) == [
        "It costs $39.99, not.",
        "Water is H2O.",
        "A bold one.",
    ]
    assert document.notes == ("left out 2 struck-out texts",)


def test_hidden_and_deleted_text_is_left_out_and_named(rtf):
    document = rtf(
        r"Shown{\v secret} now\v secret\v0 .\par "
        r"It costs {\deleted\revauth1 $99}{\deleted $9}{\revised\revauth1 $39}.\par"
        r"\plain\v x\plain y"
    )
    assert texts(document) == ["Shown now.", "It costs $39.", "y"]
    assert document.notes == (
        "removed 13 hidden characters",
        "left out 1 deleted text",
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (r"\'80 5 f\'fcr", "€ 5 für"),
        (r"{\f2 \'9a\'b3}", "šł"),
        (r"{\f3 \'93\'fa\'96\'7b}", "日本"),
        (r"\u8364?5", "€5"),
        (r"\uc0\u8364 5", "€5"),
        (r"\uc2\u8364\'80\'805", "€5"),
        (r"{\uc0 \u8364}\u-10179?\u-8704?a", "€😀a"),
        (r"\ldblquote a\rdblquote\emdash b\~c\_d\-e", "“a”—b c-de"),
        (r"yes {\f1 \'fc}", "yes ✓"),
        (r"yes {\f1\u-3844?}", "yes ✓"),
        (r"\{a\}\\b", r"{a}\b"),
        ("a\\\nb", "a"),
        (r"a\tab b", "a b"),
    ],
)
def test_characters_are_read_in_their_code_page(rtf, written, said):
    assert texts(rtf(written))[0] == said


def test_items_keep_the_numbers_that_stand_before_them(rtf):
    document = rtf(
        r"\pard Do this:\par"
        r"{\listtext\pard\plain 1.\tab}\ls1\ilvl0 Open.\par"
        r"{\listtext\pard\plain (a)\tab}\ls1\ilvl1 Gently.\par"
        r"{\listtext\pard\plain 2.\tab}\ls1\ilvl0 Wait.\par"
        r"{\pntext\f1\'b7\tab}{\*\pn\pnlvlblt\pnf1}\ls2\ilvl0 Done.\par\pard Then."
    )
    assert texts(document) == [
        "Do this:", "1. Open.", "(a) Gently.", "2. Wait.", "- Done.", "Then.",
    ]  # fmt: skip
    assert [block.level for block in document.blocks] == [0, 1, 2, 1, 1, 0]
    assert document.blocks[1].lead_in == "Do this:"


@pytest.mark.parametrize("bullet", [r"\'b7", r"\f1 q", "o", r"\u-3913?"])
def test_a_bullet_is_no_label(rtf, bullet):
    document = rtf(rf"{{\listtext\pard {bullet}\tab}}\ls2 Open.\par")
    assert document.blocks == (Block("list_item", "- Open.", 1),)


def test_a_bullet_that_says_no_is_heard(rtf):
    document = rtf(
        r"{\listtext\f1\'fc\tab}\ls1 Breakfast\par{\listtext\f1\'fb\tab}\ls2 Parking\par"
    )
    assert texts(document) == ["- Breakfast", "Parking: no"]


def test_a_numbered_heading_keeps_its_number(rtf):
    document = rtf(r"\pard About.\par{\listtext 2.1\tab}\pard\s2 Beds\par\pard Text.")
    assert texts(document) == ["About.", "2.1 Beds", "Text."]


def test_a_footnote_is_said_at_the_end_of_its_clause(rtf):
    document = rtf(
        r"It costs $39{\super\chftn{\footnote\pard\plain{\super\chftn} At night only.}}"
        r" a month, all in.\par It{\footnote\ftnalt\pard Yes.} is.\par"
    )
    assert texts(document) == [
        "It costs $39 a month (At night only), all in.",
        "It is (Yes).",
    ]


def test_a_footnote_of_hidden_text_is_left_out(rtf):
    document = rtf(r"Shown.{\v secret{\footnote\pard More secret.}}")
    assert texts(document) == ["Shown."]


ROW = r"\trowd{}\cellx1000\cellx2000\pard\intbl {}\cell {}\cell\row"


def test_a_table_is_said_with_the_names_of_its_columns(rtf):
    document = rtf(
        r"\pard Our fees:\par"
        + ROW.format(r"\trhdr", "Plan 1", "Price 2")
        + ROW.format("", "Basic 1", "$5")
        + ROW.format("", r"Pro\par extra", "$9")
        + r"\pard After."
    )
    assert texts(document) == [
        "Our fees:",
        "Plan 1: Basic 1; Price 2: $5.",
        "Plan 1: Pro extra; Price 2: $9.",
        "After.",
    ]
    assert document.blocks[1].lead_in == "Our fees:"


def test_merged_cells_count_in_each_place_they_cover(rtf):
    three = r"\cellx1000\cellx2000\cellx3000\pard\intbl"
    head = rf"\trowd\trhdr{three} Who\cell Term\cell Price\cell\row"
    first = rf"\trowd\clvmgf{three} Adult\cell Day\cell $5\cell\row"
    second = rf"\trowd\clvmrg{three}\cell Week\cell $9\cell\row"
    third = (
        r"\trowd\cellx1000\clmgf\cellx2000\clmrg\cellx3000\pard\intbl"
        r" Child\cell free\cell\cell\row"
    )
    fourth = r"\trowd\cellx1000\cellx3010\pard\intbl Dog\cell not allowed\cell\row"
    document = rtf(head + first + second + third + fourth)
    assert texts(document) == [
        "Who: Adult; Term: Day; Price: $5.",
        "Who: Adult; Term: Week; Price: $9.",
        "Who: Child; Term: free; Price: free.",
        "Who: Dog; Term: not allowed; Price: not allowed.",
    ]


def test_a_table_in_a_cell_is_said_with_its_row(rtf):
    inner = (
        r"\pard\intbl\itap2 Adult\nestcell $24\nestcell{\*\nesttableprops\trowd\cellx400"
        r"\cellx800\nestrow}{\nonesttables\par}"
        r"Child\nestcell $12\nestcell{\*\nesttableprops\trowd\cellx400\cellx800\nestrow}"
    )
    document = rtf(
        ROW.format(r"\trhdr", "Place", "Fees")
        + r"\trowd\cellx1000\cellx2000\pard\intbl Zoo\cell "
        + inner
        + r"\pard\intbl\itap1\cell\row"
    )
    assert texts(document) == ["Place: Zoo; Fees: Adult: $24; Child: $12."]


def test_fields_say_their_results_and_a_box_what_it_shows(rtf):
    document = rtf(
        r'See {\field{\*\fldinst HYPERLINK "http://a.example"}{\fldrslt our page}}.\par'
        r"{\field{\*\fldinst FORMCHECKBOX {\*\formfield{\fftype1\ffres25\ffdefres1}}}"
        r"{\fldrslt }}Kitchen\par"
        r"{\field{\*\fldinst FORMCHECKBOX {\*\formfield{\fftype1\ffres0\ffdefres1}}}}Pool"
    )
    assert texts(document) == ["See our page.", "Kitchen: yes", "Pool: no"]


def test_what_is_seen_and_not_read_is_named(rtf):
    document = rtf(
        r"{\header\pard Valid until May\par}{\footerl\pard Page {\field{\*\fldinst PAGE}"
        r"{\fldrslt 3}}\par}"
        r"Text.{\*\atnid a}{\*\atnauthor Ann}{\*\annotation\pard too dear?}"
        r"{\*\shppict{\pict\pngblip 8950}}{\nonshppict{\pict\wmetafile8 00}}"
        r"{\object\objemb{\*\objdata 00}{\result\pard{\pict\wmetafile8 00}}}"
        r"{\mmath{\*\moMath x}}"
        r"{\shp{\*\shpinst{\sp{\sn pib}{\sv{\pict 00}}}{\shptxt\pard In a box.\par}}"
        r"{\shprslt\pard In a box.\par}}"
    )
    assert texts(document)[:2] == ["Text.In a box."] or texts(document)[:2] == [
        "Text.",
        "In a box.",
    ]
    assert document.notes == (
        "left out 1 comment",
        "not spoken: 1 embedded object; say in the text what callers need",
        "not spoken: 1 equation; say in the text what callers need",
        "not spoken: 2 pictures; say in the text what callers need",
        "not spoken: the header “Valid until May”; say in the text what callers need",
    )


def test_a_table_of_contents_and_what_stands_before_the_text_are_left_out(rtf):
    document = rtf(
        r"{\info{\title Secret}{\author Ann}}{\*\generator X;}{\colortbl;\red0;}"
        r"\pard\s6 Rooms\tab 7\par\pard\s1 Rooms\par\pard\plain Text."
    )
    assert document.title == "Rooms" and texts(document) == ["Text."]


def test_binary_data_are_passed_over(rtf):
    assert texts(rtf(r"a{\pict\bin4 }}{{}b")) == ["ab"]


def test_a_mail_in_rtf_is_read_without_its_tags():
    packed = (
        rb"{\rtf1\ansi\fromhtml1{\*\htmltag64 <p>}\htmlrtf \par\htmlrtf0 Hello"
        rb"{\*\htmltag72 </p>}}"
    )
    assert rtf_html(packed) == "<html><body><p>Hello</p></body></html>"


def test_text_cannot_become_markup(rtf):
    assert texts(rtf("<s>1</s> & 2")) == ["<s>1</s> & 2"]


def test_another_file_is_named_as_none(read):
    with pytest.raises(DocumentUnreadable, match="it does not begin with"):
        read("a.rtf", "Prices")


def test_groups_nested_for_ever_are_named(read):
    with pytest.raises(DocumentUnreadable, match="nested too deeply"):
        read("a.rtf", r"{\rtf1 " + "{" * 5000 + "x")


PIECES = st.sampled_from(
    r"{ } \par \cell \row \nestcell \nestrow \trowd \intbl \itap9 \itap-3 \cellx-9 \clmrg "
    r"\clvmrg {\footnote {\listtext {\*\formfield \fftype1 \u-1 \u55357 \uc9 \'8 \bin99 "
    r"{\fonttbl {\stylesheet \s1 \f3 \deff9 \ansicpg99999 \ls1 \ilvl99 \v \deleted \pict "
    r"{\header a é \outlinelevel99 {\upr {\*\ud \* \trhdr {\sv {\pict".split(" ")
)


@given(st.lists(PIECES, max_size=60))
def test_no_order_of_words_brings_the_reader_down(pieces):
    rtf_html(("{\\rtf1" + "".join(pieces)).encode("latin-1"))
