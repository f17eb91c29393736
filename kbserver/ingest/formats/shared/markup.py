"""Markup to a tree without what its reader cannot see."""

from __future__ import annotations

import re

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement

SPACE = re.compile(r"[ \t\r\n\f\v\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
DROPPED_TAGS = frozenset(
    "applet audio button canvas datalist embed head iframe input link map meta noscript object option "
    "progress script select source style svg template textarea title track video".split()
)

_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
_PARSER = lxml.html.HTMLParser(
    huge_tree=True
)  # else what is nested over 256 deep is dropped without a word
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0(?:\.0*)?(?:px|em|rem|pt|%)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_REVEALING = (
    "aria-controls",
    "data-target",
    "data-bs-target",
    "href",
)  # what opens an accordion's panel


def without_declaration(markup: str) -> str:
    """Take off an XML declaration: lxml refuses text, already decoded, that names an encoding."""
    return _XML_DECLARATION.sub("", markup, count=1)


def parse_html(markup: str) -> HtmlElement | None:
    """Parse a whole page or a fragment; None if there is nothing in it."""
    try:
        return lxml.html.document_fromstring(markup, parser=_PARSER)
    except ParserError:  # "Document is empty"
        return None


def remove_hidden(root: HtmlElement) -> int:
    """Take out what a reader of the page cannot see and return how many characters of text that were.

    The panel of an accordion is kept although it starts closed: a visible control on the page opens it, and if
    that is a button it becomes the panel's heading.
    """
    for button in list(root.iter("button")):
        if button.get("aria-expanded") is not None or any(
            button.get(name) for name in _REVEALING
        ):
            inside = next(
                button.iterancestors("h1", "h2", "h3", "h4", "h5", "h6"), None
            )
            button.tag = "h6" if inside is None else "span"
    hidden = [
        element
        for element in root.iter()
        if isinstance(element.tag, str) and _is_hidden(element)
    ]
    if not hidden:
        return 0
    revealable = {
        value.removeprefix("#")
        for element in root.iter()
        if isinstance(element.tag, str)
        for attribute in _REVEALING
        for value in (element.get(attribute) or "").split()
    }
    removed = 0
    for element in hidden:
        if element.get("id") in revealable or element.get("hidden") == "until-found":
            continue
        removed += len(SPACE.sub(" ", element.text_content()).strip())
        if element.getparent() is not None:
            element.drop_tree()
    return removed


def name_admonitions(root: HtmlElement) -> None:
    """Put the name of each note or warning before its text (`Note: You need …`), where it is a line of its own."""
    for name in root.xpath(
        "//p[contains(concat(' ', @class, ' '), ' admonition-title ')]"
    ):
        text = name.getnext()
        if text is not None and text.tag == "p":
            text.text = f"{name.text_content().strip().rstrip(':')}: {(text.text or '').lstrip()}"
            name.drop_tree()


def _is_hidden(element: HtmlElement) -> bool:
    if element.tag in DROPPED_TAGS:
        return False  # never becomes text, so nothing to report either
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style and _HIDDEN_STYLE.search(style))
