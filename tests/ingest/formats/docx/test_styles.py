import pytest
from docx.oxml.ns import nsdecls
from lxml import etree

from kbserver.ingest.formats.docx.styles import Styles, W, is_on, value_of

WORD = nsdecls("w")


def element(xml: str):
    name, _, rest = xml.partition(">")
    if name.endswith("/"):
        return etree.fromstring(f"{name[:-1]} {WORD}/>{rest}")
    return etree.fromstring(f"{name} {WORD}>{rest}")


def styles(content: str) -> Styles:
    return Styles(element(f"<w:styles>{content}</w:styles>"))


def style(identity: str, content: str = "", based_on: str = "") -> str:
    return (
        f'<w:style w:styleId="{identity}"><w:name w:val="Name of {identity}"/>'
        f'<w:basedOn w:val="{based_on}"/>{content}</w:style>'
    )


def test_a_style_is_called_by_its_name_in_lower_case():
    read = styles(style("Toc1"))
    assert read.name("Toc1") == "name of toc1"
    assert read.name("toc1") == ""
    assert Styles().name("Toc1") == ""


def test_a_chain_goes_from_a_style_to_what_it_is_based_on():
    read = styles(style("a", based_on="b") + style("b", based_on="gone"))
    assert [identity for identity, _ in read.chain("a")] == ["a", "b"]
    assert read.chain("gone") == []


def test_styles_in_a_ring_have_an_end():
    read = styles(style("a", based_on="b") + style("b", based_on="a"))
    assert [identity for identity, _ in read.chain("a")] == ["a", "b"] * 10


HIDES = "<w:rPr><w:vanish/></w:rPr>"
SHOWS = '<w:rPr><w:vanish w:val="0"/></w:rPr>'


@pytest.mark.parametrize(
    ("run", "paragraph_style", "is_hidden"),
    [
        ("", "", False),
        ("", "hiding", True),
        ("", "child", True),
        ("", "showing child", False),
        (HIDES, "", True),
        (SHOWS, "hiding", False),
        ('<w:rPr><w:rStyle w:val="hiding"/></w:rPr>', "", True),
        ('<w:rPr><w:rStyle w:val="showing child"/></w:rPr>', "hiding", False),
        ('<w:rPr><w:rStyle w:val="plain"/></w:rPr>', "hiding", True),
        (
            '<w:rPr><w:rStyle w:val="hiding"/><w:vanish w:val="false"/></w:rPr>',
            "",
            False,
        ),
    ],
)
def test_the_nearest_mark_counts(run, paragraph_style, is_hidden):
    read = styles(
        style("hiding", HIDES)
        + style("child", based_on="hiding")
        + style("showing child", SHOWS, based_on="hiding")
        + style("plain")
    )
    found = element(f"<w:r>{run}</w:r>")
    assert read.is_set(found, "vanish", paragraph_style) is is_hidden
    assert not read.is_set(found, "strike", paragraph_style)


@pytest.mark.parametrize(
    ("part", "is_marked"),
    [
        ('<w:tblStylePr w:type="firstRow"><w:rPr/></w:tblStylePr>', True),
        ('<w:tblStylePr w:type="firstRow"/>', False),
        ('<w:tblStylePr w:type="lastRow"><w:rPr/></w:tblStylePr>', False),
    ],
)
def test_a_table_style_that_says_nothing_of_the_first_row_marks_none(part, is_marked):
    [(_, read)] = styles(style("grid", part)).chain("grid")
    assert read.marks_first_row is is_marked


def test_a_style_keeps_its_list():
    number = '<w:pPr><w:numPr><w:numId w:val="7"/></w:numPr></w:pPr>'
    [(_, read)] = styles(style("clause", number)).chain("clause")
    assert value_of(read.number_properties.find(f"{W}numId")) == "7"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", True), ("on", True), ("0", False), ("off", False), ("none", False)],
)
def test_a_switch_is_on_unless_its_value_says_no(value, expected):
    assert is_on(element(f'<w:b w:val="{value}"/>')) is expected
    assert is_on(element("<w:b/>"))
    assert value_of(element("<w:b/>")) == value_of(None) == ""


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ('<w:position w:val="8"/><w:sz w:val="14"/>', True),
        ('<w:position w:val="-8"/><w:sz w:val="14"/>', False),
        ('<w:position w:val="8"/>', False),
        ('<w:rStyle w:val="Mark"/>', True),
        ('<w:rStyle w:val="Mark"/><w:vertAlign w:val="baseline"/>', False),
        ("", False),
    ],
)
def test_a_run_is_raised_by_its_style_or_set_higher_and_smaller(properties, expected):
    lifted = '<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>'
    read = styles(style("Mark", based_on="Lifted") + style("Lifted", lifted))
    run = element(f"<w:r><w:rPr>{properties}</w:rPr></w:r>")
    assert read.is_raised(run) is expected
