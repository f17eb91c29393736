"""Writes small OpenDocument files, as LibreOffice does, for tests to read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

_URN = "urn:oasis:names:tc:opendocument:xmlns"
_NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "office": f"{_URN}:office:1.0",
        "style": f"{_URN}:style:1.0",
        "text": f"{_URN}:text:1.0",
        "table": f"{_URN}:table:1.0",
        "draw": f"{_URN}:drawing:1.0",
        "number": f"{_URN}:datastyle:1.0",
        "presentation": f"{_URN}:presentation:1.0",
        "form": f"{_URN}:form:1.0",
        "chart": f"{_URN}:chart:1.0",
        "fo": f"{_URN}:xsl-fo-compatible:1.0",
        "svg": f"{_URN}:svg-compatible:1.0",
        "xlink": "http://www.w3.org/1999/xlink",
        "dc": "http://purl.org/dc/elements/1.1/",
        "math": "http://www.w3.org/1998/Math/MathML",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }.items()
)
_MANIFEST = f'<manifest:manifest xmlns:manifest="{_URN}:manifest:1.0">'


def packed(
    kind: str,
    body: str,
    *,
    automatic: str = "",
    styles: str = "",
    masters: str = "",
    manifest: str = "",
    more: Mapping[str, bytes | str] | None = None,
) -> bytes:
    """Return a file as a zip.

    Args:
        kind: `text`, `spreadsheet` or `presentation`.
        body: what stands in it.
        automatic: styles of its own.
        styles: of its template.
        masters: of its pages.
        manifest: entries of it.
        more: further entries of the archive.
    """
    content = (
        f"<office:document-content {_NAMESPACES}>"
        f"<office:automatic-styles>{automatic}</office:automatic-styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        "</office:document-content>"
    )
    template = (
        f"<office:document-styles {_NAMESPACES}><office:styles>{styles}</office:styles>"
        f"<office:master-styles>{masters}</office:master-styles>"
        "</office:document-styles>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", content)
        archive.writestr("styles.xml", template)
        archive.writestr(
            "META-INF/manifest.xml", f"{_MANIFEST}{manifest}</manifest:manifest>"
        )
        for name, written in (more or {}).items():
            archive.writestr(name, written)
    return buffer.getvalue()


def flat(kind: str, body: str, styles: str = "") -> bytes:
    """Return a file as one piece of XML."""
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><office:document {_NAMESPACES}>"
        f"<office:styles>{styles}</office:styles>"
        f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        "</office:document>"
    ).encode()


def style(name: str, family: str, properties: str = "", **attributes: str) -> str:
    """Return a style; underscores in the names of attributes are hyphens."""
    more = " ".join(
        f'style:{key.replace("_", "-")}="{value}"' for key, value in attributes.items()
    )
    return (
        f'<style:style style:name="{name}" style:family="{family}" {more}>'
        f"{properties}</style:style>"
    )


def text_style(name: str, properties: str, family: str = "text") -> str:
    """Return a style of text with some properties."""
    return style(name, family, f"<style:text-properties {properties}/>")
