"""Shortcodes of WordPress, `[tab title="Delivery"]…[/tab]`: their titles and texts stay.

One that stands alone shows what only its program knows, and is named.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection

_MOST_TITLE_CHARACTERS = 200
_SHORTCODE = re.compile(
    r"\[(?P<end>/)?(?P<name>[a-z][\w-]*)(?P<rest>(?:\s+[\w-]+=(?:\"[^\"\[\]]*\"|'[^'\[\]]*'"
    r"|[^\s\"'\[\]]+))*)\s*/?\](?![(:])"
)
_ARGUMENT = re.compile(r"""\s([\w-]+)=(?:"([^"]*)"|'([^']*)'|(\S+))""")
_TITLES = ("title", "question", "heading", "header", "label", "tab_title", "q", "name")
_ALONE = frozenset("gallery audio video embed playlist contact-form-7".split())
_MEMBERS = re.compile(
    r"member|restrict|private|protect|logged|login|paywall|hide|hidden|mepr|wlm|s2if"
    r"|user_?role|visitor_only|subscriber"
)
"""Names of those that show their text to some readers only."""

LeaveOut = Callable[[str, str], str]
"""Told of each thing that is left out, by its kind and name; returns ""."""


def with_sections(text: str, leave_out: LeaveOut, *, is_raw: bool = False) -> str:
    """Return a text whose titled pairs of shortcodes are `<details>` with their titles.

    Args:
        text: HTML, or Markdown in which HTML may stand.
        leave_out: told of each that shows something by itself, or to members only.
        is_raw: whether WordPress wrote the text, so that a bare `[price_list]` is one.
    """
    if "[" not in text:
        return text
    closed = closed_names(text)
    for name in sorted(closed):
        if _MEMBERS.search(name):
            text = _without_pair(text, name, "members-only part", leave_out)
        elif name in _ALONE:
            text = _without_pair(text, name, "shortcode", leave_out)
    # which of those that are open have a title
    titled: dict[str, list[bool]] = {}

    def replaced(found: re.Match[str]) -> str:
        name = found["name"]
        if name not in closed:
            return _alone(found, leave_out, is_raw=is_raw)
        if found["end"]:
            has_title = bool(titled.get(name)) and titled[name].pop()
            return "\n\n</details>\n\n" if has_title else ""
        title = _title(found["rest"])
        is_pair = not found[0].endswith("/]")
        if is_pair:
            titled.setdefault(name, []).append(bool(title))
        if title and is_pair:
            summary = html.escape(html.unescape(title), quote=False)
            return f"\n\n<details><summary>{summary}</summary>\n\n"
        return ""

    return _SHORTCODE.sub(replaced, text)


def without_shortcodes(text: str, closed: Collection[str], leave_out: LeaveOut) -> str:
    """Return a piece of a page's text without shortcodes, their titles before it.

    Args:
        closed: names of those that have an end anywhere in the page.
        leave_out: told of each that shows something by itself.
    """

    def replaced(found: re.Match[str]) -> str:
        if found["name"] not in closed:
            return _alone(found, leave_out, is_raw=False)
        title = "" if found["end"] else _title(found["rest"])
        return f"{title}: " if title else ""

    return _SHORTCODE.sub(replaced, text)


def closed_names(text: str) -> set[str]:
    """Return the names of the shortcodes that have an end, and so a text inside."""
    ends = (found["name"] for found in _SHORTCODE.finditer(text) if found["end"])
    return set(ends)


def _alone(
    found: re.Match[str],
    leave_out: LeaveOut,
    *,
    is_raw: bool,
) -> str:
    """Name a shortcode without an end; `[sic]` may be a word in brackets."""
    name = found["name"]
    is_sure = found["rest"] or name in _ALONE
    is_sure = is_sure or (is_raw and ("_" in name or "-" in name))
    if not is_sure or found["end"]:
        return found[0]
    return leave_out("shortcode", name)


def _title(rest: str) -> str:
    """Return the title among the arguments of a shortcode, else ""."""
    values = {
        found[1]: found[2] or found[3] or found[4] for found in _ARGUMENT.finditer(rest)
    }
    titles = (values[name] for name in _TITLES if values.get(name))
    return next(titles, "")[:_MOST_TITLE_CHARACTERS].strip()


def _without_pair(
    text: str,
    name: str,
    thing: str,
    leave_out: LeaveOut,
) -> str:
    """Leave out what stands between the two shortcodes of a name."""
    marks = re.compile(rf"\[(?P<end>/)?{re.escape(name)}(?=[\s\]/])[^\]]*\]")
    parts: list[str] = []
    depth = at = 0
    for found in marks.finditer(text):
        if not found["end"]:
            if not depth:
                parts.append(text[at : found.start()])
            depth += 1
        elif depth:
            depth -= 1
            at = found.end()
            if not depth:
                leave_out(thing, name)
    return "".join((*parts, text[at:]))
