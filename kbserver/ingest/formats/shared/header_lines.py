"""Lines at the top of a text that say something about it, as site generators write them.

`Title: Fees` (Pelican, MultiMarkdown), `.. title: Fees` (Nikola), `:status: draft`
(reStructuredText). Prose may begin with a word and a colon, too: all of the lines must
have names that such programs know.
"""

from __future__ import annotations

import re

_KEYS = frozenset(
    "title subtitle date modified updated category categories tags keywords slug author"
    " authors summary description status lang language translation template save_as url"
    " cover image layout draft published publish private hidden type link has_math series"
    " order weight valid_from valid_until supersedes questions pinned visibility audience"
    " unlisted archived expirydate publishdate orphan nosearch tocdepth address"
    " organization contact version revision copyright".split()
)
_ENOUGH = frozenset(("title", "status", "slug", "date", "valid_until", "draft"))
"""A text is not about its own version or address without one of these."""
_MOST_LINES = 60
_LINE = re.compile(r"(?P<name>[A-Za-z][\w -]{0,30}):(?:[ \t]+(?P<value>.*\S))?[ \t]*$")
_NIKOLA_LINE = re.compile(r"\.\. +([\w-]{1,30}):(?:[ \t]+(.*\S))?[ \t]*$")
_FIELD = re.compile(
    r":(?P<name>[A-Za-z][\w -]{0,30}):(?:[ \t]+(?P<value>.*\S))?[ \t]*$"
)
_RULE = re.compile(r"([=\-`:'\"~^_*+#<>.])\1{2,}[ \t]*$")


def split_header_lines(text: str) -> tuple[dict[str, object] | None, str]:
    """Return what the lines at the top say (None without any) and the text below them."""
    lines = text.replace("\r\n", "\n").split("\n")
    at = _first_filled(lines, 0)
    is_comment = at < len(lines) and lines[at].strip() == "<!--"
    for pattern in (_NIKOLA_LINE, _LINE):
        given, end = _read(lines, at + is_comment, pattern)
        if is_comment and (pattern is _LINE or lines[end : end + 1] != ["-->"]):
            continue
        if "title" in given:
            return given, "\n".join(lines[end + is_comment :])
    return None, text


def split_fields(text: str) -> tuple[dict[str, object], str]:
    """Return the fields of a reStructuredText and the text without them.

    They stand at its top, or below the title that stands there.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    for start in (_first_filled(lines, 0), _below_title(lines)):
        given, end = _read(lines, start, _FIELD)
        if not _ENOUGH.isdisjoint(given) or given.keys() & {"questions", "tags"}:
            return given, "\n".join((*lines[:start], *lines[end:]))
    return {}, text


def _read(
    lines: list[str],
    at: int,
    pattern: re.Pattern[str],
) -> tuple[dict[str, object], int]:
    """Return the names and values of some lines, and where they end.

    {} if one of them has a name that no program gives.
    """
    given: dict[str, object] = {}
    key = ""
    for end in range(at, min(len(lines), at + _MOST_LINES)):
        line = lines[end]
        found = pattern.match(line)
        if found is not None:
            key = re.sub(r"[ -]", "_", found[1].lower())
            if key not in _KEYS:
                return {}, at
            given[key] = found[2] or ""
        elif key and line[:1].isspace() and line.strip():
            given[key] = f"{given[key]} {line.strip()}".strip()
        elif line.strip() in ("", "-->") or pattern is _NIKOLA_LINE:
            return given, end
        else:
            return {}, at
    return given, min(len(lines), at + _MOST_LINES)


def _first_filled(
    lines: list[str],
    at: int,
) -> int:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def _below_title(lines: list[str]) -> int:
    """Return where the text below the title begins; the number of lines if nowhere."""
    at = _first_filled(lines, 0)
    if at < len(lines) and _RULE.match(lines[at]):
        at += 1
    if at + 1 < len(lines) and _RULE.match(lines[at + 1]):
        return _first_filled(lines, at + 2)
    return len(lines)
