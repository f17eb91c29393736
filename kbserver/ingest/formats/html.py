"""Web pages: the main content with its structure, without menus, notices and footers."""

from __future__ import annotations

import logging
import re
from collections import Counter

import trafilatura
from lxml.html import HtmlElement

from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.exports.dialects import without_templates
from kbserver.ingest.formats.exports.furniture import clear_furniture
from kbserver.ingest.formats.exports.json_ld import json_ld_blocks, json_ld_in
from kbserver.ingest.formats.exports.panels import open_panels
from kbserver.ingest.formats.exports.pictures import PagePictures
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.shared.encoding import decode
from kbserver.ingest.formats.shared.frontmatter import split_front_matter
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import (
    name_admonitions,
    parse_html,
    without_declaration,
)
from kbserver.ingest.formats.shared.metadata import KNOWN_KEYS, normalise
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text

COVERAGE = 0.9
"""Share of the words judged to be main content that its element must hold."""

_DECLARED = re.compile(
    rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_FRONT_MATTER = ("---", "+++")
"""Begins a page from which a site generator makes another."""
_DECLARATION_BYTES = 2048
"""At the start of a page, where it names its encoding."""

_BOILERPLATE_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "complementary", "search", "dialog")
)
_BOILERPLATE_TAGS = frozenset(("nav", "aside", "footer", "dialog", "form"))
# Whole words of class and id.
_BOILERPLATE_NAMES = re.compile(
    r"(?:^|\s)(?:(?:site|page|global)[-_]?)?"
    r"(?:footer|breadcrumbs?|skip[-_]?link|pagination|pager"
    r"|social(?:[-_]?(?:links|media|share))?|share[-_]?(?:buttons|links)"
    r"|newsletter(?:[-_]?signup)?)(?:\s|$)"
    r"|(?:cookie|consent|gdpr)s?[-_]?"
    r"(?:banner|bar|notice|consent|popup|modal|message|overlay|dialog|manager)"
    r"|onetrust|cookiebot",
    re.IGNORECASE,
)
# Counts only where most of the text is links: a restaurant has a menu, too.
_LINK_LIST_NAMES = re.compile(
    r"(?:^|\s)(?:(?:main|top|site|page|global|primary|secondary)[-_]?)?"
    r"(?:nav|navbar|navigation|menu|menubar|sidebar|sidenav"
    r"|related(?:[-_]?(?:articles|links|posts|content))?|toc|table-of-contents)"
    r"(?:\s|$)",
    re.IGNORECASE,
)
_WHOLE_TAGS = frozenset("p ul ol dl table pre blockquote h1 h2 h3 h4 h5 h6".split())
"""Elements whose insides say too little to be what a page is about."""
_FEW_WORDS = 200
"""A page of fewer words, of which trafilatura leaves out most, is believed whole."""

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


def convert(file: SourceFile) -> list[Document]:
    """Return one document: the page's main content under its heading."""
    markup, notes = _decoded(file)
    given: dict[str, object] = {}
    if markup.lstrip()[:3] in _FRONT_MATTER:
        given, markup = split_front_matter(markup, file.source)
        markup, left_out = without_templates(markup, given)
        notes = (*notes, *left_out)
    root = parse_html(without_declaration(markup))
    if root is None:
        return []
    metadata = {**normalise(file.source, _meta(root)), **given}
    json_ld = json_ld_in(root)
    notes = (*notes, *clear_furniture(root))
    page_title = " ".join((root.findtext(".//title") or "").split())
    name_admonitions(root)
    open_panels(root)
    notes = (*notes, *settle(root))
    content = main_content(root)
    pictures = PagePictures(file)
    notes = (*notes, *pictures.read(content))
    blocks = pictures.in_place(html_blocks(content))
    title, blocks = title_of(blocks, str(metadata.get("title", "")))
    seen = " ".join((title, *(block.text for block in blocks)))
    facts, on_facts = json_ld_blocks(json_ld, seen)
    title = title or page_title or title_from(file.source)
    whole = (*blocks, *facts)
    notes = (*notes, *on_facts)
    return [Document(file.source, title, whole, metadata, notes, shown=pictures.shown)]


def main_content(root: HtmlElement) -> HtmlElement:
    """Return the smallest element that holds what the page is about.

    What surrounds it on every page is removed. A page that marks its content (`<main>`,
    `role="main"`, a single `<article>`) is believed. For any other, trafilatura judges
    which words belong to it, and the element that holds them keeps its structure.
    """
    body = root.find("body")
    if body is None:
        body = root
    marked = _marked(body)
    if marked is not None:
        _remove_boilerplate(marked)
        return marked
    kept = trafilatura.extract(
        root,
        output_format="txt",
        include_comments=False,
        include_tables=True,
        favor_recall=True,
    )
    _remove_boilerplate(body)
    if not kept or _is_lost(body, kept):
        return body
    return _holder(body, Counter(kept.split()))


def _decoded(file: SourceFile) -> tuple[str, tuple[str, ...]]:
    """Return the page as text with notes on its encoding."""
    data = file.bytes()
    declared = None
    found = _DECLARED.search(data[:_DECLARATION_BYTES])
    if found is not None:
        declared = found[1].decode("ascii", "ignore")
    return decode(data, file.source, declared=declared)


def _marked(body: HtmlElement) -> HtmlElement | None:
    """Return the element that the page marks as its content, or None."""
    mains = list(body.iter("main"))
    if not mains:
        mains = [
            one for one in body.iter("div", "section") if one.get("role") == "main"
        ]
    for candidates in (mains, list(body.iter("article"))):
        if len(candidates) == 1 and _words(candidates[0]):
            return candidates[0]
    return None


def _remove_boilerplate(scope: HtmlElement) -> None:
    """Remove menus, notices and the like.

    What holds most of the words is no such thing, whatever its name.
    """
    most: float | None = None
    for element in list(scope.iter()):
        if element is scope or not isinstance(element.tag, str):
            continue
        if element.getparent() is None:
            continue  # removed with what it stood in
        if not _is_boilerplate(element):
            continue
        if most is None:
            most = _words(scope).total() / 2
        if _words(element).total() <= most:
            element.drop_tree()


def _is_boilerplate(element: HtmlElement) -> bool:
    if element.tag in _BOILERPLATE_TAGS or element.get("role") in _BOILERPLATE_ROLES:
        return True
    if element.tag == "header":
        return _is_page_header(element)
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    if names == " ":
        return False
    is_named = _BOILERPLATE_NAMES.search(names) is not None
    if not is_named and not _LINK_LIST_NAMES.search(names):
        return False
    if element.find(".//h1") is not None:
        return False
    if is_named:
        return True
    linked = sum(_words(link).total() for link in element.iter("a"))
    return linked * 2 > _words(element).total()


def _is_page_header(header: HtmlElement) -> bool:
    """Return whether a `<header>` is the page's own, not the head of an article."""
    if header.find(".//h1") is not None:
        return False
    return next(header.iterancestors("article", "main", "section"), None) is None


def _is_lost(body: HtmlElement, kept: str) -> bool:
    """Return whether most of a short page is left out: prices in mere spans are."""
    words = _words(body).total()
    return words < _FEW_WORDS and len(kept.split()) * 2 < words


def _holder(scope: HtmlElement, kept: Counter[str]) -> HtmlElement:
    """Descend to the smallest element that holds nearly all of the words kept."""
    needed = COVERAGE * _shared(scope, kept)
    while True:
        inner = _first_with(scope, kept, needed)
        if inner is None or inner.tag in _WHOLE_TAGS or not needed:
            return scope
        scope = inner


def _first_with(
    scope: HtmlElement, kept: Counter[str], needed: float
) -> HtmlElement | None:
    """Return the first child that holds as many of the words as needed, or None."""
    for child in scope:
        if isinstance(child.tag, str) and _shared(child, kept) >= needed:
            return child
    return None


def _shared(element: HtmlElement, kept: Counter[str]) -> int:
    return sum(min(count, kept[word]) for word, count in _words(element).items())


def _words(element: HtmlElement) -> Counter[str]:
    return Counter(inline_text(element).split())


def _meta(root: HtmlElement) -> dict[str, object]:
    """Return the known keys of `<meta name=… content=…>`, and the description."""
    found: dict[str, object] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or "").strip().lower().replace("-", "_")
        is_known = name in KNOWN_KEYS or name == "description"
        if meta.get("content") and is_known:
            found[name] = meta.get("content")
    return found
