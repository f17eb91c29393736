"""XML exports of MediaWiki: the newest text of each page that is an article."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from lxml import etree

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document, counted, not_spoken
from kbserver.ingest.formats.exports.furniture import clear_furniture
from kbserver.ingest.formats.exports.wikitext import (
    CATEGORY,
    FILE,
    Wikitext,
    is_not_meant,
)
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.sheet import RecordIds
from kbserver.ingest.formats.shared.structure import html_blocks
from kbserver.ingest.formats.shared.visibility import withheld_note

# Source: MediaWiki's includes/Defines.php and export-0.11.xsd.
_NAMES = {
    "media": -2, "special": -1, "talk": 1, "user": 2, "user talk": 3, "project": 4,
    "project talk": 5, "file": FILE, "image": FILE, "bild": FILE, "datei": FILE,
    "mediawiki": 8, "template": 10, "help": 12, "category": CATEGORY,
    "kategorie": CATEGORY,
}  # fmt: skip
_ARTICLES = 0
_HELP = 12
_FIRST_OWN = 100
"""The number of the first namespace that a wiki adds; those of talk are odd."""
_NO_ARTICLES = frozenset((118, 486, 710, 828, 2300, 2302))
"""Drafts, data, subtitles, modules and gadgets."""
_PLAIN_MODELS = frozenset(("", "wikitext"))


def documents(source: str, elements: Iterable[Any]) -> list[Document]:
    """Return a document for each article of an export.

    Args:
        source: the file's.
        elements: of lxml, each when it ends; a page is emptied once it is read.

    Raises:
        DocumentUnreadable: there is no article that is meant for callers.
    """
    export = _Export(source)
    for element in elements:
        match etree.QName(element).localname:
            case "siteinfo":
                export.read_site(element)
            case "page":
                export.read_page(element)
                _forget(element)
    notes = tuple(export.notes())
    if not export.documents:
        reason = "; ".join(notes) or "no page in it"
        raise DocumentUnreadable(source, reason)
    return [replace(one, notes=(*one.notes, *notes)) for one in export.documents]


@dataclass(slots=True)
class _Export:
    """What was read of one file so far."""

    source: str
    documents: list[Document] = field(default_factory=list)
    _base: str = ""
    _names: dict[str, int] = field(default_factory=lambda: dict(_NAMES))
    _namespaces: dict[int, str] = field(default_factory=dict)
    _ids: RecordIds = field(default_factory=RecordIds)
    _redirects: int = 0
    _others: Counter[str] = field(default_factory=Counter)
    _unheard: Counter[str] = field(default_factory=Counter)
    _withheld: list[str] = field(default_factory=list)

    def read_site(self, site: Any) -> None:
        """Read what the wiki is called and how it names its namespaces."""
        for element in site.iter():
            name = etree.QName(element).localname
            text = (element.text or "").strip()
            if name == "base":
                self._base = text
            elif name == "namespace" and text:
                number = int(element.get("key", "0"))
                self._names[text.lower()] = number
                self._namespaces[number] = text

    def read_page(self, page: Any) -> None:
        """Read one page, or remember why it is not spoken."""
        title = _text(page, "title")
        space = _text(page, "ns") or "0"
        number = int(space) if space.lstrip("-").isdecimal() else 0
        if number != _ARTICLES:
            self._count_other(number)
            return
        revision = _newest(page)
        if revision is None:
            return
        text = _text(revision, "text")
        model = _text(revision, "model")
        if _child(page, "redirect") is not None:
            self._redirects += 1
        elif model not in _PLAIN_MODELS:
            self._unheard[f"{model} page"] += 1
        elif text:
            self._read_article(title, text, _text(revision, "timestamp"))

    def notes(self) -> Iterator[str]:
        """Yield what of the file is not spoken."""
        if self._withheld:
            yield withheld_note(self._withheld)
        if self._redirects:
            yield f"left out {counted(self._redirects, 'redirect')}"
        if self._others:
            named = (f"{name} {count}" for name, count in self._others.most_common())
            total = counted(self._others.total(), "page")
            yield f"left out {total} of other namespaces: {', '.join(named)}"
        for thing, count in self._unheard.items():
            instead = "move to the main namespace what callers need"
            yield not_spoken(counted(count, thing), instead)

    def _count_other(self, number: int) -> None:
        """Count a page of another namespace; one with texts for readers is a loss."""
        name = self._namespaces.get(number, f"namespace {number}")
        is_own = number >= _FIRST_OWN and number % 2 == 0
        if number == _HELP or (is_own and number not in _NO_ARTICLES):
            self._unheard[f"page of “{name}”"] += 1
        else:
            self._others[name] += 1

    def _read_article(self, title: str, text: str, changed: str) -> None:
        page = Wikitext(text, title, self._names)
        reason = page.withheld
        if is_not_meant(title):
            reason = "by its title"
        if reason:
            self._withheld.append(f"{title} ({reason})")
            return
        source = f"{self.source}#{self._ids.of(title)}"
        root = parse_html(page.html)
        if root is None:
            return
        notes = (*page.notes(), *clear_furniture(root), *settle(root))
        given: dict[str, object] = {
            "url": self._address(title),
            "updated": changed,
            "tags": page.categories,
        }
        metadata = normalise(source, given)
        blocks = tuple(html_blocks(root))
        self.documents.append(Document(source, title, blocks, metadata, notes))

    def _address(self, title: str) -> str:
        """Return where a page is, by the address of the main page."""
        before, slash, _ = self._base.rpartition("/")
        if not slash or "?" in self._base:
            return ""
        return f"{before}/{quote(title.replace(' ', '_'), safe='/:(),')}"


def _newest(page: Any) -> Any:
    """Return the revision of a page with the latest time, None without one."""
    revisions = [one for one in page if etree.QName(one).localname == "revision"]
    if not revisions:
        return None
    return max(revisions, key=lambda revision: _text(revision, "timestamp"))


def _child(element: Any, name: str) -> Any:
    return next((one for one in element if etree.QName(one).localname == name), None)


def _text(element: Any, name: str) -> str:
    child = _child(element, name)
    if child is None:
        return ""
    return (child.text or "").strip()


def _forget(element: Any) -> None:
    """Free the memory of an element and of those before it."""
    element.clear()
    parent = element.getparent()
    while element.getprevious() is not None:
        del parent[0]
