"""YAML between two `---` lines at the top of a text: a document's word about itself."""

from __future__ import annotations

import frontmatter
import yaml

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.metadata import normalise

_YAML = frontmatter.default_handlers.YAMLHandler()


def split_front_matter(text: str, source: str) -> tuple[dict[str, object], str]:
    """Return the normalised metadata ({} without front matter) and the text below it.

    A text that begins with a rule (`---`) and prose, not keys, is all body.

    Raises:
        DocumentUnreadable: the block is not valid YAML, with the line of the file; or a key holds the wrong thing.
    """
    if not text.lstrip().startswith("---") or not _YAML.detect(text.lstrip()):
        return {}, text
    above = text[: len(text) - len(text.lstrip())].count("\n")
    try:
        block, body = _YAML.split(text.lstrip())
    except ValueError:  # never closed: a rule, then text
        return {}, text
    try:
        given = yaml.safe_load(block)
    except yaml.MarkedYAMLError as exc:
        if ":" not in block.lstrip().split("\n", 1)[0]:
            return {}, text
        line = above + exc.problem_mark.line + 1 if exc.problem_mark else above + 1
        raise DocumentUnreadable(
            source, f"front matter, line {line}: {exc.problem or 'not valid YAML'}"
        ) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise DocumentUnreadable(
            source, f"front matter: not valid YAML ({exc})"
        ) from exc
    if not isinstance(given, dict):
        return ({}, body) if given is None else ({}, text)
    return normalise(source, given), body
