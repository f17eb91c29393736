"""Markup to a tree without what its reader cannot see."""

from __future__ import annotations

import re

import lxml.html
from lxml.etree import ElementDefaultClassLookup, ParserError
from lxml.html import HtmlComment, HtmlElement, HtmlProcessingInstruction

from kbserver.ingest.formats.shared.signs import with_signs

_OTHER_SPACE = r"\t\r\n\f\v\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
SPACE = re.compile(f"[{_OTHER_SPACE}][ {_OTHER_SPACE}]*| [ {_OTHER_SPACE}]+")
"""White space that is not one space already: most of it is, and stays untouched."""
DROPPED_TAGS = frozenset(
    "applet audio button canvas comment datalist embed head iframe input link map meta noscript "
    "object option progress script select source style svg template textarea title "
    "track video".split()
)

_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>", re.IGNORECASE)
_PARSER = lxml.html.HTMLParser(huge_tree=True)
"""Without `huge_tree` it drops what is nested over 256 deep."""
# One class for all tags: lxml's own lookup of a class by the tag is a Python call for
# each element of each walk through a tree, a fifth of the time of a page.
_PARSER.set_element_class_lookup(
    ElementDefaultClassLookup(
        element=HtmlElement, comment=HtmlComment, pi=HtmlProcessingInstruction
    )
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden"
    r"|(?:font-size|opacity)\s*:\s*0(?:\.0*)?(?:px|em|rem|pt|%)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\ufffe\uffff]"
    "|&#(?:0*(?:[0-8]|11|1[4-9]|2[0-9]|3[01])|x0*(?:[0-8bef]|1[0-9a-f]));",
    re.IGNORECASE,
)
"""Control characters and their references, which no tree holds."""
_FORM_FEED = re.compile("\f|&#(?:0*12|x0*c);", re.IGNORECASE)
"""White space that no tree holds."""
_REVEALING = ("aria-controls", "data-target", "data-bs-target", "href")
"""Attributes that name the panel of an accordion which a control opens."""


def without_declaration(markup: str) -> str:
    """Remove an XML declaration: lxml refuses decoded text that names an encoding."""
    return _XML_DECLARATION.sub("", markup, count=1)


def parse_html(markup: str) -> HtmlElement | None:
    """Parse a whole page or a fragment; None if there is nothing in it."""
    markup = _FORM_FEED.sub(" ", _NO_TEXT.sub("", markup))
    markup = with_signs(markup)
    try:
        return lxml.html.document_fromstring(markup, parser=_PARSER)
    except ParserError:  # "Document is empty"
        return None


def remove_hidden(root: HtmlElement) -> int:
    """Remove what a reader of the page cannot see; return its number of characters.

    The panel of an accordion is kept although it starts closed: a visible control on
    the page opens it, and if that is a button it becomes the panel's heading.
    """
    for button in list(root.iter("button")):
        if _opens_a_panel(button):
            headings = button.iterancestors("h1", "h2", "h3", "h4", "h5", "h6")
            is_in_heading = next(headings, None) is not None
            button.tag = "span" if is_in_heading else "h6"
    hidden = [element for element in _elements(root) if is_hidden(element)]
    if not hidden:
        return 0
    revealable = _revealable(root)
    removed = 0
    for element in hidden:
        if element.get("id") in revealable or element.get("hidden") == "until-found":
            continue
        removed += len(SPACE.sub(" ", element.text_content()).strip())
        if element.getparent() is not None:
            element.drop_tree()
    return removed


def name_admonitions(root: HtmlElement) -> None:
    """Put the name of each note or warning into its text: `Note: You need …`.

    Docutils and its kin write it as a paragraph of its own.
    """
    titles = root.xpath("//p[contains(concat(' ', @class, ' '), ' admonition-title ')]")
    for title in titles:
        text = title.getnext()
        if text is not None and text.tag == "p":
            name = title.text_content().strip().rstrip(":")
            text.text = f"{name}: {(text.text or '').lstrip()}"
            title.drop_tree()


def _elements(root: HtmlElement) -> list[HtmlElement]:
    """Return the elements of a tree, comments and instructions left out."""
    return [element for element in root.iter() if isinstance(element.tag, str)]


def _opens_a_panel(button: HtmlElement) -> bool:
    if button.get("aria-expanded") is not None:
        return True
    return any(button.get(name) for name in _REVEALING)


def _revealable(root: HtmlElement) -> set[str]:
    """Return the ids of the panels that a control on the page opens."""
    ids: set[str] = set()
    for element in _elements(root):
        for attribute in _REVEALING:
            values = (element.get(attribute) or "").split()
            ids.update(value.removeprefix("#") for value in values)
    return ids


def is_hidden(element: HtmlElement) -> bool:
    """Return whether an element says by itself that it is not shown."""
    if element.tag in DROPPED_TAGS:
        return False  # it never becomes text, so there is nothing to report
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    style = element.get("style")
    return bool(style and _HIDDEN_STYLE.search(style))
