"""Tabs and accordions: a label and what it opens, brought together as one section.

A page keeps all labels in one place and all panels in another, most of them closed.
Each panel becomes a `<details>` with its label as the summary.
"""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HtmlElement

from kbserver.ingest.formats.shared.markup import SPACE

MOST_LABEL_CHARACTERS = 120
"""A longer text is no label."""

MOST_TAB_LISTS = 200
"""Of a page; each is looked for in all that stands beside it."""

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_TARGETS = ("aria-controls", "data-bs-target", "data-target", "href")
_TOGGLES = frozenset(("tab", "pill"))
_QUESTION_NAMES = re.compile(
    r"(?:^|[\s_-])(?:question|header|heading|title|toggle|trigger|button|summary|label"
    r"|control|term|q)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ANSWER_NAMES = re.compile(
    r"(?:^|[\s_-])(?:answer|content|panel|body|collapse|text|details|desc|description"
    r"|inner|a)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CLOSED = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)\s*;?", re.I)


def open_panels(root: HtmlElement) -> None:
    """Make each panel of tabs and accordions a section under its label."""
    by_id = {one.get("id"): one for one in _elements(root) if one.get("id")}
    opened: set[HtmlElement] = set()
    for tab in [one for one in _elements(root) if _is_tab(one)]:
        panel = _panel_of(tab, by_id)
        if panel is not None and panel not in opened:
            opened.add(panel)
            _join(tab, panel)
    _pair_in_order(root, opened)
    for answer in [one for one in _elements(root) if _is_closed(one)]:
        label = _label_before(answer)
        if label is None:
            continue
        _open(answer)
        if label.tag not in _HEADINGS:
            _join(label, answer)


def _elements(root: HtmlElement) -> list[HtmlElement]:
    return [element for element in root.iter() if isinstance(element.tag, str)]


def _is_tab(element: HtmlElement) -> bool:
    if element.get("role") == "tab":
        return True
    toggle = element.get("data-bs-toggle") or element.get("data-toggle")
    return toggle in _TOGGLES


def _panel_of(tab: HtmlElement, by_id: dict[str, HtmlElement]) -> HtmlElement | None:
    """Return the panel that a tab or a link in it names, or None."""
    for control in (tab, *tab.iterchildren("a", "button")):
        for attribute in _TARGETS:
            name = (control.get(attribute) or "").strip().removeprefix("#")
            panel = by_id.get(name) if name else None
            if panel is not None and panel is not tab:
                return panel
    return None


def _pair_in_order(root: HtmlElement, opened: set[HtmlElement]) -> None:
    """Pair tabs with as many panels in the same group; no ids join them."""
    for labels in _label_lists(root)[:MOST_TAB_LISTS]:
        group = labels.getparent()
        tabs = [one for one in labels.iter() if _is_label(one)]
        if group is None or not tabs:
            continue
        panels = [
            one
            for one in group.iter("div", "section")
            if _is_panel(one) and one not in opened
        ]
        if len(panels) != len(tabs):
            continue
        for tab, panel in zip(tabs, panels, strict=True):
            opened.add(panel)
            _join(tab, panel)


def _label_lists(root: HtmlElement) -> list[HtmlElement]:
    """Return the lists of labels that stand in no other."""
    lists: list[HtmlElement] = []
    inside: set[HtmlElement] = set()
    for element in _elements(root):
        names = (element.get("class") or "").split()
        is_list = element.get("role") == "tablist" or "tabbed-labels" in names
        if is_list and element not in inside:
            lists.append(element)
            inside.update(element.iter())
    return lists


def _is_label(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str):
        return False
    parent = element.getparent()
    is_in_labels = parent is not None and "tabbed-labels" in (parent.get("class") or "")
    return element.get("role") == "tab" or (element.tag == "label" and is_in_labels)


def _is_panel(element: HtmlElement) -> bool:
    names = (element.get("class") or "").split()
    return element.get("role") == "tabpanel" or "tabbed-block" in names


def _is_closed(element: HtmlElement) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return bool(_CLOSED.search(element.get("style") or ""))


def _label_before(answer: HtmlElement) -> HtmlElement | None:
    """Return the question or label just above a closed answer; None if it is none."""
    label = answer.getprevious()
    if label is None or not isinstance(label.tag, str) or _is_closed(label):
        return None
    text = _text(label)
    if not text or len(text) > MOST_LABEL_CHARACTERS or (label.tail or "").strip():
        return None
    if not _ANSWER_NAMES.search(_names(answer)) and answer.tag != "dd":
        return None
    is_heading = label.tag in _HEADINGS or label.tag in ("button", "dt")
    if is_heading or text.endswith("?") or _QUESTION_NAMES.search(_names(label)):
        return label
    return None


def _names(element: HtmlElement) -> str:
    return f"{element.get('class') or ''} {element.get('id') or ''}".strip()


def _join(label: HtmlElement, panel: HtmlElement) -> None:
    """Move a label into its panel as the summary."""
    text = _text(label)
    _open(panel)
    if not text or label.tag == "dt":
        return
    if any(one is panel for one in label.iterancestors()):
        return
    if any(one is label for one in panel.iterancestors()):
        return
    label.drop_tree()
    summary = etree.SubElement(panel, "summary")
    summary.text = text
    summary.tail = panel.text
    panel.text = None
    panel.insert(0, summary)
    panel.tag = "details"


def _open(panel: HtmlElement) -> None:
    panel.attrib.pop("hidden", None)
    panel.attrib.pop("aria-hidden", None)
    style = panel.get("style")
    if style:
        panel.set("style", _CLOSED.sub("", style))


def _text(element: HtmlElement) -> str:
    return SPACE.sub(" ", element.text_content()).strip()
