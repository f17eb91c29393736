"""An OpenDocument file as its XML: packed as a zip, or flat."""

from __future__ import annotations

import posixpath
from typing import Any

from lxml import etree

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.archive import open_checked_zip
from kbserver.ingest.formats.shared.source import SourceFile

# Source: OpenDocument 1.3 (OASIS), part 3, namespaces.
_URN = "urn:oasis:names:tc:opendocument:xmlns"
OFFICE = f"{{{_URN}:office:1.0}}"
STYLE = f"{{{_URN}:style:1.0}}"
TEXT = f"{{{_URN}:text:1.0}}"
TABLE = f"{{{_URN}:table:1.0}}"
DRAW = f"{{{_URN}:drawing:1.0}}"
NUMBER = f"{{{_URN}:datastyle:1.0}}"
PRESENTATION = f"{{{_URN}:presentation:1.0}}"
FORM = f"{{{_URN}:form:1.0}}"
CHART = f"{{{_URN}:chart:1.0}}"
FO = f"{{{_URN}:xsl-fo-compatible:1.0}}"
SVG = f"{{{_URN}:svg-compatible:1.0}}"
_MANIFEST = f"{{{_URN}:manifest:1.0}}"
XLINK = "{http://www.w3.org/1999/xlink}"
XML_ID = "{http://www.w3.org/XML/1998/namespace}id"
CALCEXT = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
LOEXT = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"

_ENCRYPTED = b"encryption-data"
_ZIP = b"PK"
_MATH = "{http://www.w3.org/1998/Math/MathML}"
_MEDIA_TYPES = {"chart": "chart", "formula": "equation"}


class Package:
    """The parts of one file that are read."""

    def __init__(self, file: SourceFile) -> None:
        """Read them.

        Raises:
            DocumentUnreadable: corrupt, a bomb, or protected by a password.
        """
        self.source = file.source
        # what the objects in it are, and the charts as XML, by their folder
        self._kinds: dict[str, str] = {}
        self._charts: dict[str, bytes] = {}
        with file.open() as opened:
            is_packed = opened.read(len(_ZIP)) == _ZIP
        if is_packed:
            self._unpack(file)
        else:
            self.content = self.styles = _parsed(file.bytes())
        body = self.content.find(f"{OFFICE}body")
        if body is None:
            raise DocumentUnreadable(file.source, "not an OpenDocument file")
        self._body = body

    def body(self, kind: str) -> Any:
        """Return what the file is about.

        Args:
            kind: `text`, `spreadsheet` or `presentation`.

        Raises:
            DocumentUnreadable: it is about something else.
        """
        found = self._body.find(f"{OFFICE}{kind}")
        if found is None:
            holds = ", ".join(etree.QName(one).localname for one in self._elements())
            reason = f"not an OpenDocument {kind}: it holds {holds or 'nothing'}"
            raise DocumentUnreadable(self.source, reason)
        return found

    def kind_of(self, drawn: Any) -> str:
        """Return what an object is: `chart`, `equation` or `embedded object`."""
        for inner in drawn.iterchildren(tag=etree.Element):
            if inner.tag.startswith(_MATH):
                return "equation"
            if inner.find(f".//{CHART}chart") is not None:
                return "chart"
        link = drawn.get(f"{XLINK}href", "")
        return self._kinds.get(posixpath.normpath(link), "embedded object")

    def chart(self, drawn: Any) -> Any:
        """Return the root of the document of an object that is a chart, else None."""
        for inner in drawn.iterchildren(tag=etree.Element):
            if inner.find(f".//{CHART}chart") is not None:
                return inner
        link = posixpath.normpath(drawn.get(f"{XLINK}href", ""))
        if link not in self._charts:
            return None
        return _parsed(self._charts[link])

    def _elements(self) -> list[Any]:
        return list(self._body.iterchildren(tag=etree.Element))

    def _unpack(self, file: SourceFile) -> None:
        with open_checked_zip(file) as archive:
            names = set(archive.namelist())
            manifest = b""
            if "META-INF/manifest.xml" in names:
                manifest = archive.read("META-INF/manifest.xml")
            if _ENCRYPTED in manifest:
                raise DocumentUnreadable(file.source, "protected by a password")
            if "content.xml" not in names:
                reason = "not a whole OpenDocument file: content.xml is missing"
                raise DocumentUnreadable(file.source, reason)
            self.content = _parsed(archive.read("content.xml"))
            self.styles = self.content
            if "styles.xml" in names:
                self.styles = _parsed(archive.read("styles.xml"))
            if manifest:
                self._read_manifest(_parsed(manifest))
            for path, kind in self._kinds.items():
                if kind == "chart" and f"{path}/content.xml" in names:
                    self._charts[path] = archive.read(f"{path}/content.xml")

    def _read_manifest(self, manifest: Any) -> None:
        for entry in manifest.iter(f"{_MANIFEST}file-entry"):
            media_type = entry.get(f"{_MANIFEST}media-type", "")
            kind = _MEDIA_TYPES.get(media_type.rpartition("opendocument.")[2])
            if kind:
                path = posixpath.normpath(entry.get(f"{_MANIFEST}full-path", ""))
                self._kinds[path] = kind


def _parsed(content: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.fromstring(content, parser)


def is_on(value: str | None) -> bool:
    """Return what a switch says; without a value it is off."""
    return value == "true"


def count_of(value: str | None, most: int) -> int:
    """Return how often something is repeated, or how far it reaches: from 1 to `most`."""
    if value is None or not value.isdecimal():
        return 1
    return min(max(int(value), 1), most)
