"""Mail: the subject, what was newly written and what was forwarded.

Headers, quotes of earlier mails and signatures are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, counted, not_spoken, title_from
from kbserver.ingest.formats.exports.pictures import picture_notes
from kbserver.ingest.formats.shared.encoding import decode
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks
from kbserver.ingest.formats.text import text_blocks

MAX_DEPTH = 10
"""Of mails in mails."""

_MOST_NAMED = 5
_HEADERS = ("from", "date", "subject", "message-id", "received")
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_QUOTED = re.compile(r"^> ?", re.MULTILINE)
_FORWARDED_WORDS = (
    "forwarded message|begin forwarded message|weitergeleitete nachricht"
    "|anfang der weitergeleiteten nachricht|message transféré"
    "|début du message transféré|mensaje reenviado|messaggio inoltrato"
    "|doorgestuurd bericht"
)
_FORWARDED = rf"-{{2,}} ?(?:{_FORWARDED_WORDS})(?: by [^-\n]*)? ?-{{2,}}|(?:{_FORWARDED_WORDS}) ?:"
_ORIGINAL = (
    r"-{2,} ?(?:original message|ursprüngliche nachricht|message d'origine"
    r"|mensaje original) ?-{2,}"
)
_WROTE = (
    r"on .{5,200}wrote:|am .{5,200}schrieb.{0,100}:|le .{5,200}a écrit ?:"
    r"|el .{5,200}escribió:"
)
_HEADER_NAME = (
    r"\*?(?:from|sent|date|to|cc|subject|reply-to|von|gesendet|datum|an|betreff|kopie"
    r"|antwort an|de|envoyé|à|objet|para|enviado|fecha|asunto|da|inviato|a|oggetto)"
    r"\s?:"
)
_HEADER_LINE = rf"[> \t]{{0,9}}{_HEADER_NAME}\*?[^\n]*(?:\n|\Z)"
_BREAK = re.compile(
    rf"^[> \t]{{0,9}}(?:(?P<forwarded>{_FORWARDED})|{_ORIGINAL}|{_WROTE})[ \t]*$"
    rf"|^(?:_{{5,}}\s*\n)?(?P<headers>(?:{_HEADER_LINE}){{3,}})",
    re.MULTILINE | re.IGNORECASE,
)
"""Where something begins that was written before."""
_HEADER_BLOCK = re.compile(rf"\s*(?:{_HEADER_LINE})+", re.IGNORECASE)
_IS_HEADER = re.compile(_HEADER_NAME, re.IGNORECASE)
_IS_MARK = re.compile(_FORWARDED, re.IGNORECASE)
_QUOTES = (
    "//blockquote[@type='cite']"
    " | //*[contains(concat(' ', @class, ' '), ' gmail_quote ')]"
    " | //*[contains(concat(' ', @class, ' '), ' moz-forward-container ')]"
)
"""XPath of the parts of an HTML mail that were not newly written."""
_OUTLOOK = "//*[@id='divRplyFwdMsg']"
"""The headers of an earlier mail, which follows beside them."""
_SIGNATURES = "//*[contains(concat(' ', @class, ' '), ' gmail_signature ')]"
_QUOTED_HEADERS = (
    ".//*[contains(concat(' ', @class, ' '), ' gmail_attr ')]"
    " | .//*[contains(concat(' ', @class, ' '), ' moz-email-headers-table ')]"
)
_FORWARD_PREFIX = re.compile(r"(?:fwd?|wg|tr|rv|vs|i|doorst)\s*:", re.IGNORECASE)
_REPLY_PREFIX = re.compile(
    r"^(?:(?:re|fwd?|aw|wg|tr|sv|rv|vs|antw|doorst)\s*:\s*)+", re.IGNORECASE
)


def convert(file: SourceFile) -> list[Document]:
    """Return one document.

    Raises:
        DocumentUnreadable: it has none of the headers that every mail has.
    """
    message = message_from_bytes(file.bytes(), policy=policy.default)
    if not is_mail(message):
        reason = "not a mail: no From, Date or Subject at its beginning"
        raise DocumentUnreadable(file.source, reason)
    return [mail_document(message, file.source)]


def is_mail(message: Message) -> bool:
    """Return whether a message has one of the headers that every mail has."""
    return any(header in message for header in _HEADERS)


def mail_document(message: EmailMessage, source: str) -> Document:
    """Return a mail as a document titled with the subject, with the mails attached to it.

    Other attachments are named, not read. A mail that was forwarded is what its
    forwarder says; a mail that was replied to is not.
    """
    title = _title_of(message) or title_from(source)
    attached: list[str] = []
    notes: list[str] = []
    blocks = list(_message_blocks(message, title, attached, notes))
    if attached:
        named = ", ".join(attached[:_MOST_NAMED])
        if len(attached) > _MOST_NAMED:
            named += ", …"
        what = f"{counted(len(attached), 'attachment')} ({named})"
        notes.append(not_spoken(what, "save beside this file what callers need"))
    return Document(source, title, tuple(blocks), {}, tuple(notes))


def _title_of(message: Message) -> str:
    subject = " ".join(str(message.get("subject", "")).split())
    return _REPLY_PREFIX.sub("", subject)


def _message_blocks(
    message: EmailMessage,
    title: str,
    attached: list[str],
    notes: list[str],
    depth: int = 0,
) -> Iterator[Block]:
    """Yield the blocks of a mail and of those attached to it.

    Args:
        title: of the document, which no heading repeats.
        attached: gets the names of what is attached and not read.
        notes: gets what the conversion left out.
        depth: of mails around this one.
    """
    is_forward = bool(_FORWARD_PREFIX.match(str(message.get("subject", "")).strip()))
    body = message.get_body(preferencelist=("plain", "html"))
    if isinstance(body, EmailMessage):
        content = _content_of(body)
        if body.get_content_type() == "text/html":
            yield from _html_blocks(content, notes, is_forward=is_forward)
        else:
            yield from _plain_blocks(content, is_forward=is_forward)
    for part in message.iter_attachments():
        inner: Any = None
        if part.get_content_type() == "message/rfc822" and depth < MAX_DEPTH:
            inner = part.get_content()
        if isinstance(inner, EmailMessage):
            heading = _title_of(inner)
            if heading and heading != title:
                yield Block("heading", heading, 2)
            yield from _message_blocks(inner, title, attached, notes, depth + 1)
        else:
            name = part.get_filename() or part.get_content_type()
            attached.append(" ".join(str(name).split()))


def _content_of(body: EmailMessage) -> str:
    """Return the text of a part; one that does not name its encoding may be in any."""
    data = body.get_payload(decode=True)
    if body.get_content_charset() or not isinstance(data, bytes):
        return str(body.get_content())
    try:
        text, _ = decode(data, "")
    except DocumentUnreadable:  # some of it is readable in ASCII
        return str(body.get_content())
    return text


def _plain_blocks(text: str, *, is_forward: bool) -> list[Block]:
    text = text.replace("\r\n", "\n")
    written = "\n\n".join(_written(text, is_forward=is_forward))
    return text_blocks(written, headings=False)


def _written(text: str, *, is_forward: bool) -> Iterator[str]:
    """Yield what a mail says: what was newly written, then what was forwarded."""
    for _ in range(MAX_DEPTH):
        found = _BREAK.search(text)
        if found is None:
            yield _own_lines(text)
            return
        yield _own_lines(text[: found.start()])
        if not is_forward and not found["forwarded"]:
            return
        text = _unquoted(text[found.end() :])
        if not found["headers"]:
            head = _HEADER_BLOCK.match(text)
            if head is not None:
                text = text[head.end() :]
        is_forward = False


def _own_lines(text: str) -> str:
    """Return a text without its signature and quoted lines."""
    unsigned = _SIGNATURE.split(text, maxsplit=1)[0]
    lines = [line for line in unsigned.split("\n") if not line.startswith(">")]
    return "\n".join(lines)


def _unquoted(text: str) -> str:
    """Return a text without its marks of quotation if every line has one."""
    lines = [line for line in text.split("\n") if line.strip()]
    if all(line.startswith(">") for line in lines):
        return _QUOTED.sub("", text)
    return text


def _html_blocks(markup: str, notes: list[str], *, is_forward: bool) -> list[Block]:
    root = parse_html(markup)
    if root is None:
        return []
    for signature in root.xpath(_SIGNATURES):
        _drop(signature)
    is_kept = False
    for quote in root.xpath(_QUOTES):
        if quote.getparent() is None:
            continue
        is_marked = bool(_IS_MARK.search(str(quote.text_content())[:200]))
        if is_marked or (is_forward and not is_kept):
            is_kept = True
            for headers in quote.xpath(_QUOTED_HEADERS):
                _drop(headers)
        else:
            _drop(quote)
    for number, headers in enumerate(root.xpath(_OUTLOOK)):
        if not is_forward or number:
            for follows in list(headers.itersiblings()):
                _drop(follows)
        _drop(headers)
    notes += settle(root)
    notes += picture_notes(root)
    return [block for block in html_blocks(root) if not _is_head(block.text)]


def _drop(element: Any) -> None:
    """Take out an element that may be taken out already."""
    if element.getparent() is not None:
        element.drop_tree()


def _is_head(text: str) -> bool:
    """Return whether a paragraph only says from whom and when a quoted mail came."""
    if _IS_MARK.match(text):
        return True
    return _IS_HEADER.match(text) is not None and ("@" in text or "ubject:" in text)
