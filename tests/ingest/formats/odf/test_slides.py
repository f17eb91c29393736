"""OpenDocument slides: what their audience saw."""

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from tests.ingest.formats.odf.files import packed, style


def frame(inner: str, x: float = 1, y: float = 1, **attributes: str) -> str:
    more = "".join(
        f' presentation:{key}="{value}"' for key, value in attributes.items()
    )
    return (
        f'<draw:frame svg:x="{x}cm" svg:y="{y}cm" svg:width="9cm" svg:height="9cm"{more}>'
        f"{inner}</draw:frame>"
    )


def box(*paragraphs: str, x: float = 1, y: float = 1, **attributes: str) -> str:
    inner = "".join(f"<text:p>{text}</text:p>" for text in paragraphs)
    return frame(f"<draw:text-box>{inner}</draw:text-box>", x, y, **attributes)


def title(text: str) -> str:
    return box(text, **{"class": "title"})


def page(*shapes: str, name: str = "dp1") -> str:
    return f'<draw:page draw:style-name="{name}">{"".join(shapes)}</draw:page>'


@pytest.fixture
def odp(read):
    def read_slides(*pages: str, **parts: str):
        return read("a.odp", packed("presentation", "".join(pages), **parts))[0]

    return read_slides


OUTLINE = (
    "<draw:text-box><text:list><text:list-item><text:p>Daily</text:p><text:list>"
    "<text:list-item><text:p>From 9</text:p></text:list-item></text:list>"
    "</text:list-item></text:list></draw:text-box>"
)


def test_each_slide_is_a_section_below_its_title(odp):
    document = odp(
        page(title("Our hotel"), box("Since 1907", y=5)),
        page(title("Hours"), frame(OUTLINE, y=5)),
    )
    assert document.title == "Our hotel"
    assert document.blocks == (
        Block("paragraph", "Since 1907"),
        Block("heading", "Hours", 2),
        Block("list_item", "- Daily", 1),
        Block("list_item", "- From 9", 2, "Daily"),
    )


def test_shapes_are_read_row_by_row_groups_too(odp):
    group = f"<draw:g>{box('right', x=12, y=5.2)}{box('left', x=2, y=5.3)}</draw:g>"
    moved = (
        '<draw:custom-shape draw:transform="rotate (1) translate (1cm 9cm)">'
        "<text:p>last</text:p></draw:custom-shape>"
    )
    document = odp(page(moved, group, box("first", y=2)))
    assert [block.text for block in document.blocks] == [
        "",
        "first",
        "left",
        "right",
        "last",
    ]


def test_hidden_slides_and_speaker_notes_are_left_out_and_counted(odp):
    notes = f"<presentation:notes>{box('secret')}</presentation:notes>"
    document = odp(
        page(title("Cover"), box("Text"), notes),
        page(title("Secret"), box("secret"), name="dp2"),
        automatic=style(
            "dp2",
            "drawing-page",
            '<style:drawing-page-properties presentation:visibility="hidden"/>',
        ),
    )
    assert "secret" not in str(document.blocks).lower()
    assert document.notes == (
        "left out 1 hidden slide",
        "left out the speaker notes of 1 slide",
    )


def test_empty_places_and_what_stands_on_every_slide_are_left_out(odp):
    document = odp(
        page(
            box("Click to add", placeholder="true"),
            box("7", **{"class": "page-number"}),
            box("Text"),
        )
    )
    assert [block.text for block in document.blocks] == ["", "Text"]


def test_a_table_is_said_with_the_names_of_its_columns(odp):
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f"<table:table-cell><text:p>{one}</text:p></table:table-cell>"
            for one in row
        )
        + "</table:table-row>"
        for row in (("Kind", "Fee"), ("Adult", "$24"))
    )
    document = odp(page(frame(f"<table:table>{cells}</table:table>")))
    assert document.blocks[1] == Block("table_row", "Kind: Adult; Fee: $24.")


def test_pictures_and_charts_are_named_with_their_slide(odp):
    document = odp(
        page(box("Text")),
        page(frame("<draw:image/>"), frame("<draw:plugin/>"), box("More")),
        page(frame("<draw:image/>").replace("9cm", "0.5cm"), box("Small")),
        styles='<style:page-layout><style:page-layout-properties fo:page-width="28cm" '
        'fo:page-height="21cm"/></style:page-layout>',
    )
    instead = "write on the slide what callers need of it"
    assert document.notes == (
        f"not spoken: 1 film or sound (slide 2); {instead}",
        f"not spoken: 1 picture (slide 2); {instead}",
    )


def test_a_footnote_of_one_slide_is_not_said_on_the_next(odp):
    note = "Fee $5<text:note><text:note-body><text:p>In May.</text:p></text:note-body></text:note>"
    document = odp(page(box(note)), page(box("Other")))
    assert [block.text for block in document.blocks] == [
        "",
        "Fee $5 (In May)",
        "",
        "Other",
    ]


def test_another_kind_of_file_is_named(read):
    with pytest.raises(DocumentUnreadable, match="presentation: it holds text"):
        read("a.odp", packed("text", ""))
