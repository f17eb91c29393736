"""What a page says by how it looks: raised, struck out, ticked, noted at its foot.

HTML is the model in which Markdown, Word and web pages meet. Here its marks become
text, so that what reads the tree behind this sees words only.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

from lxml.html import HtmlElement

from kbserver.ingest.blocks import counted
from kbserver.ingest.formats.shared import footnotes
from kbserver.ingest.formats.shared.markup import is_hidden, remove_hidden
from kbserver.ingest.formats.shared.raised import CURRENCY, raised

_NEAR_CHARACTERS = 32
"""As far as a mark's neighbours are looked at."""
_PRICE_CHARACTERS = 24
"""Longest text of an element that shows one price."""
_PRICES_BESIDE = 4
_PRICE_PARTS = 12
"""Most elements that one price is split into."""
_WRAPPERS = 3
"""Most elements around the label of a footnote."""
_NEAR_PIECES = 64
_LABEL_CHARACTERS = 60
"""Longest text of a picture that stands for a cell's content."""

_BLOCKS = frozenset(
    "p li dd dt td th div section article aside blockquote figcaption caption small "
    "h1 h2 h3 h4 h5 h6 body main footer summary".split()
)
_ROOMY = frozenset("body main article section div table ul ol dl tr tbody".split())
"""Elements that hold more than the text of one footnote."""

_STRUCK_TAGS = frozenset(("s", "strike", "del"))
_STRUCK_STYLE = re.compile(r"text-decoration[\w-]*\s*:[^;}]*line-through", re.I)
_RAISED_STYLE = re.compile(
    r"vertical-align\s*:\s*super|(?<![\w-])top\s*:\s*-0?\.[2-5]\d*em", re.I
)
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_FOR_SOME_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")
_CLASS_RULE = re.compile(r"\.([A-Za-z_][\w-]*)\s*\{([^{}]*)\}")
_STOP_BEHIND = re.compile(r"[.,;!?)](?:\s|$)")
_OLD_PRICE = re.compile(
    r"(?:^|[\s_-])(?:(?:old|was|original|previous|former|before|regular|list|rrp|msrp)"
    r"[-_]*price|price[-_]*(?:old|was|original|previous|former|before|regular|list)"
    r"|compare[d]?[-_]*at(?:[-_]*price)?)(?:$|[\s_-])",
    re.I,
)
_REPLACED = re.compile(r"old|was|previous|former|compare", re.I)
"""Says of a price that any other beside it is the new one."""
_SOLE_PRICE = re.compile(rf"\s*{CURRENCY}\s?\d[\d.,]*\s*|\s*\d[\d.,]*\s?{CURRENCY}\s*")
_SAID_OLD = re.compile(r"(?:original|regular|old|previous) price(?: was)?\b.*\d", re.I)
"""What a shop says to screen readers of a price that is struck out."""
_SAID_NEW = re.compile(r"(?:current|sale|new) price is\b.*\d", re.I)
_FOR_READERS = re.compile(r"(?:^|\s)(?:screen-reader-text|sr-only|visually-hidden)\b")
_NEW_PRICE = re.compile(
    r"(?:new|now|current|sale|special|final|offer|reduced|actual|discount\w*)"
    r"[-_]*price|price[-_]*(?:new|now|current|sale|special|final|offer|reduced)",
    re.I,
)
_PRICE_NAME = re.compile(r"price|amount|cost|money", re.I)
_COMMENT = re.compile(r"^#?cmnt(?:_ref)?\d+$")  # Google Docs

_LABEL = re.compile(r"[(\[]?\s*([0-9]{1,3}|[a-z]|[ivx]{1,4}|[*†‡§¶#]{1,3})\s*[)\].]?")
_LABELS = re.compile(r"[(\[]?\s*\d{1,2}(?:\s*[,;/]\s*\d{1,2})+\s*[)\]]?")
_BACK = re.compile(r"^[\s\u21a9\u2191\u2b06\u2934\ufe0e\ufe0f^↵]*$")
_NOTE_NAME = re.compile(r"foot-?notes?|end-?notes?|\bfn\b|\bnote(?:s|ref)?\b", re.I)
_STARRED = re.compile(r"(?<=[^\s*†‡])([*†‡]{1,3})(?=[\s.,;:!?)]|$)")
_STAR_NOTE = re.compile(r"^\s*([*†‡]{1,3})\s*(?=[^\s*†‡])")
_NUMBER = re.compile(r"[+−-]?\d{1,3}")
_UNIT_BEFORE = re.compile(
    r"(?:\d\s?|/\s?|\bper |\bpro )(?:[cdkm]?m|ft|in|yd|mi|qm)$|/\s?s$"
)
_WORD_BEFORE = re.compile(r"[^\W\d_]{3}$")

_YES_WORDS = frozenset(
    "yes y included available check checked checkmark tick ticked true ok ✓ ✔ done "
    "supported ja oui sí".split()
)
_NO_WORDS = frozenset(
    "no n excluded unavailable cross crossed unchecked false ✗ ✘ x close clear cancel "
    "nein non".split()
) | {"not included", "not available", "not supported", "check mark no"}
_ICON_NAME = re.compile(
    r"(?:^|[\s_-])(?:fa[bsrldt]?|icon|icons?|bi|glyphicon|mdi|ti|ri)\b"
)
_YES_ICON = re.compile(
    r"(?:^|[-_])(?:check|checkmark|tick|ok|yes|done|success)(?:$|[-_])"
)
_NO_ICON = re.compile(
    r"(?:^|[-_])(?:times|xmark|cross|close|x|no|remove|ban|cancel|unavailable)(?:$|[-_])"
)
_TEXT_FIELDS = frozenset("text number tel email url date time".split())
_ICON_TAGS = frozenset("img svg i span em td".split())
_FONT_ICONS = re.compile(r"material-(?:icons|symbols)", re.I)
_FONT_WORDS = {
    **dict.fromkeys(("check", "done", "check_circle", "check_box", "task_alt"), "✓"),
    **dict.fromkeys(("close", "clear", "cancel", "highlight_off", "block"), "✗"),
}


def settle(root: HtmlElement, styles: str = "") -> tuple[str, ...]:
    """Make a tree one of words that a reader sees, and return notes on what it lost.

    Args:
        styles: CSS that holds beside what stands in the tree.
    """
    struck = read_marks(root, styles)
    hidden = remove_hidden(root)
    notes: list[str] = []
    if struck:
        notes.append(f"left out {counted(struck, 'struck-out text')}")
    if hidden:
        notes.append(f"removed {counted(hidden, 'hidden character')}")
    return tuple(notes)


def read_marks(root: HtmlElement, styles: str = "") -> int:
    """Turn the marks of a tree into text or take them out.

    Struck-out text goes, as does a price that a newer one beside it replaces. Raised
    digits become raised characters, so that a price keeps its cents; the mark of a
    footnote becomes its text. Boxes and icons become signs.

    Args:
        root: the tree, which is changed.
        styles: CSS that holds beside what stands in the tree.

    Returns:
        How many texts were left out because they are struck out.
    """
    _show_styles(root, styles)
    _show_hidden_classes(root)
    _remove_comments(root)
    struck = _remove_struck(root)
    _Notes(root).move()
    for element in list(root.iter("sup", "sub")):
        _read_raised(element)
    _put_prices_on_one_line(root)
    for element in list(root.iter("span", "small", "b", "i", "em", "strong")):
        _read_split_price(element)
    _Icons().read(root)
    return struck


def _show_styles(root: HtmlElement, styles: str) -> None:
    """Write what a class of the page's own style sheet strikes out or raises as tags."""
    struck: set[str] = set()
    lifted: set[str] = set()
    for sheet in (styles, *(one.text or "" for one in root.iter("style"))):
        for name, rules in _CLASS_RULE.findall(sheet):
            if _STRUCK_STYLE.search(rules):
                struck.add(name)
            if _RAISED_STYLE.search(rules):
                lifted.add(name)
    for element in root.iter(
        "span", "p", "div", "li", "td", "a", "b", "i", "em", "font"
    ):
        classes = (element.get("class") or "").split()
        style = element.get("style") or ""
        if _STRUCK_STYLE.search(style) or not struck.isdisjoint(classes):
            element.set("data-struck", "")
        elif element.tag == "span" and (
            _RAISED_STYLE.search(style) or not lifted.isdisjoint(classes)
        ):
            element.tag = "sup"


def _show_hidden_classes(root: HtmlElement) -> None:
    """Write as an attribute what the page's own style sheet hides for good.

    A class that a script or a further rule names may be a closed accordion's.
    """
    sheets = "\n".join(one.text or "" for one in root.iter("style"))
    if _HIDDEN_STYLE.search(sheets) is None:
        return
    scripts = list(root.iter("script"))
    if any(one.get("src") for one in scripts):
        return
    shown_by = "\n".join(one.text or "" for one in scripts)
    rules = _FOR_SOME_MEDIA.sub("", sheets)
    hidden = {
        name
        for name, rule in _CLASS_RULE.findall(rules)
        if _HIDDEN_STYLE.search(rule)
        and name not in shown_by
        and len(re.findall(rf"\.{re.escape(name)}(?![\w-])", sheets)) == 1
    }
    if not hidden:
        return
    for element in root.iter():
        names = element.get("class") if isinstance(element.tag, str) else None
        if names and not hidden.isdisjoint(names.split()):
            element.set("hidden", "")


def _remove_comments(root: HtmlElement) -> None:
    """Remove the comments that Google Docs writes into a page, with their marks."""
    for link in list(root.iter("a")):
        if link.getparent() is None or not _COMMENT.match(link.get("href") or ""):
            continue
        if _COMMENT.match(link.get("id") or "") and link.get("id").startswith("cmnt_"):
            _replace(_whole(link))
            continue
        block = link.getparent()
        parent = block.getparent()
        is_box = parent is not None and parent.tag == "div" and len(parent) == 1
        _replace(parent if is_box else block)


def _remove_struck(root: HtmlElement) -> int:
    struck = 0
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element is root:
            continue
        is_struck = (
            element.tag in _STRUCK_TAGS or element.get("data-struck") is not None
        )
        if is_struck or _is_old_price(element):
            struck += bool(_text(element).strip())
            _replace(element)
            if _STOP_BEHIND.match(element.tail or ""):
                _strip_before(element)
    return struck


def _is_old_price(element: HtmlElement) -> bool:
    """Return whether a price's class calls it the old one, and a new one is beside it."""
    names = element.get("class") or ""
    if _FOR_READERS.search(names):
        return _is_said_again(element)
    if not _OLD_PRICE.search(names):
        return False
    parent = element.getparent()
    if parent is None or len(_text(element)) > _PRICE_CHARACTERS:
        return False
    beside = (
        *islice(element.itersiblings(), _PRICES_BESIDE),
        *islice(element.itersiblings(preceding=True), _PRICES_BESIDE),
    )
    if any(_NEW_PRICE.search(other.get("class") or "") for other in beside):
        return True
    if _REPLACED.search(names) is None:
        return False
    return any(
        isinstance(other.tag, str) and _SOLE_PRICE.fullmatch(_text(other))
        for other in beside
    )


def _is_said_again(element: HtmlElement) -> bool:
    """Return whether a text for screen readers repeats the prices beside it."""
    text = _text(element).strip()
    if _SAID_OLD.match(text):
        return True
    before = element.getprevious()
    return (
        _SAID_NEW.match(text) is not None
        and before is not None
        and _text(before).strip() in text
    )


class _Notes:
    """The footnotes of a page: their marks, their texts, and which belong together."""

    def __init__(self, root: HtmlElement) -> None:
        self._root = root
        self._by_id = {
            str(element.get("id") or element.get("name")): element
            for element in root.iter()
            if isinstance(element.tag, str)
            and (element.get("id") or (element.tag == "a" and element.get("name")))
        }
        self._order = {element: at for at, element in enumerate(root.iter())}
        self._labelled: dict[str, list[tuple[int, HtmlElement]]] = {}
        self._used: dict[HtmlElement, str] = {}
        self._long: set[str] = set()

    def move(self) -> None:
        """Put each footnote's text where its mark is, and remove it from the foot."""
        linked: list[tuple[HtmlElement, HtmlElement]] = []
        for link in list(self._root.iter("a")):
            note = self._linked_note(link)
            if note is not None:
                linked.append((_whole(link), note))
        for reference, note in linked:
            self._place(reference, note)
        self._labelled = self._labelled_notes()
        if self._labelled:
            for sup in list(self._root.iter("sup")):
                self._place_labelled(sup)
        self._place_starred()
        for note in self._used:
            _replace(_container(note))

    def _linked_note(self, link: HtmlElement) -> HtmlElement | None:
        """Return the element with the footnote that a link leads to, or None."""
        address = link.get("href") or ""
        label = _text(link).strip()
        if not address.startswith("#") or not _LABEL.fullmatch(label):
            return None
        if "cite" in address:  # a source, which says nothing to a caller
            return None
        if not _is_reference(link, label):
            return None
        target = self._by_id.get(address[1:])
        if target is None or self._order[target] <= self._order[link]:
            return None
        note = _note_of(target)
        if note is None or note in link.iterancestors():
            return None
        if not _is_shown(note):
            return None
        return note

    def _labelled_notes(self) -> dict[str, list[tuple[int, HtmlElement]]]:
        """Return by its label place and element of each text that begins with one."""
        found: dict[str, list[tuple[int, HtmlElement]]] = {}
        for element in self._root.iter("p", "li", "div", "dd", "td", "small"):
            label = ""
            if element not in self._used:
                label = _label_at_start(element)
            if label and next(element.iterdescendants(*_ROOMY), None) is None:
                found.setdefault(label, []).append((self._order[element], element))
        return found

    def _place_labelled(self, sup: HtmlElement) -> None:
        text = _text(sup).strip()
        labels = re.findall(r"\d+", text) if _LABELS.fullmatch(text) else []
        single = _LABEL.fullmatch(text)
        if single is not None:
            labels = [single[1]]
        if text in ("2", "3") and _UNIT_BEFORE.search(_before(sup)):
            return
        notes = [self._note_below(sup, label) for label in labels]
        known = [note for note in notes if note is not None]
        if known and len(known) == len(labels):
            self._place(sup, *known)

    def _note_below(self, sup: HtmlElement, label: str) -> HtmlElement | None:
        """Return the next footnote of a label behind its mark, or None."""
        notes = self._labelled.get(label, [])
        at = bisect_right(notes, self._order[sup], key=itemgetter(0))
        if at == len(notes) or not _is_shown(notes[at][1]):
            return None
        return notes[at][1]

    def _place(self, reference: HtmlElement, *notes: HtmlElement) -> None:
        """Replace a mark by the texts of its footnotes."""
        parts: list[str] = []
        for note in notes:
            if note not in self._used:
                self._used[note] = _note_text(note)
            text = self._used[note]
            if len(text) > footnotes.FOOTNOTE_CHARACTERS:
                self._put_behind(reference, text)
            else:
                parts.append(footnotes.mark(text))
        _replace(reference, "".join(parts))

    def _put_behind(self, reference: HtmlElement, text: str) -> None:
        """Write a long footnote below the paragraph or table of its first mark."""
        block = next(reference.iterancestors("table", "p", "li", "dd", "div"), None)
        if block is None or block.getparent() is None:
            return
        if text in self._long:
            return
        self._long.add(text)
        paragraph = block.makeelement("p")
        paragraph.text = text
        if block.tag in ("li", "dd", "div"):
            block.append(paragraph)
        else:
            paragraph.tail, block.tail = block.tail, None
            block.addnext(paragraph)

    def _place_starred(self) -> None:
        """Put the text of `* only in May` where a single asterisk points to it."""
        notes: dict[str, list[HtmlElement]] = {}
        for element in self._root.iter("p", "small", "li", "td", "div"):
            found = _STAR_NOTE.match(element.text or "")
            inner = {child.tag for child in element.iterdescendants()}
            if found is not None and not inner & _BLOCKS:
                notes.setdefault(found[1], []).append(element)
        single = {
            star: found[0]
            for star, found in notes.items()
            if len(found) == 1 and _is_shown(found[0])
        }
        if not single:
            return
        for element in list(self._root.iter()):
            if not isinstance(element.tag, str) or element.tag in (
                "pre",
                "code",
                "style",
            ):
                continue
            if element not in single.values():
                element.text = self._starred(element, element.text, single)
            if element.getparent() not in single.values():
                element.tail = self._starred(element, element.tail, single)

    def _starred(
        self, element: HtmlElement, text: str | None, notes: dict[str, HtmlElement]
    ) -> str | None:
        if not text or not _STARRED.search(text):
            return text

        def with_note(found: re.Match[str]) -> str:
            note = notes.get(found[1])
            if note is None or self._order[note] < self._order[element]:
                return found[0]
            if note not in self._used:
                said = _STAR_NOTE.sub("", " ".join(_text(note).split()))
                self._used[note] = said
            said = self._used[note]
            if len(said) > footnotes.FOOTNOTE_CHARACTERS:
                self._put_behind(element, said)
                return ""
            return footnotes.mark(said)

        return _STARRED.sub(with_note, text)


def _is_shown(note: HtmlElement) -> bool:
    """Return whether a reader sees a footnote; a hidden one is not to be spoken."""
    return not any(map(is_hidden, (note, *note.iterancestors())))


def _is_reference(
    link: HtmlElement,
    label: str,
) -> bool:
    """Return whether a link is the mark of a footnote: raised, bracketed or named so."""
    if next(link.iterancestors("sup"), None) is not None:
        return True
    if link.find(".//sup") is not None or label.startswith("["):
        return True
    names = f"{link.get('class') or ''} {link.get('role') or ''} {link.get('href')}"
    epub = link.get("{http://www.idpf.org/2007/ops}type") or link.get("epub:type") or ""
    return _NOTE_NAME.search(f"{names} {epub}") is not None


def _note_of(target: HtmlElement) -> HtmlElement | None:
    """Return the element that holds the text of a footnote whose anchor is given."""
    if target.tag in ("p", "li", "dd", "aside", "div", "small", "td"):
        return target
    return next(
        target.iterancestors("p", "li", "dd", "aside", "small", "td", "div"), None
    )


def _container(note: HtmlElement) -> HtmlElement:
    """Return what to remove with a footnote: a list or box that holds it alone."""
    while True:
        parent = note.getparent()
        if parent is None or parent.tag not in ("div", "ol", "ul", "aside", "section"):
            return note
        if len(parent) != 1 or (parent.text or "").strip() or (note.tail or "").strip():
            return note
        note = parent


def _note_text(note: HtmlElement) -> str:
    """Return a footnote's text without its label and the links back to its marks."""
    parts: list[str] = []
    _gather_note(note, parts)
    text = " ".join("".join(parts).split())
    return re.sub(
        r"^(?:[(\[]?\d{1,3}[)\]]|[*†‡§¶]{1,3})\s*|^\[ ?\]\s*|^\^\s*", "", text
    )


def _gather_note(
    element: HtmlElement,
    parts: list[str],
) -> None:
    parts.append(element.text or "")
    for at, child in enumerate(element):
        if isinstance(child.tag, str) and not _is_label(child, parts, at):
            _gather_note(child, parts)
            if child.tag in _BLOCKS:
                parts.append(" ")
        parts.append(child.tail or "")


def _is_label(
    child: HtmlElement,
    parts: list[str],
    at: int,
) -> bool:
    """Return whether an element is a footnote's label or a link back to its mark."""
    text = _text(child).strip()
    if child.tag == "a" and (child.get("href") or "").startswith("#"):
        return bool(_BACK.match(text) or _LABEL.fullmatch(text))
    is_first = at == 0 and not "".join(parts).strip()
    return is_first and child.tag == "sup" and _LABEL.fullmatch(text) is not None


def _label_at_start(element: HtmlElement) -> str:
    """Return the label that a footnote's text begins with, "" if it is no footnote."""
    if (element.text or "").strip() or not len(element):
        return _plain_label(element)
    first = element[0]
    for _ in range(_WRAPPERS):
        if first.tag == "sup" or first.tag in _BLOCKS or not len(first):
            break
        if (first.text or "").strip():
            break
        first = first[0]
    if first.tag != "sup":
        return _plain_label(element)
    label = _LABEL.fullmatch(_text(first).strip())
    if label is None or _is_fraction(first):
        return ""
    return label[1]


def _is_fraction(raised_part: HtmlElement) -> bool:
    return (raised_part.tail or "").lstrip().startswith(("/", "⁄"))


def _plain_label(element: HtmlElement) -> str:
    """Return the label of a text in an element that is named for its footnotes."""
    around = [element, *islice(element.iterancestors(), 2)]
    names = " ".join(
        f"{one.get('class') or ''} {one.get('id') or ''}" for one in around
    )
    if not _NOTE_NAME.search(names):
        return ""
    if element.tag == "li" and element.getparent().tag == "ol":
        return str(element.getparent().index(element) + 1)
    found = re.match(r"\s*[(\[]?(\d{1,2})[)\].:]?\s+\S", element.text or "")
    if found is None:
        return ""
    return found[1]


def _read_raised(element: HtmlElement) -> None:
    """Write raised digits as raised characters; lowered ones stay plain: `CO2`."""
    text = _text(element).strip()
    before = _before(element)
    if element.tag == "sup" and text.isdecimal() and _is_fraction(element):
        if before[-1:].isdigit():
            _replace(element, f" {text}")
        return
    if element.tag == "sub" and not (before[-1:].isdigit() and text.isdigit()):
        return
    number = _NUMBER.fullmatch(text)
    is_mark = _LABELS.fullmatch(text) or text.strip("*†‡§¶") == ""
    is_bracketed = _LABEL.fullmatch(text) is not None and text[:1] in ("(", "[")
    if is_mark or is_bracketed:
        _replace(element, "")
    elif number is not None:
        is_marked_word = _WORD_BEFORE.search(before) and not _is_unit(before)
        _replace(element, "" if is_marked_word else raised(text))


def _is_unit(before: str) -> bool:
    return _UNIT_BEFORE.search(before) is not None or before in ("m", "cm", "km", "ft")


def _put_prices_on_one_line(root: HtmlElement) -> None:
    """Make the parts of a price in blocks of their own, one below the other, one text."""
    for element in root.iter("div", "p", "span", "li", "td"):
        if not _PRICE_NAME.search(element.get("class") or ""):
            continue
        parts = list(islice(element.iterdescendants(), _PRICE_PARTS + 1))
        if len(parts) > _PRICE_PARTS or len(_text(element)) > _PRICE_CHARACTERS:
            continue
        for part in parts:
            if part.tag in ("div", "p"):
                part.tag = "span"


def _read_split_price(element: HtmlElement) -> None:
    """Raise the cents that stand in an element of their own: `139<small>50</small> €`."""
    parent = element.getparent()
    text = (element.text or "").strip()
    if parent is None or len(element) or len(text) != 2 or not text.isdecimal():
        return
    before = _before(element)
    is_apart = before != before.rstrip()
    names = f"{element.get('class') or ''} {parent.get('class') or ''}"
    if is_apart and not _PRICE_NAME.search(names):
        return
    before = before.rstrip()
    has_currency = re.search(rf"{CURRENCY}\s?[\d.,' ]*\d$", before) or (
        re.search(r"(?:^|\s)[\d.,' ]*\d$", before)
        and re.match(rf"\s*{CURRENCY}", _after(element))
    )
    if not has_currency or re.search(r"\d[.,]\d{2}$", before):
        return
    _strip_before(element)
    element.tag = "span"
    element.text = raised(text)


class _Icons:
    """Boxes and icons, which become signs or, alone in a cell, what they are called."""

    def __init__(self) -> None:
        # whether a cell has a text, looked at once: it may hold many icons
        self._has_text: dict[HtmlElement, bool] = {}

    def read(self, root: HtmlElement) -> None:
        """Write each box and icon of a tree that says something as text."""
        for element in list(root.iter()):
            if not isinstance(element.tag, str):
                continue
            sign = self._sign(element)
            if sign:
                element.attrib.pop("aria-hidden", None)
                _replace(element, f"{sign} ")

    def _sign(self, element: HtmlElement) -> str:
        classes = element.get("class") or ""
        if element.tag == "input" or element.get("role") == "checkbox":
            return self._box(element) or _fixed_value(element)
        if _FONT_ICONS.search(classes):
            return _FONT_WORDS.get((element.text or "").strip(), "")
        if element.tag not in _ICON_TAGS or _holds_text(element):
            return ""
        label = _label(element)
        word = label.casefold().rstrip(".!")
        if word in _YES_WORDS:
            return "✓"
        if word in _NO_WORDS:
            return "✗"
        if not label:
            return _icon_sign(element)
        if len(label) <= _LABEL_CHARACTERS and self._is_alone_in_cell(element):
            return label
        return ""

    def _box(self, element: HtmlElement) -> str:
        """Return the sign of a box that a page shows; "" for one that is to be ticked."""
        kind = element.get("type")
        if element.tag == "input" and kind not in ("checkbox", "radio"):
            return ""
        is_fixed = any(
            element.get(name) is not None for name in ("disabled", "readonly")
        )
        is_fixed = is_fixed or element.get("aria-disabled") == "true"
        if not is_fixed and not self._is_alone_in_cell(element):
            return ""
        is_ticked = element.get("checked") is not None
        if is_ticked or element.get("aria-checked") == "true":
            return "☑"
        return "☐"

    def _is_alone_in_cell(self, element: HtmlElement) -> bool:
        """Return whether an element is all that its table cell shows."""
        if element.tag == "td":
            return True
        cell = next(element.iterancestors("td", "th"), None)
        if cell is None:
            return False
        if cell not in self._has_text:
            titles = sum(len(_text(title)) for title in cell.iter("title", "desc"))
            self._has_text[cell] = len(_text(cell).strip()) > titles
        return not self._has_text[cell]


def _fixed_value(element: HtmlElement) -> str:
    """Return the value of a field that its reader cannot change, "" for any other."""
    is_fixed = any(element.get(name) is not None for name in ("disabled", "readonly"))
    if not is_fixed or element.get("type", "text") not in _TEXT_FIELDS:
        return ""
    return str(element.get("value") or "")


def _label(element: HtmlElement) -> str:
    """Return what an icon is called, "" if it is not."""
    names = [element.get(name) for name in ("alt", "aria-label", "title")]
    if element.tag == "svg":
        names.append(element.findtext("title"))
    return " ".join(next((name for name in names if name), "").split())


def _icon_sign(element: HtmlElement) -> str:
    """Return the sign that the class of an icon names: `fa fa-check`, `icon-x`.

    In a cell also the file or symbol that it is drawn from: `#icon-check`, `cross.svg`.
    """
    names = element.get("class") or ""
    in_cell = element.tag == "td" or next(element.iterancestors("td"), None) is not None
    if in_cell:
        names = f"{names} {_drawn_from(element)}"
    if names == "":
        return ""
    if not in_cell and not _ICON_NAME.search(names):
        return ""
    for name in names.lower().split():
        if _NO_ICON.search(name):
            return "✗"
        if _YES_ICON.search(name):
            return "✓"
    return ""


def _drawn_from(element: HtmlElement) -> str:
    """Return the name of the symbol or file of an icon, "" if it has none."""
    address = ""
    if element.tag == "img":
        address = element.get("src") or ""
    elif element.tag == "svg":
        use = next(element.iter("use"), None)
        if use is not None:
            address = use.get("href") or use.get("xlink:href") or ""
    return re.split(r"[/#]", address)[-1].partition(".")[0]


def _holds_text(element: HtmlElement) -> bool:
    if element.tag == "svg":
        return False
    return len(element) > 0 or bool((element.text or "").strip())


def _whole(link: HtmlElement) -> HtmlElement:
    """Return the raised element around a link if it holds nothing else, or the link."""
    parent = link.getparent()
    if parent is not None and parent.tag == "sup" and len(parent) == 1:
        return parent
    return link


def _replace(
    element: HtmlElement,
    text: str = "",
) -> None:
    """Make an element a mere text; a cell stays one, so that its row keeps its columns.

    The element stays: to join the texts around each of many would take time with the
    square of them.
    """
    if element.tag not in ("td", "th"):
        element.tag = "span"
    element.attrib.pop("data-struck", None)
    for child in list(element):
        element.remove(child)
    element.text = text


def _text(element: HtmlElement) -> str:
    return str(element.text_content())


def _strip_before(element: HtmlElement) -> None:
    """Remove the blanks between an element and the text before it."""
    before = element.getprevious()
    parent = element.getparent()
    if before is not None:
        before.tail = (before.tail or "").rstrip()
    elif parent is not None:
        parent.text = (parent.text or "").rstrip()


def _before(element: HtmlElement) -> str:
    """Return the end of the text before an element in its block."""
    parts: list[str] = []
    _gather(_pieces_before(element), parts)
    return "".join(reversed(parts))[-_NEAR_CHARACTERS:]


def _after(element: HtmlElement) -> str:
    """Return the start of the text behind an element in its block."""
    parts: list[str] = []
    _gather(_pieces_after(element), parts)
    return "".join(parts)[:_NEAR_CHARACTERS]


def _gather(
    pieces: Iterator[str],
    parts: list[str],
) -> None:
    length = 0
    for piece in islice(pieces, _NEAR_PIECES):
        parts.append(piece)
        length += len(piece)
        if length >= _NEAR_CHARACTERS:
            return


def _pieces_before(element: HtmlElement) -> Iterator[str]:
    """Yield the texts before an element in its block, the nearest first."""
    current = element
    while True:
        sibling = current.getprevious()
        while sibling is not None:
            yield sibling.tail or ""
            if isinstance(sibling.tag, str):
                if sibling.tag in _BLOCKS or sibling.tag == "br":
                    return
                yield _text(sibling)[-_NEAR_CHARACTERS:]
            sibling = sibling.getprevious()
        parent = current.getparent()
        if parent is None:
            return
        yield parent.text or ""
        if parent.tag in _BLOCKS:
            return
        current = parent


def _pieces_after(element: HtmlElement) -> Iterator[str]:
    """Yield the texts behind an element in its block, the nearest first."""
    current = element
    while True:
        yield current.tail or ""
        sibling = current.getnext()
        while sibling is not None:
            if isinstance(sibling.tag, str):
                if sibling.tag in _BLOCKS or sibling.tag == "br":
                    return
                yield _text(sibling)[:_NEAR_CHARACTERS]
            yield sibling.tail or ""
            sibling = sibling.getnext()
        parent = current.getparent()
        if parent is None or parent.tag in _BLOCKS:
            return
        current = parent
