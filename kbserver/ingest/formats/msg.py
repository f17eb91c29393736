"""Outlook's MSG files: a mail in a container of streams, read by the rules of any mail.

The container is olefile's work. What its streams mean is read here, because the library
that knows more of it, extract-msg, is under the GPL.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from typing import Any

import olefile

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.formats.eml import MAX_DEPTH, mail_document
from kbserver.ingest.formats.rtf.document import rtf_html
from kbserver.ingest.formats.rtf.packed import unpacked_rtf
from kbserver.ingest.formats.shared.encoding import decode
from kbserver.ingest.formats.shared.source import SourceFile

MAX_ATTACHMENTS = 1_000

# Source: [MS-OXMSG] 2.1.3 for the names of streams, [MS-OXPROPS] for the properties.
_SUBJECT = "0037"
_BODY = "1000"
_HTML = "1013"
_RTF = "1009"
_DISPLAY_NAME = "3001"
_EMBEDDED = "3701"
_SHORT_NAME = "3704"
_LONG_NAME = "3707"
_CODE_PAGE = 0x3FFD0003
_HTML_CODE_PAGE = 0x3FDE0003
_IS_HIDDEN = 0x7FFE000B
"""An attachment that is a picture in the text."""
_PROPERTIES = "__properties_version1.0"
_PROPERTY_BYTES = 16
_HEADER_BYTES = (32, 24, 8)
"""Before the properties: of the message, one in a message, an attachment."""
_UTF_8 = 65001

_Path = tuple[str, ...]


def convert(file: SourceFile) -> list[Document]:
    """Return one document, as of an .eml file; its attachments are named.

    Raises:
        DocumentUnreadable: no MSG file, or a damaged one.
    """
    data = file.bytes()
    if not olefile.isOleFile(data=data):
        raise DocumentUnreadable(file.source, "not an Outlook message")
    try:
        with olefile.OleFileIO(data) as container:
            if not container.exists(_PROPERTIES):
                raise DocumentUnreadable(file.source, "not an Outlook message")
            message = _Storage(container, (), 0).message()
    except OSError as exc:  # of olefile: no file is opened here
        raise DocumentUnreadable(file.source, f"corrupt or cut short ({exc})") from exc
    return [mail_document(message, file.source)]


class _Storage:
    """One message or attachment in the container."""

    def __init__(self, container: Any, path: _Path, depth: int, kind: int = 0) -> None:
        self._container = container
        self._path = path
        self._depth = depth
        """Of messages around this one."""
        self._header_bytes = _HEADER_BYTES[kind]
        self._numbers = dict(self._fixed())

    def message(self) -> EmailMessage:
        """Return a message as its sender's program would have sent it."""
        message = EmailMessage()
        message["Subject"] = " ".join(self.text(_SUBJECT).split())
        body = self.text(_BODY)
        if body.strip():
            message.set_content(_encodable(body))
        else:
            message.set_content(_encodable(self._markup()), subtype="html")
        for part in self._parts():
            part.attach_to(message)
        return message

    def attach_to(self, message: EmailMessage) -> None:
        """Attach this attachment to the message it belongs to."""
        if self._numbers.get(_IS_HIDDEN):
            return
        inner = (*self._path, f"__substg1.0_{_EMBEDDED}000D")
        if self._depth < MAX_DEPTH and self._container.exists([*inner, _PROPERTIES]):
            embedded = _Storage(self._container, inner, self._depth + 1, kind=1)
            message.add_attachment(embedded.message())
            return
        named = (self.text(one) for one in (_LONG_NAME, _SHORT_NAME, _DISPLAY_NAME))
        name = " ".join(next(filter(None, named), "").split())
        message.add_attachment(
            b"",
            maintype="application",
            subtype="octet-stream",
            filename=_encodable(name) or "unnamed",
        )

    def text(self, number: str) -> str:
        """Return a property's text, "" without it."""
        data = self._stream(f"__substg1.0_{number}001F")
        if data is not None:
            return data.decode("utf-16-le", "replace").rstrip("\0")
        data = self._stream(f"__substg1.0_{number}001E")
        if data is None:
            return ""
        return self._decoded(data, _CODE_PAGE).rstrip("\0")

    def _markup(self) -> str:
        """Return a body that has no plain form as HTML, "" without one."""
        data = self._stream(f"__substg1.0_{_HTML}0102")
        if data is not None:
            return self._decoded(data, _HTML_CODE_PAGE)
        written = self.text(_HTML)
        packed = self._stream(f"__substg1.0_{_RTF}0102")
        if written or packed is None:
            return written
        return rtf_html(unpacked_rtf(packed))

    def _decoded(self, data: bytes, property_tag: int) -> str:
        page = self._numbers.get(property_tag, 0)
        declared = f"cp{page}"
        if page in (0, _UTF_8):
            declared = "utf-8"
        text, _ = decode(data.rstrip(b"\0"), "", declared=declared)
        return text

    def _parts(self) -> Iterator[_Storage]:
        names = {
            tuple(path[: len(self._path) + 1])
            for path in self._container.listdir()
            if tuple(path[:-1])[: len(self._path)] == self._path
            and len(path) > len(self._path) + 1
            and path[len(self._path)].startswith("__attach_version1.0_")
        }
        for path in sorted(names)[:MAX_ATTACHMENTS]:
            yield _Storage(self._container, path, self._depth, kind=2)

    def _fixed(self) -> Iterator[tuple[int, int]]:
        """Yield tag and value of the properties that are numbers."""
        data = self._stream(_PROPERTIES) or b""
        end = len(data) - _PROPERTY_BYTES + 1
        for at in range(self._header_bytes, end, _PROPERTY_BYTES):
            tag, _, value = struct.unpack_from("<III", data, at)
            yield tag, value

    def _stream(self, name: str) -> bytes | None:
        path: Sequence[str] = [*self._path, name]
        if not self._container.exists(path):
            return None
        with self._container.openstream(path) as stream:
            return bytes(stream.read())


def _encodable(text: str) -> str:
    """Return a text that a mail can carry: without halves of characters."""
    return text.encode("utf-8", "replace").decode("utf-8")
