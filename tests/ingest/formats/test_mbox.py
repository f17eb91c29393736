"""Mailboxes: each mail that its owner kept is a document of its own."""

import mailbox
from contextlib import closing
from email.message import EmailMessage

import pytest

from kbserver.errors import DocumentUnreadable


def mail(subject: str, text: str, **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = "desk@example.com", subject
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    return message


@pytest.fixture
def box(tmp_path):
    """Write a mailbox as the standard library does, and return its bytes."""

    def write(*mails: EmailMessage) -> bytes:
        path = tmp_path / "written"
        with closing(mailbox.mbox(path)) as opened:
            for one in mails:
                opened.add(one)
        return path.read_bytes()

    return write


def spoken(documents) -> dict[str, list[str]]:
    return {one.source: [block.text for block in one.blocks] for one in documents}


def test_each_mail_is_a_document_with_an_address_of_its_own(read, box):
    content = box(
        mail("Re: Hours", "Nine to five.\n\n> older", Message_ID="<a1@example.com>"),
        mail("Fees", "Twelve euros.\n-- \nThe desk", Message_ID="<b2@example.com>"),
    )
    documents = read("in.mbox", content)
    assert spoken(documents) == {
        "in.mbox#a1@example.com": ["Nine to five."],
        "in.mbox#b2@example.com": ["Twelve euros."],
    }
    assert [one.title for one in documents] == ["Hours", "Fees"]


def test_a_mail_without_an_id_is_called_by_its_date_and_subject(read, box):
    content = box(mail("Fees", "Twelve euros.", Date="Mon, 04 May 2026 10:00:00 +0000"))
    [document] = read("in.mbox", content)
    assert document.source == "in.mbox#mon-04-may-2026-10-00-00-0000-fees"


def test_two_mails_of_one_id_are_two_documents(read, box):
    content = box(
        *(mail("Fees", text, Message_ID="<a@b>") for text in ("One.", "Two."))
    )
    assert len(spoken(read("in.mbox", content))) == 2


def test_a_line_that_begins_like_a_mail_stays_text(read, box):
    text = "Prices:\n\nFrom May on it costs 12 euros.\n\n>From the desk.\n"
    [document] = read("in.mbox", box(mail("Fees", text)))
    assert "From May on it costs 12 euros." in spoken([document])[document.source]


def test_an_unquoted_line_that_begins_like_a_mail_stays_text(read):
    content = (
        "From a@b Mon May  4 10:00:00 2026\nFrom: a@b\nSubject: Fees\n\n"
        "Prices:\n\nFrom May on it costs 12 euros.\n\n"
        "From c@d Mon May  4 11:00:00 2026\nFrom: c@d\nSubject: Hours\n\nDaily.\n"
    )
    assert list(spoken(read("in.mbox", content)).values()) == [
        ["Prices:", "From May on it costs 12 euros."],
        ["Daily."],
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Gmail-Labels", "Spam,Category updates"),
        ("X-Gmail-Labels", "Trash"),
        ("X-Gmail-Labels", "Drafts,Important"),
        ("X-Mozilla-Status", "0009"),
        ("X-Status", "D"),
        ("X-Status", "T"),
    ],
)
def test_drafts_spam_and_deleted_mails_are_left_out(read, box, name, value):
    bad = mail("Old", "Forbidden.")
    bad[name] = value
    documents = read(
        "in.mbox", box(bad, mail("Hours", "Daily.", X_Mozilla_Status="0001"))
    )
    assert list(spoken(documents).values()) == [["Daily."]]
    assert documents[0].notes == ("left out 1 mail: drafts, spam or deleted",)


def test_the_attachments_of_a_mail_without_a_text_are_named(read, box):
    empty = mail("Scan", "")
    empty.add_attachment(b"x", maintype="image", subtype="png", filename="scan.png")
    documents = read("in.mbox", box(mail("Hours", "Daily."), empty))
    assert list(spoken(documents).values()) == [["Daily."]]
    assert "1 attachment (scan.png)" in documents[0].notes[0]


def test_a_mailbox_without_a_text_is_named(read, box):
    with pytest.raises(DocumentUnreadable, match="no text in it; left out 1 mail"):
        read("in.mbox", box(mail("Old", "x", X_Status="D")))


def test_another_file_is_named_as_none(read):
    with pytest.raises(DocumentUnreadable, match="it does not begin with 'From '"):
        read("in.mbox", "Subject: Hours\n\nDaily.\n")
