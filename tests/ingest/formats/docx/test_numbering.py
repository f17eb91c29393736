import pytest
from docx.oxml.ns import nsdecls
from lxml import etree

from kbserver.ingest.formats.docx.numbering import Numbering
from kbserver.ingest.formats.docx.styles import Styles

WORD = nsdecls("w")


def level(at: int, form: str, text: str, more: str = "", start: str = "1") -> str:
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/>'
        f'{more}<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(levels: str, numbers: str = "", styles: str = "") -> Numbering:
    """Return the list 1, of these levels, with further lists and styles as XML."""
    root = etree.fromstring(
        f'<w:numbering {WORD}><w:abstractNum w:abstractNumId="0">{levels}'
        '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
        f"{numbers}</w:numbering>"
    )
    known = etree.fromstring(f"<w:styles {WORD}>{styles}</w:styles>")
    return Numbering(root, Styles(known))


def item(at: int | str = 0, number: int = 1):
    return etree.fromstring(
        f'<w:p {WORD}><w:pPr><w:numPr><w:ilvl w:val="{at}"/>'
        f'<w:numId w:val="{number}"/></w:numPr></w:pPr></w:p>'
    )


def styled(style: str, own: str = ""):
    return etree.fromstring(
        f'<w:p {WORD}><w:pPr><w:pStyle w:val="{style}"/>{own}</w:pPr></w:p>'
    )


def labels(read: Numbering, *places: int) -> list[str]:
    return [read.label(item(at)) for at in places]


def test_a_lower_level_begins_anew_below_each_number():
    read = numbering(level(0, "decimal", "%1.") + level(1, "lowerLetter", "%1(%2)"))
    found = labels(read, 0, 1, 1, 0, 1)
    assert found == ["1.", "1(a)", "1(b)", "2.", "2(a)"]


def test_a_level_that_was_left_out_counts_as_its_start():
    read = numbering(
        level(0, "upperRoman", "%1", start="4") + level(1, "decimal", "%1.%2")
    )
    assert labels(read, 1, 1) == ["IV.1", "IV.2"]


def test_legal_numbers_are_decimals():
    read = numbering(
        level(0, "upperRoman", "%1.") + level(1, "decimal", "%1.%2", "<w:isLgl/>")
    )
    assert labels(read, 0, 1) == ["I.", "1.1"]


@pytest.mark.parametrize(
    ("form", "start", "expected"),
    [
        ("lowerLetter", 26, ["z", "aa"]),
        ("upperLetter", 53, ["AAA", "BBB"]),
        ("lowerLetter", 10**6, ["n" * 30, "o" * 30]),
        ("lowerLetter", 0, ["0", "a"]),
        ("lowerRoman", 1993, ["mcmxciii", "mcmxciv"]),
        ("upperRoman", 4999, ["MMMMCMXCIX", "5000"]),
        ("decimalZero", 9, ["09", "10"]),
        ("chicago", 3, ["3", "4"]),
        ("bullet", 1, ["", ""]),
        ("none", 1, ["", ""]),
    ],
)
def test_numbers_are_written_in_the_form_of_their_level(form, start, expected):
    read = numbering(level(0, form, "%1", start=str(start)))
    assert labels(read, 0, 0) == expected


def test_two_lists_of_one_definition_count_on_but_for_an_override():
    more = (
        '<w:num w:numId="2"><w:abstractNumId w:val="0"/></w:num>'
        '<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0">'
        '<w:startOverride w:val="7"/></w:lvlOverride></w:num>'
    )
    read = numbering(level(0, "decimal", "%1."), more)
    found = [read.label(item(number=number)) for number in (1, 2, 3, 3, 1)]
    assert found == ["1.", "2.", "7.", "8.", "9."]


def test_a_style_gives_list_and_level_unless_the_paragraph_leaves_the_list():
    clause = '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'
    styles = (
        f'<w:style w:styleId="clause">{clause}</w:style>'
        '<w:style w:styleId="child"><w:basedOn w:val="clause"/></w:style>'
    )
    levels = level(0, "decimal", "%1.") + level(
        1, "decimal", "§ %2", '<w:pStyle w:val="clause"/>'
    )
    read = numbering(levels, styles=styles)
    none = '<w:numPr><w:numId w:val="0"/></w:numPr>'
    assert read.label(styled("clause")) == "§ 1"
    assert read.label(styled("child")) == "§ 2"
    assert read.label(styled("clause", none)) == ""
    assert read.label(styled("clause")) == "§ 3"


def test_a_paragraph_of_no_known_list_or_level_has_no_number():
    read = numbering(level(0, "decimal", "%1."))
    plain = etree.fromstring(f"<w:p {WORD}/>")
    assert [read.label(one) for one in (plain, item(number=5), item(3))] == [""] * 3
    assert Numbering(None, Styles()).label(item()) == ""


@pytest.mark.parametrize("at", ["9", "-1", "x"])
def test_a_damaged_level_is_the_first(at):
    read = numbering(level(0, "decimal", "%1."))
    assert [read.label(item()), read.label(item(at))] == ["1.", "2."]


@pytest.mark.parametrize(("sign", "label"), [("\uf0fb", "✗"), ("\uf0a7", "")])
def test_a_bullet_that_says_no_is_written(sign, label):
    font = '<w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr>'
    assert numbering(level(0, "bullet", sign, font)).label(item()) == label
