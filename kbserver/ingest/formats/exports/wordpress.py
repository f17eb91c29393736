"""XML exports of WordPress (WXR): each published post and page as its visitors see it."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree
from lxml.html import HtmlElement

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document, counted, not_spoken
from kbserver.ingest.formats.exports.furniture import clear_furniture
from kbserver.ingest.formats.exports.left_out import LeftOut
from kbserver.ingest.formats.exports.panels import open_panels
from kbserver.ingest.formats.exports.pictures import picture_notes
from kbserver.ingest.formats.exports.shortcodes import with_sections
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.sheet import RecordIds
from kbserver.ingest.formats.shared.structure import html_blocks
from kbserver.ingest.formats.shared.visibility import withheld_because, withheld_note

# Source: WordPress's wp-admin/includes/export.php, WXR 1.2.
_NAMESPACE = "wordpress.org/export"

_THINGS = {
    "attachment": "attachment",
    "nav_menu_item": "menu item",
    "revision": "revision",
}
"""What is no text of its own, by the type of the post."""
_PATTERN = "wp_block"
"""A text that several posts show."""
_NO_TEXTS = frozenset(
    "custom_css customize_changeset oembed_cache user_request wp_global_styles"
    " wp_template wp_template_part wp_navigation wp_font_family wp_font_face"
    " acf-field acf-field-group wpcf7_contact_form wpforms elementor_library"
    " scheduled-action shop_order shop_order_refund shop_coupon shop_subscription"
    " mailpoet_page jp_pay_order feedback flamingo_inbound vc4_templates et_pb_layout"
    " elementor_snippet tablepress_table ml-slider".split()
)
_FOR_MEMBERS = frozenset(("_members_access_role", "_groups-read", "rcp_user_level"))
"""Fields by which plugins keep a post from visitors."""
_PRICES = {
    "_price": "price",
    "_regular_price": "price",
    "_sale_price": "price",
}
_UNSEEN_FIELDS = re.compile(
    r"_|(?:rank_math|yoast|wpseo|footnotes|litespeed|classic-editor|om_|slide_template"
    r"|ast-|site-|theme-|neve_|inline_featured|wp-|wprm_|pvc_|post_views|views)"
)
_MOST_NAMED = 5
_MOST_DEEP = 5
"""Patterns inside each other."""

# An attribute of a block holds neither < nor >: WordPress writes them as \u003c and so on.
_BLOCK = re.compile(
    r"<!--\s+(?P<end>/)?wp:(?P<name>[a-z][\w/-]*)\s+(?P<rest>[^<>]{0,50000}?)(?P<alone>/)?-->"
)
_SILENT_BLOCKS = re.compile(
    r"(?:core/)?(?:spacer|separator|more|nextpage|page-list|navigation\S*|search|social-\S+"
    r"|archives|categories|tag-cloud|loginout|site-\S+|post-\S+|query\S*|comments?\S*"
    r"|avatar|template-part|home-link|read-more|term-description|footnotes|legacy-widget"
    r"|latest-comments|calendar|button|column|paragraph|heading)"
)
_CODE = re.compile(r"<(pre|script|style|textarea)\b", re.I)
_NO_TEXT_INSIDE = frozenset(
    "ul ol dl table thead tbody tfoot tr colgroup select pre script style textarea".split()
)
"""Elements between whose children a line break is none."""


def is_export(root: Any) -> bool:
    """Return whether an RSS file is one that WordPress wrote for another WordPress."""
    return any(_NAMESPACE in address for address in root.nsmap.values())


def documents(source: str, elements: Iterable[Any]) -> list[Document]:
    """Return a document for each published post, page and post of a type of its own.

    Args:
        source: the file's.
        elements: of lxml, each when it ends; a post is emptied once it is read.

    Raises:
        DocumentUnreadable: nothing in it is published.
    """
    posts: list[_Post] = []
    for element in elements:
        if element.tag == "item":
            posts.append(_read(element))
            element.clear()
    export = _Export(source, posts)
    found = [export.document(post) for post in export.published()]
    notes = tuple(export.notes())
    if not found:
        reason = "; ".join(notes) or "no post in it"
        raise DocumentUnreadable(source, reason)
    return [replace(one, notes=(*one.notes, *notes)) for one in found]


@dataclass(slots=True)
class _Post:
    """What WordPress calls an item: a post, a page, a picture, an entry of a menu."""

    title: str = ""
    link: str = ""
    id: str = ""
    name: str = ""
    kind: str = ""
    status: str = ""
    parent: str = ""
    date: str = ""
    password: str = ""
    content: str = ""
    excerpt: str = ""
    tags: list[str] = field(default_factory=list)
    terms: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    comments: int = 0


_ELEMENTS = {
    "title": "title",
    "link": "link",
    "encoded": "content",
    "post_id": "id",
    "post_name": "name",
    "post_type": "kind",
    "status": "status",
    "post_parent": "parent",
    "post_date": "date",
    "post_password": "password",
}
"""Fields of a post by the names of their elements."""


def _read(item: Any) -> _Post:
    post = _Post()
    for element in item:
        name = etree.QName(element)
        text = (element.text or "").strip()
        if name.localname == "category":
            _read_term(post, element, text)
        elif name.localname == "postmeta":
            values = [(one.text or "").strip() for one in element]
            if len(values) > 1 and values[1]:
                post.fields[values[0]] = values[1]
        elif name.localname == "comment":
            post.comments += 1
        elif name.localname == "encoded" and "excerpt" in (name.namespace or ""):
            post.excerpt = text
        elif name.localname in _ELEMENTS:
            setattr(post, _ELEMENTS[name.localname], text)
    post.title = " ".join(html.unescape(post.title).split())
    return post


def _read_term(post: _Post, element: Any, text: str) -> None:
    """Read a category, a tag, or a term by which a shop hides a product."""
    domain = element.get("domain", "category")
    post.terms.add(element.get("nicename", ""))
    name = html.unescape(text)
    is_said = domain in ("category", "post_tag") or domain.endswith(("_cat", "_tag"))
    is_said = is_said or domain.endswith(("_category", "-category"))
    if is_said and name and element.get("nicename") != "uncategorized":
        post.tags.append(name)


class _Export:
    """The posts of one file, and what of them is not spoken."""

    def __init__(self, source: str, posts: list[_Post]) -> None:
        self._source = source
        self._posts = posts
        self._by_id = {post.id: post for post in posts}
        self._ids = RecordIds()
        self._counts: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._comments = 0
        self._withheld: list[str] = []

    def published(self) -> Iterator[_Post]:
        """Yield the posts that a visitor can read; count the others."""
        for post in self._posts:
            self._comments += post.comments
            if post.kind in _THINGS:
                self._counts[_THINGS[post.kind]] += 1
            elif post.kind == _PATTERN:
                continue
            elif post.kind in _NO_TEXTS:
                self._counts[f"{post.kind.replace('_', ' ')} item"] += 1
            elif reason := _withheld_because(post):
                self._withheld.append(f"{post.title or post.id} ({reason})")
            else:
                yield post

    def document(self, post: _Post) -> Document:
        """Return a post as its visitors see it."""
        name = post.name or post.title or post.id
        source = f"{self._source}#{self._ids.of(name)}"
        given: dict[str, object] = {
            "url": post.link,
            "id": post.id,
            "date": post.date.partition(" ")[0],
            "type": post.kind,
            "tags": list(dict.fromkeys(post.tags)),
        }
        self._fields.update(set(self._fields_of(post)))
        left_out = LeftOut()
        markup = self._markup(post, left_out)
        blocks: list[Block] = []
        notes: tuple[str, ...] = ()
        root = parse_html(markup)
        if root is not None:
            if "<!-- wp:" not in markup:
                _end_lines(root)
            notes = clear_furniture(root)
            open_panels(root)
            notes = (*notes, *settle(root), *picture_notes(root))
            blocks = html_blocks(root)
        above = (Block("heading", title, 1) for title in self._above(post)[-1:])
        return Document(
            source,
            post.title,
            (*above, *blocks),
            normalise(source, given),
            (*left_out.notes(), *notes),
        )

    def notes(self) -> Iterator[str]:
        """Yield what of the file is not spoken."""
        if self._withheld:
            yield withheld_note(self._withheld)
        if self._comments:
            yield f"left out {counted(self._comments, 'comment')} of visitors"
        for thing, number in self._counts.items():
            yield f"left out {counted(number, thing)}"
        if self._fields:
            names = [
                f"{name} of {counted(number, 'post')}"
                for name, number in sorted(self._fields.items())
            ]
            more = ", …" if len(names) > _MOST_NAMED else ""
            what = f"the fields {', '.join(names[:_MOST_NAMED])}{more}"
            yield not_spoken(what, "write in the text what callers need")

    def _above(self, post: _Post) -> list[str]:
        """Return the titles of the published pages above a page, outermost first."""
        titles: list[str] = []
        parent = self._by_id.get(post.parent)
        for _ in range(_MOST_DEEP):
            if parent is None or _withheld_because(parent):
                break
            titles.insert(0, parent.title)
            parent = self._by_id.get(parent.parent)
        return [title for title in titles if title]

    def _fields_of(self, post: _Post) -> Iterator[str]:
        """Yield the names of the fields that a theme may show beside the text."""
        for key, value in post.fields.items():
            if key in _PRICES:
                yield _PRICES[key]
            elif not _UNSEEN_FIELDS.match(key) and _is_text(value):
                yield key

    def _markup(self, post: _Post, left_out: LeftOut) -> str:
        text = post.content or post.excerpt
        if post.kind == "product" and post.content:
            text = f"{post.excerpt}\n\n{post.content}"
        for _ in range(_MOST_DEEP):
            text, number = _BLOCK.subn(self._with_pattern, text)
            if not self._has_pattern(text) or not number:
                break
        notes = _footnotes(post.fields.get("footnotes", ""))
        text = "".join(_without_blocks(text, notes, left_out))
        return with_sections(text, left_out.add, is_raw=True)

    def _has_pattern(self, text: str) -> bool:
        return any(_pattern_id(found) for found in _BLOCK.finditer(text))

    def _with_pattern(self, found: re.Match[str]) -> str:
        """Return the text of a pattern instead of the block that shows it."""
        pattern = self._by_id.get(_pattern_id(found))
        if pattern is None or pattern.kind != _PATTERN:
            return found[0]
        return "" if _withheld_because(pattern) else pattern.content


def _withheld_because(post: _Post) -> str:
    """Return why no visitor can read a post, else ""."""
    if post.password:
        return "protected by a password"
    if post.status != "publish":
        return withheld_because({"status": post.status}) or f"status: {post.status}"
    if key := next(iter(_FOR_MEMBERS & post.fields.keys()), ""):
        return f"for members only, by {key}"
    if {"exclude-from-catalog", "exclude-from-search"} <= post.terms:
        return "hidden in the shop"
    return ""


def _is_text(value: str) -> bool:
    """Return whether the value of a field may be shown: no data, and more than a switch."""
    is_data = re.match(r"(?:[aOsbid]:\d|[{\[]|field_|https?://)", value) is not None
    return len(value) > 1 and not is_data


def _attributes(found: re.Match[str]) -> dict[str, Any]:
    """Return the attributes of a block; {} if there are none."""
    text = found["rest"].strip()
    if not text.startswith("{"):
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _pattern_id(found: re.Match[str]) -> str:
    if found["name"] not in ("block", "core/block"):
        return ""
    return str(_attributes(found).get("ref", ""))


def _without_blocks(text: str, footnotes: str, left_out: LeftOut) -> Iterator[str]:
    """Yield a text without the marks of its blocks; what a program fills in is named.

    Args:
        footnotes: HTML that stands where the block of footnotes is.
    """
    at = 0
    hidden: list[str] = []
    for found in _BLOCK.finditer(text):
        name = found["name"]
        if not hidden:
            yield text[at : found.start()]
            yield found[0] if not found["alone"] else ""
        at = found.end()
        if hidden:
            if name == hidden[0] and not found["alone"]:
                hidden.append(name) if not found["end"] else hidden.pop()
        elif found["end"]:
            continue
        elif _is_hidden(found):
            left_out.add("switched-off block", name)
            if not found["alone"]:
                hidden.append(name)
        elif name == "footnotes":
            yield footnotes
        elif found["alone"] and not _SILENT_BLOCKS.fullmatch(name):
            left_out.add("block", name)
    if not hidden:
        yield text[at:]


def _is_hidden(found: re.Match[str]) -> bool:
    """Return whether the editor hid a block from visitors."""
    if "blockVisibility" not in found["rest"]:
        return False
    metadata = _attributes(found).get("metadata")
    return isinstance(metadata, dict) and metadata.get("blockVisibility") is False


def _footnotes(value: str) -> str:
    """Return the footnotes of a post, which stand in a field, as WordPress shows them."""
    try:
        given = json.loads(value or "[]")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(given, list):
        return ""
    items = (
        f'<li id="{html.escape(str(one.get("id")))}">{one.get("content", "")}</li>'
        for one in given
        if isinstance(one, dict)
    )
    return f'<ol class="wp-block-footnotes">{"".join(items)}</ol>'


def _end_lines(root: HtmlElement) -> None:
    """Write the line breaks of a text from the old editor, where they are paragraphs."""
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in _NO_TEXT_INSIDE:
            continue
        if next(element.iterancestors("pre"), None) is not None:
            continue
        for child in reversed(list(element)):
            lines = (child.tail or "").split("\n")
            child.tail = lines[0]
            for line in reversed(lines[1:]):
                child.addnext(_break(line))
        lines = (element.text or "").split("\n")
        element.text = lines[0]
        for line in reversed(lines[1:]):
            element.insert(0, _break(line))


def _break(line: str) -> Any:
    element = etree.Element("br")
    element.tail = line
    return element
