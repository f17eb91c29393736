"""YAML between two `---` lines at the top of a text: what a document says about itself."""

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
        DocumentUnreadable: the block is not valid YAML, with the line of the file; or a
            key holds the wrong thing.
    """
    content = text.lstrip()
    if not content.startswith("---") or not _YAML.detect(content):
        return {}, text
    try:
        block, body = _YAML.split(content)
    except ValueError:  # never closed: a rule, then text
        return {}, text
    try:
        given = yaml.safe_load(block)
    except yaml.MarkedYAMLError as exc:
        first_line = block.lstrip().split("\n", 1)[0]
        if ":" not in first_line:
            return {}, text
        line = text[: len(text) - len(content)].count("\n") + 1
        if exc.problem_mark:
            line += exc.problem_mark.line
        reason = f"front matter, line {line}: {exc.problem or 'not valid YAML'}"
        raise DocumentUnreadable(source, reason) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        reason = f"front matter: not valid YAML ({exc})"
        raise DocumentUnreadable(source, reason) from exc
    if given is None:
        return {}, body
    if not isinstance(given, dict):
        return {}, text
    return normalise(source, given), body
