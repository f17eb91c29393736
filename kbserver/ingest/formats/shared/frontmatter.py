"""What a text says about itself at its top: YAML, TOML, JSON or lines with names."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

import frontmatter
import yaml

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.header_lines import split_header_lines
from kbserver.ingest.formats.shared.metadata import (
    normalise,
    require_few_values,
    with_validity,
)
from kbserver.ingest.formats.shared.visibility import withheld_because

_YAML = frontmatter.default_handlers.YAMLHandler()
_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_DRAFTS = "_drafts"
_PAIR = re.compile(
    r"^(?P<key>[\w][\w .-]*):[ \t]+(?P<value>\S.*?)[ \t]*$", re.MULTILINE
)
_STRUCTURE = re.compile(r"[|>&*!\"']|[\[{](?![^\]}\n]*[\]}][ \t]*[^\s,#])")
"""Begins a value that is no plain text."""
_UNREADABLE = (yaml.YAMLError, ValueError, RecursionError)


def split_front_matter(text: str, source: str) -> tuple[dict[str, object], str]:
    """Return the normalised metadata ({} without front matter) and the text below it.

    A text that begins with a rule (`---`) and prose, not keys, is all body.

    Raises:
        DocumentUnreadable: the block is not valid, with the line of the file; a key
            holds the wrong thing; or the document is not meant for callers.
    """
    given, body = _split(text, source)
    if given is None:
        given, body = {}, text
    require_for_callers(source, given)
    return normalise(source, with_validity(given)), body


def require_for_callers(source: str, given: Mapping[str, object]) -> None:
    """Refuse a text that is not meant for callers, by what it says about itself.

    Raises:
        DocumentUnreadable: it says so, or it stands in Jekyll's folder of drafts.
    """
    reason = withheld_because(given)
    if _DRAFTS in source.split("/")[:-1]:
        reason = reason or f"in {_DRAFTS}"
    if reason:
        raise DocumentUnreadable(source, f"withheld, not meant for callers: {reason}")


def _split(text: str, source: str) -> tuple[Mapping[str, object] | None, str]:
    content = text.lstrip()
    if content.startswith("+++"):
        return _toml(content, source)
    if content.startswith("{"):
        return _json(content)
    if content.startswith("---"):
        return _yaml(text, content, source)
    return split_header_lines(text)


def _yaml(
    text: str, content: str, source: str
) -> tuple[Mapping[str, object] | None, str]:
    if not content.startswith("---") or not _YAML.detect(content):
        return None, text
    try:
        block, body = _YAML.split(content)
    except ValueError:  # never closed: a rule, then text
        return None, text
    try:
        given = _loaded(block)
    except yaml.MarkedYAMLError as exc:
        first_line = block.lstrip().split("\n", 1)[0]
        if ":" not in first_line:
            return None, text
        line = text[: len(text) - len(content)].count("\n") + 1
        if exc.problem_mark:
            line += exc.problem_mark.line
        reason = f"front matter, line {line}: {exc.problem or 'not valid YAML'}"
        raise DocumentUnreadable(source, reason) from exc
    except _UNREADABLE as exc:
        reason = f"front matter: not valid YAML ({exc})"
        raise DocumentUnreadable(source, reason) from exc
    if given is None:
        return {}, body
    if not isinstance(given, dict):
        return None, text
    require_few_values(source, given)
    return given, body


def _loaded(block: str) -> object:
    """Return what a block of YAML holds.

    Titles are often written without the quotes that a colon in them needs; if the block
    cannot be read, values that are no YAML by themselves are taken for plain text.
    """
    try:
        return yaml.safe_load(block)
    except yaml.MarkedYAMLError:
        quoted = _PAIR.sub(_quoted, block)
        if quoted == block:
            raise
        try:
            return yaml.safe_load(quoted)
        except _UNREADABLE:
            pass
        raise


def _quoted(pair: re.Match[str]) -> str:
    value = pair["value"]
    if _STRUCTURE.match(value):
        return pair[0]
    try:
        yaml.safe_load(pair[0])
    except _UNREADABLE:
        return f"{pair['key']}: {json.dumps(value, ensure_ascii=False)}"
    return pair[0]


def _toml(content: str, source: str) -> tuple[Mapping[str, object] | None, str]:
    """Read what stands between two lines of `+++`, as Hugo and Zola write it."""
    found = _TOML.match(content)
    if found is None:
        return None, content
    try:
        given = tomllib.loads(found[1])
    except tomllib.TOMLDecodeError as exc:
        reason = f"front matter: not valid TOML ({exc})"
        raise DocumentUnreadable(source, reason) from exc
    return given, content[found.end() :]


def _json(content: str) -> tuple[Mapping[str, object] | None, str]:
    """Read an object at the top with a text below it, as Hugo writes it."""
    try:
        given, end = json.JSONDecoder().raw_decode(content)
    except (ValueError, RecursionError):
        return None, content
    body = content[end:]
    if not isinstance(given, dict) or not body.startswith("\n") or not body.strip():
        return None, content
    return given, body
