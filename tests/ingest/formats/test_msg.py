"""Outlook's messages: read as any mail is."""

import struct

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from tests.ingest.formats.ole import container

HEADER_BYTES = {"message": 32, "embedded": 24, "attachment": 8}


def properties(kind: str = "message", **numbers: int) -> bytes:
    values = b"".join(
        struct.pack("<IIQ", int(tag.removeprefix("p"), 16), 6, value)
        for tag, value in numbers.items()
    )
    return bytes(HEADER_BYTES[kind]) + values


def message(
    subject: str = "Hours",
    body: str = "",
    kind: str = "message",
    attachments: tuple = (),
    **streams: bytes,
) -> dict:
    storage = {
        "__properties_version1.0": properties(kind),
        "__substg1.0_0037001F": subject.encode("utf-16-le"),
    }
    if body:
        storage["__substg1.0_1000001F"] = body.encode("utf-16-le")
    for number, attachment in enumerate(attachments):
        storage[f"__attach_version1.0_#{number:08X}"] = attachment
    for name, content in streams.items():
        storage[f"__substg1.0_{name.removeprefix('s')}"] = content
    return storage


def attachment(name: str, **numbers: int) -> dict:
    return {
        "__properties_version1.0": properties("attachment", **numbers),
        "__substg1.0_3707001F": name.encode("utf-16-le"),
        "__substg1.0_37010102": b"\0" * 5000,
    }


def attached_mail(inner: dict) -> dict:
    return {
        "__properties_version1.0": properties("attachment"),
        "__substg1.0_3701000D": inner,
    }


def texts(document) -> list[str]:
    return [block.text for block in document.blocks]


def test_a_message_is_its_subject_and_what_its_writer_wrote(read):
    body = (
        "Restart the router für 10 s.\r\n\r\n"
        "From: Ann <ann@example.com>\r\nSent: Monday\r\nTo: desk\r\nSubject: Router\r\n"
        "\r\nolder\r\n"
    )
    [document] = read("m.msg", container(message("RE: Router", body)))
    assert document.title == "Router"
    assert document.blocks == (Block("paragraph", "Restart the router für 10 s."),)


def test_what_was_forwarded_is_read(read):
    body = (
        "For your shelf.\r\n\r\n-----Original Message-----\r\nFrom: Ann\r\nSent: Monday\r\n"
        "To: desk\r\nSubject: Fees\r\n\r\nThe fee is 12 euros.\r\n"
    )
    [document] = read("m.msg", container(message("FW: Fees", body)))
    assert texts(document) == ["For your shelf.", "The fee is 12 euros."]


def test_attachments_are_named_and_pictures_in_the_text_are_not(read):
    content = container(
        message(
            body="See the list.",
            attachments=(
                attachment("prices 2026.pdf"),
                attachment("logo.png", p7FFE000B=1),
            ),
        )
    )
    [document] = read("m.msg", content)
    assert document.notes == (
        "not spoken: 1 attachment (prices 2026.pdf); "
        "save beside this file what callers need",
    )


def test_an_attached_message_is_read_below_its_subject(read):
    inner = message("Opening hours", "Nine to five.", "embedded")
    content = container(message(body="As asked.", attachments=(attached_mail(inner),)))
    [document] = read("m.msg", content)
    assert document.blocks == (
        Block("paragraph", "As asked."),
        Block("heading", "Opening hours", 2),
        Block("paragraph", "Nine to five."),
    )


def test_messages_that_are_attached_to_each_other_for_ever_are_not_followed(read):
    content = message("Last", "The end.", "embedded")
    for _ in range(15):
        content = message("Next", "More.", "embedded", (attached_mail(content),))
    content = message("First", "Begin.", attachments=(attached_mail(content),))
    [document] = read("m.msg", container(content))
    assert texts(document).count("More.") == 10
    assert "The end." not in texts(document)
    assert "1 attachment (unnamed)" in document.notes[0]


def test_a_message_in_html_is_read_with_its_marks(read):
    markup = "<p>Now $39, not <s>$99</s>.</p><p>Zürich</p>".encode("cp1252")
    storage = message(s10130102=markup)
    storage["__properties_version1.0"] = properties(p3FDE0003=1252)
    [document] = read("m.msg", container(storage))
    assert texts(document) == ["Now $39, not.", "Zürich"]


def test_a_message_of_an_old_program_is_read_in_its_code_page(read):
    storage = {
        "__properties_version1.0": properties(p3FFD0003=1251),
        "__substg1.0_0037001E": "Часы".encode("cp1251"),
        "__substg1.0_1000001E": "Открыто ежедневно.".encode("cp1251"),
    }
    [document] = read("m.msg", container(storage))
    assert document.title == "Часы"
    assert texts(document) == ["Открыто ежедневно."]


def test_a_message_in_rtf_alone_is_read(read):
    rtf = rb"{\rtf1\ansi The fee is {\strike 15}12 euros.\par}"
    plain = struct.pack("<IIII", len(rtf) + 12, len(rtf), 0x414C454D, 0) + rtf
    [document] = read("m.msg", container(message(s10090102=plain)))
    assert texts(document) == ["The fee is 12 euros."]


@pytest.mark.parametrize(
    "content", [container({"WordDocument": b"x"}), b"From: a@example.com\n\nText.\n"]
)
def test_another_file_is_named_as_none(read, content):
    with pytest.raises(DocumentUnreadable, match="not an Outlook message"):
        read("m.msg", content)


def test_a_damaged_container_is_named(read):
    content = container(message(body="Text."))
    with pytest.raises(DocumentUnreadable, match="corrupt or cut short"):
        read("m.msg", content[:1600])


def test_half_a_character_is_no_harm(read):
    storage = message(s1000001F="Fine.".encode("utf-16-le") + b"\x00\xd8")
    [document] = read("m.msg", container(storage))
    assert texts(document)[0].startswith("Fine.")
