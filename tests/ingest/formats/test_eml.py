from email.message import EmailMessage

import pytest

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block
from kbserver.ingest.formats.eml import _written


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
    assert document.notes == (
        "not spoken: 1 attachment (x.bin); save beside this file what callers need",
    )


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


HEADERS = (
    "From: Pool <pool@example.com>\nDate: Mon, Mar 2, 2026\nSubject: Hours\nTo: Kim\n\n"
)
FORWARDED = HEADERS + "The pool opens at 6.\n"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Hours", f"---------- Forwarded message ---------\n{FORWARDED}"),
        ("FW: Hours", f"-----Original Message-----\n{FORWARDED}"),
        ("WG: Hours", f"________________________________\n{FORWARDED}"),
        ("Fwd: Hours", "On Mon, 2 Mar 2026, the pool wrote:\n> The pool opens at 6.\n"),
        (
            "Fwd: Hours",
            "Begin forwarded message:\n\n> From: Pool <pool@example.com>\n> Subject: Hours\n"
            "> Date: 2 March 2026\n>\n> The pool opens at 6.\n",
        ),
        (
            "Hours",
            f"-------- Forwarded Message --------\n{FORWARDED}-- \nThe pool\n\n"
            "On Sun, 1 Mar 2026, Kim wrote:\n\nWhen do you open?\n",
        ),
    ],
)
def test_what_was_forwarded_is_the_message(read, subject, text):
    [document] = read(
        "m.eml", bytes(mail(subject, f"Please tell callers.\n-- \nKim\n\n{text}"))
    )
    assert [block.text for block in document.blocks] == [
        "Please tell callers.",
        "The pool opens at 6.",
    ]


def test_headers_of_an_earlier_mail_end_a_reply(read):
    text = f"Nine to five.\n\n________________________________\n{FORWARDED}"
    [document] = read("m.eml", bytes(mail("RE: Hours", text)))
    assert [block.text for block in document.blocks] == ["Nine to five."]


GMAIL = (
    "<p>See below.</p><div class='gmail_quote'><div class='gmail_attr'>---------- Forwarded "
    "message ---------<br>From: Pool</div><p>The pool opens at 6.</p>"
    "<div class='gmail_quote'><p>older</p></div></div>"
)
APPLE = (
    "<p>See below.</p><blockquote type='cite'><div>Begin forwarded message:</div>"
    "<div><b>From: </b>Pool &lt;pool@example.com&gt;</div><div><b>Subject: </b>Hours</div>"
    "<p>The pool opens at 6.</p></blockquote>"
)
OUTLOOK = (
    "<p>See below.</p><div id='divRplyFwdMsg'><b>From:</b> Pool<br><b>Subject:</b> Hours</div>"
    "<p>The pool opens at 6.</p><div id='divRplyFwdMsg'>From: x</div><p>older</p>"
)


@pytest.mark.parametrize(
    ("subject", "markup"),
    [("Hours", GMAIL), ("Fwd: Hours", APPLE), ("FW: Hours", OUTLOOK)],
)
def test_what_was_forwarded_in_html_is_the_message(read, subject, markup):
    [document] = read("m.eml", bytes(mail(subject, markup, "html")))
    assert [block.text for block in document.blocks] == [
        "See below.",
        "The pool opens at 6.",
    ]


def test_a_reply_in_html_is_cut_at_the_headers_of_outlook(read):
    [document] = read("m.eml", bytes(mail("RE: Hours", OUTLOOK, "html")))
    assert [block.text for block in document.blocks] == ["See below."]


def test_a_mail_attached_to_a_mail_is_read_below_its_subject(read):
    inner = mail("Prices of the pool", "A day costs 8 dollars.\n")
    inner.add_attachment(b"x", maintype="image", subtype="png", filename="map.png")
    outer = mail("Fwd: News", "Two mails from the pool.\n")
    outer.add_attachment(inner)
    outer.add_attachment(mail("News", "We open at 6.\n"))
    [document] = read("m.eml", bytes(outer))
    assert document.title == "News"
    assert document.blocks == (
        Block("paragraph", "Two mails from the pool."),
        Block("heading", "Prices of the pool", 2),
        Block("paragraph", "A day costs 8 dollars."),
        Block("paragraph", "We open at 6."),
    )
    assert document.notes == (
        "not spoken: 1 attachment (map.png); save beside this file what callers need",
    )


def test_what_an_html_mail_shows_and_is_not_said_is_named(read):
    [document] = read(
        "a.eml",
        "From: kim@acme.example\nSubject: Fees\nContent-Type: text/html; charset=utf-8\n\n"
        "<p>It is <s>$12</s> $14.</p><p style='display:none'>psst</p>"
        "<img src='https://acme.example/fees.png'><img src='open.gif' width=1 height=1>"
        "<div class='gmail_signature'><img src='kim.png'></div>"
        "<div class='gmail_quote'><s>$9</s><img src='old.png'></div>",
    )
    assert [block.text for block in document.blocks] == ["It is $14."]
    assert document.notes == (
        "left out 1 struck-out text",
        "removed 4 hidden characters",
        "not spoken: 1 picture (fees.png); write in the text what callers need of it",
    )


def test_a_forwarded_mail_that_begins_with_much_space_is_read_once():
    text = "---- Forwarded message ----\n" + " \n" * 30_000 + "The pool is open.\n"
    assert list(_written(text, is_forward=True))[-1].strip() == "The pool is open."


def test_the_head_of_a_forwarded_mail_is_left_out_and_no_later_line_like_it():
    head = "\nFrom: the desk\nDate: today\n"
    text = f"---- Forwarded message ----\n{head}Bring:\nTo: a towel\n"
    assert list(_written(text, is_forward=True)) == ["", "Bring:\nTo: a towel\n"]
    without_head = "---- Forwarded message ----\nBring:\nTo: a towel\n"
    assert list(_written(without_head, is_forward=True))[-1].endswith("To: a towel\n")


def test_a_mail_that_does_not_name_its_encoding_is_read(read):
    mail = "From: kim@acme.example\nSubject: Fees\n\nA room is 99\u202f€."
    [document] = read("a.eml", mail)
    assert [block.text for block in document.blocks] == ["A room is 99\u202f€."]
    [document] = read("a.eml", mail.replace("\u202f", " ").encode("cp1252"))
    assert [block.text for block in document.blocks] == ["A room is 99 €."]
