"""MBOX: a mailbox in one file; each mail that its owner kept is a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, counted
from kbserver.ingest.formats.eml import is_mail, mail_document
from kbserver.ingest.formats.shared.sheet import RecordIds
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.visible import strip_invisible

MAX_MAIL_BYTES = 64 * 1024**2
"""Of one mail with its attachments."""

_BEGIN = b"From "
# Source: RFC 4155, appendix A: a mail begins behind a blank line with an envelope, and
# the lines of its text that look like one are quoted (mboxrd: `>From`, `>>From`). Some
# programs quote none, so that a mail may say `From May on` behind a blank line.
_ENVELOPE = re.compile(rb"From .{0,300}?\b\w{3} \w{3} [ \d]\d \d\d:\d\d")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_NOT_KEPT = re.compile(r"\b(?:spam|trash|drafts?|junk|bin)\b", re.IGNORECASE)
_EXPUNGED = 0x0008
"""Of `X-Mozilla-Status`: deleted, and still in the file."""
_MOST_ID_CHARACTERS = 200


def convert(file: SourceFile) -> list[Document]:
    """Return one document for each mail, `inbox.mbox#message-id`.

    Drafts, spam and what was deleted are left out.

    Raises:
        DocumentUnreadable: no mailbox, or a mail of it is too large.
    """
    ids = RecordIds()
    documents: list[Document] = []
    # of mails without a text, which become no document
    notes: list[str] = []
    left_out = 0
    with file.open() as lines:
        for data in _mails(lines, file.source):
            message = message_from_bytes(data, policy=policy.default)
            if not is_mail(message):
                continue
            if _is_not_kept(message):
                left_out += 1
                continue
            document = mail_document(message, f"{file.source}#{_id(message, ids)}")
            if any(block.text for block in document.blocks):
                documents.append(document)
            else:
                notes += document.notes
    if left_out:
        mails = counted(left_out, "mail")
        notes.append(f"left out {mails}: drafts, spam or deleted")
    if not documents:
        raise DocumentUnreadable(file.source, "; ".join(["no text in it", *notes]))
    documents[0] = replace(documents[0], notes=(*documents[0].notes, *notes))
    return documents


def _mails(lines: Iterable[bytes], source: str) -> Iterator[bytes]:
    """Yield the bytes of each mail, without its envelope.

    Raises:
        DocumentUnreadable: the file begins otherwise, or a mail is too large.
    """
    mail: list[bytes] | None = None
    size = 0
    is_behind_blank = True
    for line in lines:
        if is_behind_blank and _begins(line, is_first=mail is None):
            if mail is not None:
                yield _unquoted(mail)
            mail, size = [], 0
        elif mail is None:
            if line.strip():
                reason = "no mailbox: it does not begin with 'From '"
                raise DocumentUnreadable(source, reason)
        else:
            mail.append(line)
            size += len(line)
        if size > MAX_MAIL_BYTES:
            most = f"{MAX_MAIL_BYTES // 1024**2} MiB"
            raise DocumentUnreadable(source, f"holds a mail of over {most}")
        is_behind_blank = not line.strip()
    if mail is not None:
        yield _unquoted(mail)


def _begins(line: bytes, *, is_first: bool) -> bool:
    """Return whether a mail begins with a line."""
    if is_first:
        return line.startswith(_BEGIN)
    return _ENVELOPE.match(line) is not None


def _unquoted(lines: list[bytes]) -> bytes:
    return _QUOTED.sub(rb"\1", b"".join(lines))


def _is_not_kept(message: EmailMessage) -> bool:
    """Return whether a mail is a draft, spam or deleted, as its program marks it.

    Gmail writes its labels, Thunderbird and Mutt the state of a mail.
    """
    if _NOT_KEPT.search(_header(message, "X-Gmail-Labels")):
        return True
    if set("DT") & set(_header(message, "X-Status")):
        return True
    try:
        state = int(_header(message, "X-Mozilla-Status") or "0", 16)
    except ValueError:
        return False
    return bool(state & _EXPUNGED)


def _id(message: EmailMessage, ids: RecordIds) -> str:
    """Return the id of a mail, the same whatever mails come and go."""
    given, _ = strip_invisible(_header(message, "Message-ID").strip("<> "))
    if given and len(given) <= _MOST_ID_CHARACTERS:
        return ids.own(given)
    when = _header(message, "Date")
    return ids.of(f"{when} {_header(message, 'Subject')}".strip() or "mail")


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(str(message.get(name, "")).split())
