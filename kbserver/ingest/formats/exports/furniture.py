"""What wikis, helpdesks and blogs put around a page: no word of what it is about.

Each is known by a name that no other program uses, so that no option is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement

from kbserver.ingest.blocks import counted
from kbserver.ingest.formats.exports.left_out import LeftOut
from kbserver.ingest.formats.exports.shortcodes import (
    closed_names,
    without_shortcodes,
)

_CLASSES = frozenset(
    # Confluence
    "page-metadata aui-icon "
    "expand-control-icon "
    # MediaWiki
    "mw-editsection printfooter "
    "navbox catlinks "
    "mw-jump-link "
    # Docusaurus, MkDocs, Sphinx
    "theme-edit-this-page theme-doc-footer "
    "theme-doc-toc-mobile pagination-nav "
    "hash-link "
    "headerlink md-source-file "
    "md-content__button "
    # WordPress
    "entry-meta entry-footer "
    "posted-on byline "
    "post-navigation sharedaddy "
    "jp-relatedposts "
    "edit-link comments-area "
    # Zendesk, Intercom
    "article-votes article-relatives "
    "article-comments article-meta "
    "article-more-questions intercom-reaction-picker".split()
)
_IDS = frozenset(
    "breadcrumb-section catlinks "
    "mw-navigation jump-to-nav "
    "siteSub contentSub "
    "likes-and-labels-container comments-section".split()
)
_NOTION_ROWS = re.compile(
    r"property-row-(?:person|created_|last_edited_|verification|status)"
)
_BOOKKEEPING_TAGS = frozenset(
    "ac:parameter ac:task-id ac:task-status ac:placeholder".split()
)
_SPACE_TITLE = re.compile(r"^[^:]+ : (?=\S)")
_CALLOUTS = (
    # (class of the whole, of its label, of its content)
    ("expand-container", "expand-control", "expand-content"),
    ("confluence-information-macro", "title", "confluence-information-macro-body"),
)


def clear_furniture(root: HtmlElement) -> tuple[str, ...]:
    """Remove it, and bring labels to their text; return notes on what a reader misses."""
    notes = _without_attachments(root)
    for element in list(root.iter()):
        if isinstance(element.tag, str) and _is_furniture(element):
            element.drop_tree()
    for whole, label, content in _CALLOUTS:
        for element in list(_of_class(root, whole)):
            labels, contents = _of_class(element, label), _of_class(element, content)
            _section(element, next(labels, None), next(contents, None))
    for macro in list(root.iter("ac:structured-macro")):
        titles = (one for one in macro if one.get("ac:name") == "title")
        bodies = (one for one in macro if one.tag == "ac:rich-text-body")
        _section(macro, next(titles, None), next(bodies, None))
    for element in [one for one in root.iter() if one.tag in _BOOKKEEPING_TAGS]:
        element.drop_tree()
    notes += _without_shortcodes(root)
    titles = root.xpath("//*[@id='title-text']")
    if titles:
        titles += root.iter("title")
    for title in titles:
        title.text = _SPACE_TITLE.sub("", (title.text or "").strip())
    return notes


def _is_furniture(element: HtmlElement) -> bool:
    names = element.get("class") or ""
    is_named = not _CLASSES.isdisjoint(names.split()) or element.get("id") in _IDS
    if not is_named and not (element.tag == "tr" and _NOTION_ROWS.search(names)):
        return False
    return element.getparent() is not None and element.find(".//h1") is None


def _without_attachments(root: HtmlElement) -> tuple[str, ...]:
    """Remove Confluence's list of attached files, and count them."""
    count = 0
    for section in list(_of_class(root, "pageSection")):
        if section.find(".//*[@id='attachments']") is not None:
            count += len(list(section.iter("a")))
            section.drop_tree()
    if not count:
        return ()
    return (f"left out {counted(count, 'attachment')}: ingest them as files",)


def _without_shortcodes(root: HtmlElement) -> tuple[str, ...]:
    """Take out the shortcodes that WordPress left in a page."""
    left_out = LeftOut()
    closed = closed_names(str(root.text_content()))

    def plain(text: str | None) -> str | None:
        if text and "[" in text:
            return without_shortcodes(text, closed, left_out.add)
        return text

    for element in root.iter():
        if not isinstance(element.tag, str) or element.tag in ("script", "pre", "code"):
            continue
        element.text = plain(element.text)
        element.tail = plain(element.tail)
    return left_out.notes()


def _of_class(root: HtmlElement, name: str) -> Iterator[HtmlElement]:
    for element in root.iter():
        names = element.get("class") if isinstance(element.tag, str) else None
        if names and name in names.split():
            yield element


def _section(
    whole: HtmlElement, label: HtmlElement | None, content: HtmlElement | None
) -> None:
    """Make an element a `<details>` with its label as the summary."""
    if label is None or content is None:
        return
    text = " ".join(label.text_content().split())
    content.attrib.pop("style", None)
    label.drop_tree()
    if not text:
        return
    summary = etree.Element("summary")
    summary.text = text
    whole.insert(0, summary)
    whole.tag = "details"
