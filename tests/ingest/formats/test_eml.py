from email.message import EmailMessage

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block


def mail(subject: str, text: str, subtype: str = "plain") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "desk@example.com",
        "all@example.com",
        subject,
    )
    message.set_content(text, subtype=subtype)
    return message


def test_a_mail_is_its_subject_and_what_its_writer_wrote(read):
    message = mail(
        "Re: Fwd: Router für zu Hause",
        "Hello,\n\nrestart the router.\n> not this\n\n"
        "On Mon, 1 Jan 2026 at 9:00, the desk wrote:\n> older\n\nolder too\n",
    )
    message.add_attachment(
        b"x", maintype="application", subtype="octet-stream", filename="x.bin"
    )
    [document] = read("m.eml", bytes(message))
    assert document.title == "Router für zu Hause"
    assert document.blocks == (
        Block("paragraph", "Hello,"),
        Block("paragraph", "restart the router."),
    )
    assert document.notes == ("left out 1 attachment",)


def test_a_signature_is_left_out(read):
    [document] = read(
        "m.eml", bytes(mail("Hours", "Nine to five.\n-- \nThe desk\n0800 555\n"))
    )
    assert document.blocks == (Block("paragraph", "Nine to five."),)


def test_a_mail_in_html_is_read_without_its_quotes(read):
    markup = (
        "<p>New.</p><div class='gmail_quote'>old</div><blockquote type=cite>"
        "older</blockquote><ul><li>one</ul>"
    )
    [document] = read("m.eml", bytes(mail("Hours", markup, "html")))
    assert [block.text for block in document.blocks] == ["New.", "- one"]


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----",
        "---- Ursprüngliche Nachricht ----",
        "On Monday, the first of May, Ann wrote:",
        "Am 1. Mai 2026 schrieb Anna Berg <anna@example.com>:",
        "Le 1 mai 2026, Anne a écrit :",
        "El 1 de mayo de 2026, Ana escribió:",
    ],
)
def test_a_quoted_mail_is_left_out(read, line):
    [document] = read(
        "m.eml", bytes(mail("Hours", f"Nine to five.\n\n{line}\n\nold text\n"))
    )
    assert document.blocks == (Block("paragraph", "Nine to five."),)


@pytest.mark.parametrize(
    ("subject", "title"),
    [("AW: WG: Router", "Router"), ("Regarding", "Regarding"), ("Re:", "M"), ("", "M")],
)
def test_the_subject_without_reply_prefixes_is_the_title(read, subject, title):
    assert read("m.eml", bytes(mail(subject, "Text.\n")))[0].title == title


def test_a_file_without_headers_is_no_mail(read):
    with pytest.raises(
        DocumentUnreadable, match="not a mail: no From, Date or Subject"
    ):
        read("m.eml", "just some text\n")


def test_hidden_text_of_an_html_mail_is_left_out(read):
    markup = "<p>Shown.</p><p style='display:none'>Tracking.</p>"
    [document] = read("m.eml", bytes(mail("Hours", markup, "html")))
    assert document.blocks == (Block("paragraph", "Shown."),)
