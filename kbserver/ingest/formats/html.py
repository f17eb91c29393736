"""Web pages: the main content with its headings, lists and tables; menus, cookie notices and footers left out."""

from __future__ import annotations

import logging
import re
from collections import Counter

import trafilatura
from lxml.html import HtmlElement

from kbserver.ingest.blocks import Document, counted, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.shared.encoding import decode
from kbserver.ingest.formats.shared.markup import (
    name_admonitions,
    parse_html,
    remove_hidden,
    without_declaration,
)
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks, inline_text

COVERAGE = (
    0.9  # share of the words judged to be main content that its element must hold
)

_DECLARED = re.compile(
    rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_BOILERPLATE_ROLES = frozenset(
    ("navigation", "banner", "contentinfo", "complementary", "search", "dialog")
)
_BOILERPLATE_TAGS = frozenset(("nav", "aside", "footer", "dialog", "form"))
# Whole words of class and id; the second lot only where most of the text is links: a restaurant has a menu too.
_BOILERPLATE_NAMES = re.compile(
    r"(?:^|\s)(?:(?:site|page|global)[-_]?)?(?:footer|breadcrumbs?|skip[-_]?link|pagination|pager"
    r"|social(?:[-_]?(?:links|media|share))?|share[-_]?(?:buttons|links)|newsletter(?:[-_]?signup)?)(?:\s|$)"
    r"|(?:cookie|consent|gdpr)s?[-_]?(?:banner|bar|notice|consent|popup|modal|message|overlay|dialog|manager)"
    r"|onetrust|cookiebot",
    re.IGNORECASE,
)
_LINK_LIST_NAMES = re.compile(
    r"(?:^|\s)(?:(?:main|top|site|page|global|primary|secondary)[-_]?)?(?:nav|navbar|navigation|menu|menubar|sidebar"
    r"|sidenav|related(?:[-_]?(?:articles|links|posts|content))?|toc|table-of-contents)(?:\s|$)",
    re.IGNORECASE,
)
_META_KEYS = frozenset(
    ("title", "valid_from", "valid_until", "supersedes", "questions", "pinned", "tags")
)

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
logging.getLogger("htmldate").setLevel(logging.CRITICAL)


def convert(file: SourceFile) -> list[Document]:
    """Return one document: the page's main content under its heading."""
    data = file.bytes()
    declared = _DECLARED.search(data[:2048])
    markup, notes = decode(
        data,
        file.source,
        declared=declared[1].decode("ascii", "ignore") if declared else None,
    )
    root = parse_html(without_declaration(markup))
    if root is None:
        return []
    metadata = normalise(file.source, _meta(root))
    page_title = " ".join((root.findtext(".//title") or "").split())
    name_admonitions(root)
    if hidden := remove_hidden(root):
        notes = (*notes, f"removed {counted(hidden, 'hidden character')}")
    blocks = html_blocks(main_content(root))
    title, blocks = title_of(blocks, str(metadata.get("title", "")))
    return [
        Document(
            file.source,
            title or page_title or title_from(file.source),
            tuple(blocks),
            metadata,
            notes,
        )
    ]


def main_content(root: HtmlElement) -> HtmlElement:
    """Return the smallest element that holds what the page is about, without what surrounds it on every page.

    A page that marks its content (`<main>`, `role="main"`, a single `<article>`) is believed. For any other,
    trafilatura judges which words belong to it, and the element that holds them keeps its whole structure.
    """
    body = root.find("body")
    body = root if body is None else body
    marked = _marked(body)
    scope = body if marked is None else marked
    kept = (
        None
        if marked is not None
        else trafilatura.extract(
            root,
            output_format="txt",
            include_comments=False,
            include_tables=True,
            favor_recall=True,
        )
    )
    _remove_boilerplate(scope)
    return _holder(scope, Counter(kept.split())) if kept else scope


def _marked(body: HtmlElement) -> HtmlElement | None:
    for candidates in (
        list(body.iter("main"))
        or [one for one in body.iter("div", "section") if one.get("role") == "main"],
        list(body.iter("article")),
    ):
        if len(candidates) == 1 and _words(candidates[0]):
            return candidates[0]
    return None


def _remove_boilerplate(scope: HtmlElement) -> None:
    """Take out menus, notices and the like; what holds most of the words is no such thing, whatever its name."""
    most = _words(scope).total() / 2
    for element in list(scope.iter()):
        if (
            element is not scope
            and isinstance(element.tag, str)
            and element.getparent() is not None
        ):
            if _is_boilerplate(element) and _words(element).total() <= most:
                element.drop_tree()


def _is_boilerplate(element: HtmlElement) -> bool:
    if element.tag in _BOILERPLATE_TAGS or element.get("role") in _BOILERPLATE_ROLES:
        return True
    if element.tag == "header":
        return _is_page_header(element)
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    if len(names) == 1 or element.find(".//h1") is not None:
        return False
    if _BOILERPLATE_NAMES.search(names):
        return True
    linked = (
        sum(_words(link).total() for link in element.iter("a"))
        if _LINK_LIST_NAMES.search(names)
        else 0
    )
    return linked * 2 > _words(element).total()


def _is_page_header(header: HtmlElement) -> bool:
    """Whether a `<header>` is the page's own, not the head of an article: it holds no title of the content."""
    return (
        header.find(".//h1") is None
        and next(header.iterancestors("article", "main", "section"), None) is None
    )


def _holder(scope: HtmlElement, kept: Counter[str]) -> HtmlElement:
    """Descend to the smallest element that still holds nearly all of the words kept."""

    def shared(element: HtmlElement) -> int:
        return sum(min(count, kept[word]) for word, count in _words(element).items())

    needed = COVERAGE * shared(scope)
    while True:
        inner = next(
            (
                child
                for child in scope
                if isinstance(child.tag, str) and shared(child) >= needed
            ),
            None,
        )
        if inner is None or inner.tag in (
            "p",
            "ul",
            "ol",
            "dl",
            "table",
            "pre",
            "blockquote",
        ):
            return scope
        scope = inner


def _words(element: HtmlElement) -> Counter[str]:
    return Counter(inline_text(element).split())


def _meta(root: HtmlElement) -> dict[str, object]:
    """`<meta name=... content=...>` of the keys that mean something to kbserver, and the description."""
    found: dict[str, object] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or "").strip().lower().replace("-", "_")
        if meta.get("content") and (name in _META_KEYS or name == "description"):
            found[name] = meta.get("content")
    return found
