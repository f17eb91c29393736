"""Forms written by hand: their values are beside their labels."""

from kbserver.ingest.formats.pdf.fields import Field, with_values
from kbserver.ingest.formats.pdf.line import Box
from kbserver.ingest.load import load
from tests.ingest.formats.pdf.lines import text_line
from tests.ingest.formats.pdf.written import drawn, write_page


def widget(rect: str, name: str, kind: str, value: str, more: str = "") -> bytes:
    return (
        f"<</Type/Annot/Subtype/Widget/Rect[{rect}]/T({name})/FT/{kind}/V{value}{more}>>"
    ).encode("latin-1")


def write_form(path, content: bytes, *fields: bytes):
    numbers = b" ".join(b"%d 0 R" % (8 + at) for at in range(len(fields)))
    return write_page(
        path,
        content,
        b"<</Fields[%s]>>" % numbers,
        *fields,
        page=b"/Annots[%s]" % numbers,
        catalog=b"/AcroForm 7 0 R",
    )


def texts_of(path) -> list[str]:
    [document] = load(path, path.name)
    return [block.text for block in document.blocks]


def test_the_values_of_a_form_stand_behind_their_labels(tmp_path):
    content = drawn(60, 700, "Price per hour:") + drawn(60, 670, "Name of the plan:")
    content += drawn(60, 640, "Length of the contract:")
    fields = (
        widget("220 695 340 713", "f1", "Tx", "(31 cents)"),
        widget(
            "220 665 340 683", "f2", "Ch", "(Green)", "/Opt[(Green)(Grey)]/Ff 131072"
        ),
        widget("220 635 340 653", "f3", "Tx", "(24 months)"),
    )
    assert texts_of(write_form(tmp_path / "a.pdf", content, *fields)) == [
        "Price per hour: 31 cents.",
        "Name of the plan: Green.",
        "Length of the contract: 24 months.",
    ]


def test_boxes_say_yes_or_no_behind_the_words_at_their_right(tmp_path):
    content = drawn(80, 700, "Breakfast is included") + drawn(
        80, 640, "Parking is included"
    )
    fields = (
        widget(
            "60 698 72 710",
            "f1",
            "Btn",
            "/Yes",
            "/AS/Yes/AP<</N<</Yes null/Off null>>>>",
        ),
        widget(
            "60 638 72 650",
            "f2",
            "Btn",
            "/Off",
            "/AS/Off/AP<</N<</Yes null/Off null>>>>",
        ),
    )
    assert texts_of(write_form(tmp_path / "a.pdf", content, *fields)) == [
        "Breakfast is included: yes",
        "Parking is included: no",
    ]


def test_passwords_and_hidden_fields_are_not_spoken(tmp_path):
    content = drawn(60, 700, "Your name and word:")
    fields = (
        widget("220 695 340 713", "f1", "Tx", "(secret)", "/Ff 8192"),
        widget("220 695 340 713", "f2", "Tx", "(unseen)", "/F 2"),
    )
    assert texts_of(write_form(tmp_path / "a.pdf", content, *fields)) == [
        "Your name and word:"
    ]


def test_words_put_on_top_of_a_page_are_read_and_comments_are_counted(tmp_path):
    annotations = (
        b"<</Type/Annot/Subtype/FreeText/Rect[60 640 300 655]/Contents(Closed in May.)>>",
        b"<</Type/Annot/Subtype/Text/Rect[400 700 420 720]/Contents(Is this right?)>>",
    )
    path = write_page(
        tmp_path / "a.pdf",
        drawn(60, 700, "Open daily."),
        *annotations,
        page=b"/Annots[7 0 R 8 0 R]",
    )
    [document] = load(path, "a.pdf")
    assert [block.text for block in document.blocks] == [
        "Open daily.",
        "Closed in May.",
    ]
    assert document.notes == ("left out 1 comment",)


def test_a_value_below_its_label_goes_on_with_it():
    lines = [
        text_line("Tariff", 700, size=9),
        text_line("Begin", 700, left=300, size=9),
    ]
    fields = [
        Field(Box(72, 680, 200, 697), "Green 24"),
        Field(Box(300, 680, 420, 697), "3 May"),
    ]
    assert [line.text for line in with_values(lines, fields)] == [
        "Tariff: Green 24",
        "Begin: 3 May",
    ]


def test_a_value_without_a_label_carries_the_name_of_its_field():
    lines = [text_line("Above.", 700), text_line("Below.", 500)]
    field = Field(Box(72, 600, 200, 615), "60 dollars", "Late fee")
    assert [line.text for line in with_values(lines, [field])] == [
        "Above.",
        "Late fee: 60 dollars",
        "Below.",
    ]
    assert with_values([], [field])[0].text == "Late fee: 60 dollars"
