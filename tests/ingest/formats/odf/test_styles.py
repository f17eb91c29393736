import pytest

from kbserver.ingest.formats.odf.package import TABLE, Package
from kbserver.ingest.formats.odf.styles import NO_LOOK, Look, Styles
from kbserver.ingest.formats.shared.source import SourceFile
from tests.ingest.formats.odf.files import packed, style, text_style


@pytest.fixture
def styles(tmp_path):
    def read(**parts: str) -> Styles:
        path = tmp_path / "a.odt"
        path.write_bytes(packed("text", "", **parts))
        package = Package(SourceFile(path, "a.odt"))
        return Styles(package.styles, package.content)

    return read


@pytest.mark.parametrize(
    ("properties", "look"),
    [
        ('fo:font-weight="700"', Look(bold=True)),
        ('fo:font-weight="normal"', Look(bold=False)),
        ('style:text-line-through-type="double"', Look(struck=True)),
        ('style:text-line-through-style="none"', Look(struck=False)),
        ('style:text-position="33% 58%"', Look(raised=1)),
        ('style:text-position="-9% 58%"', Look(raised=-1)),
        ('style:text-position="sub"', Look(raised=-1)),
        ('style:text-position="0% 100%"', Look(raised=0)),
        ('style:text-position="odd"', Look(raised=0)),
        ('text:display="none"', Look(hidden=True)),
        ('fo:font-family="Wingdings"', Look(font="wingdings")),
        ('fo:color="#ff0000"', Look()),
    ],
)
def test_a_style_says_how_its_text_looks(styles, properties, look):
    assert styles(automatic=text_style("T", properties)).look("text", "T") == look


def test_a_style_that_is_not_there_says_nothing(styles):
    assert styles().look("text", "T") == NO_LOOK == styles().look("text", None)


def test_a_child_says_what_it_says_and_its_parent_the_rest(styles):
    known = styles(
        styles=text_style("P", 'fo:font-weight="bold" text:display="none"'),
        automatic=style(
            "C",
            "text",
            '<style:text-properties text:display="true"/>',
            parent_style_name="P",
        ),
    )
    assert known.look("text", "C") == Look(bold=True, hidden=False)


def test_an_inner_look_lies_over_an_outer_one():
    outer = Look(bold=True, struck=True)
    assert Look(struck=False).over(outer) == Look(bold=True, struck=False)


def test_other_properties_are_inherited_too(styles):
    known = styles(
        styles=style("P", "table", '<style:table-properties table:display="false"/>'),
        automatic=style("C", "table", parent_style_name="P"),
    )
    assert known.property("table", "C", f"{TABLE}display") == "false"
    assert known.property("table", "x", f"{TABLE}display") is None
