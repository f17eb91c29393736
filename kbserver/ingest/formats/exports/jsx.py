"""Components in MDX: their texts stay, their code goes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from lxml.html import defs

_OPENING = re.compile(r"<(?P<end>/)?(?P<name>[A-Z][\w.]*)(?=[\s/>])")
_ATTRIBUTE = re.compile(r"\s*(?:([\w:-]+)(?:\s*=\s*)?)?")
"""Blanks alone match too: they are passed at once, not looked at one by one."""
_SPACE_EXPRESSION = re.compile(r"\{\s*(['\"])\s*\1\s*\}")
_TITLES = ("title", "question", "label", "heading", "header", "summary", "name", "q")
_TEXTS = (
    *("description", "answer", "text", "content", "body", "subtitle", "value", "price"),
    *("message", "caption", "note", "a", "subheading", "details"),
)
_NAMES_INSIDE = ("value", "a")
"""Props that are texts only of a component with nothing in it."""
_STRING = re.compile(
    r"""\{\s*(?:(['"`])(?P<text>(?:(?!\1).)*)\1|(?P<number>[\d.,]+))\s*\}""", re.S
)
_MOST_TAG_CHARACTERS = 20_000
_MOST_UNFINISHED = 100
"""Tags without an end are looked at; a text with more is no MDX."""
_MOST_DEDENT = 12

LeaveOut = Callable[[str, str], str]


def without_jsx(text: str, leave_out: LeaveOut) -> str:
    """Return a text whose components are `<details>` with their titles.

    Args:
        leave_out: told of each component that shows what only its code knows.
    """
    if not _OPENING.search(text):
        return text
    parts: list[str] = []
    sections: list[tuple[str, bool]] = []
    at = unfinished = 0
    while found := _OPENING.search(text, at):
        parts.append(_dedented(text[at : found.start()], len(sections)))
        at = found.start()
        name = found["name"]
        if name.lower() in defs.tags:
            parts.append("<")
            at += 1
            continue
        props, end, is_alone = _props(text, found.end())
        if end < 0:
            unfinished += 1
            if unfinished > _MOST_UNFINISHED:
                break
            parts.append("<")
            at += 1
            continue
        at = end
        if found["end"]:
            parts.append(_closing(sections, name))
        else:
            parts.append(_replacement(name, props, leave_out, is_alone=is_alone))
            if not is_alone:
                sections.append((name, _title(props) != ""))
    parts.append(_dedented(text[at:], len(sections)))
    return _SPACE_EXPRESSION.sub(" ", "".join(parts))


def _props(text: str, at: int) -> tuple[dict[str, str | None], int, bool]:
    """Return a tag's props, where it ends (-1: nowhere), and whether it stands alone.

    A prop whose value is code is None.
    """
    props: dict[str, str | None] = {}
    limit = min(len(text), at + _MOST_TAG_CHARACTERS)
    while at < limit:
        if text[at] == ">":
            return props, at + 1, False
        if text.startswith("/>", at):
            return props, at + 2, True
        if text[at] == "<":
            break
        if text[at] == "{":  # {...spread}
            at = _brace_end(text, at, limit)
            continue
        found = _ATTRIBUTE.match(text, at, limit)
        if found is None or found.end() == at:
            at += 1
            continue
        at = found.end()
        if not found[0].rstrip().endswith("="):
            continue
        value, at = _value(text, at, limit)
        props[found[1]] = value
    return {}, -1, False


def _value(text: str, at: int, limit: int) -> tuple[str | None, int]:
    quote = text[at : at + 1]
    if quote in ("'", '"'):
        end = text.find(quote, at + 1, limit)
        if end < 0:
            return None, limit
        return text[at + 1 : end], end + 1
    if quote != "{":
        return None, at + 1
    found = _STRING.match(text, at, limit)
    if found is None:
        return None, _brace_end(text, at, limit)
    if found[1] == "`" and "${" in found["text"]:
        return None, found.end()
    return found["text"] or found["number"] or "", found.end()


def _brace_end(text: str, at: int, limit: int) -> int:
    depth = 0
    for position in range(at, limit):
        depth += (text[position] == "{") - (text[position] == "}")
        if not depth:
            return position + 1
    return limit


def _title(props: dict[str, str | None]) -> str:
    return next((props[name] or "" for name in _TITLES if props.get(name)), "")


def _replacement(
    name: str, props: dict[str, str | None], leave_out: LeaveOut, *, is_alone: bool
) -> str:
    title = html.escape(_title(props), quote=False)
    shown = [one for one in _TEXTS if is_alone or one not in _NAMES_INSIDE]
    texts = [props[one] or "" for one in shown if props.get(one)]
    codes = [one for one, value in props.items() if value is None]
    if is_alone and not title and not texts:
        leave_out("component", f"<{name} />")
        return ""
    if codes and is_alone:
        leave_out("coded component", f"<{name} {codes[0]}=…")
    body = "\n\n".join(texts)
    if not title:
        return f"\n\n{body}\n\n"
    opening = f"\n\n<details><summary>{title}</summary>\n\n{body}\n\n"
    return f"{opening}</details>\n\n" if is_alone else opening


def _closing(sections: list[tuple[str, bool]], name: str) -> str:
    """Close the last component of this name, and those left open in it."""
    names = [one for one, _ in sections[-_MOST_DEDENT:]]
    if name not in names:
        return "\n\n"
    closed = ""
    while sections:
        inner, has_title = sections.pop()
        if has_title:
            closed += "\n\n</details>"
        if inner == name:
            break
    return f"{closed}\n\n"


def _dedented(text: str, depth: int) -> str:
    """Take the indentation inside components off: four blanks would make it code."""
    if not depth:
        return text
    most = 4 * min(depth, _MOST_DEDENT)
    return re.sub(rf"\n[ \t]{{1,{most}}}", "\n", text)
