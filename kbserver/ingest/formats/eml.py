"""Mail: the subject and what was newly written, without headers, quotes and signature."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, counted, title_from
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks
from kbserver.ingest.formats.text import text_blocks

_HEADERS = ("from", "date", "subject", "message-id", "received")
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_REPLY_TO = re.compile(
    r"^(?:-{2,} ?"
    r"(?:original message|ursprüngliche nachricht|forwarded message)"
    r" ?-{2,}"
    r"|on .{5,200}wrote:|am .{5,200}schrieb.{0,100}:|le .{5,200}a écrit ?:"
    r"|el .{5,200}escribió:)\s*$",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTES = (
    "//blockquote[@type='cite']"
    " | //*[contains(concat(' ', @class, ' '), ' gmail_quote ')]"
    " | //*[@id='divRplyFwdMsg']/following-sibling::* | //*[@id='divRplyFwdMsg']"
    " | //*[contains(concat(' ', @class, ' '), ' gmail_signature ')]"
)
"""XPath of the parts of an HTML mail that were not newly written."""
_REPLY_PREFIX = re.compile(r"^(?:(?:re|fwd?|aw|wg|tr|sv)\s*:\s*)+", re.IGNORECASE)


def convert(file: SourceFile) -> list[Document]:
    """Return one document titled with the subject; attachments are counted, not read.

    Raises:
        DocumentUnreadable: it has none of the headers that every mail has.
    """
    message = message_from_bytes(file.bytes(), policy=policy.default)
    if not any(header in message for header in _HEADERS):
        reason = "not a mail: no From, Date or Subject at its beginning"
        raise DocumentUnreadable(file.source, reason)
    notes: tuple[str, ...] = ()
    if attachments := sum(1 for _ in message.iter_attachments()):
        notes = (f"left out {counted(attachments, 'attachment')}",)
    body = message.get_body(preferencelist=("plain", "html"))
    blocks: list[Block] = []
    if isinstance(body, EmailMessage):
        content = str(body.get_content())
        if body.get_content_type() == "text/html":
            blocks = _html_blocks(content)
        else:
            blocks = _plain_blocks(content)
    subject = " ".join(str(message.get("subject", "")).split())
    title = _REPLY_PREFIX.sub("", subject) or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), {}, notes)]


def _plain_blocks(text: str) -> list[Block]:
    text = text.replace("\r\n", "\n")
    unsigned = _SIGNATURE.split(text, maxsplit=1)[0]
    written = _REPLY_TO.split(unsigned, maxsplit=1)[0]
    lines = [line for line in written.split("\n") if not line.startswith(">")]
    return text_blocks("\n".join(lines), headings=False)


def _html_blocks(markup: str) -> list[Block]:
    root = parse_html(markup)
    if root is None:
        return []
    settle(root)
    for quote in root.xpath(_QUOTES):
        if quote.getparent() is not None:
            quote.drop_tree()
    return html_blocks(root)
