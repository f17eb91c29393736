"""A passage as a turn says it: without marks, led in by title and heading, written to be heard.

It depends on the passage alone, so an ingest works it out and a turn reads it (`wording_table`). In a turn it would
hold the interpreter's lock: for three passages of 100 words a millisecond.
"""

from __future__ import annotations

import re
from functools import lru_cache

from kbserver.retrieval.near_duplicates import joined_sketch, sketch_of
from kbserver.retrieval.spoken.plain_text import join_blocks, plain
from kbserver.retrieval.spoken.verbalise import speakable
from kbserver.types import Hit, Passage, SpokenForm

RULES = 1
"""Raised whenever this module, `plain`, `speakable` or a sketch gives anything else for some passage, or a line of the
table is written in another way: what an older ingest worked out is then no longer read."""

_KEPT_TEXTS = 2048  # 3 MB; for passages nobody worked out, and those that are cut
kept_plain = lru_cache(_KEPT_TEXTS)(plain)
kept_said = lru_cache(_KEPT_TEXTS)(speakable)

LONGEST_TITLE = 400  # characters of a passage that may repeat its title

_WORD = re.compile(r"\w+")
# What may reach from one passage into the next (a fence, a tag, a link) or leave marks behind, and what opens and
# closes on the one line that both become.
_REACHES_FURTHER = re.compile(r"```|~~~|[<\[\\]|&[#\w]+;")
_OPENS_AND_CLOSES = tuple(
    (re.compile(opens), re.compile(closes))
    for opens, closes in ((r"\*", r"\*"), (r"(?<!\w)_", r"_(?!\w)"), ("~~", "~~"))
)


def spoken_form_of(passage: Passage) -> SpokenForm:
    """Work out how a passage is said."""
    content = plain(passage.text)
    lead_in = lead(passage, content)
    return SpokenForm(
        passage,
        content,
        lead_in,
        speakable(led_in(lead_in, content)),
        sketch_of(passage.text),
    )


def lead(passage: Passage, content: str) -> str:
    """Return what a listener must know before the passage: title and nearest heading, unless it says so itself."""
    said = _key(content[:LONGEST_TITLE])
    parts: list[str] = []
    for part in (
        passage.title,
        passage.heading_path[-1] if passage.heading_path else "",
    ):
        words = kept_plain(part).strip(" .:")
        if (
            words
            and not said.startswith(_key(words))
            and all(_key(words) != _key(other) for other in parts)
        ):
            parts.append(words)
    return ", ".join(parts)


def led_in(lead_in: str, content: str) -> str:
    """Return what is said of a passage, still as it is written."""
    return f"{lead_in}: {content}" if lead_in else content


def joined(passage: Passage, first: Hit, second: Hit) -> SpokenForm | None:
    """Put together how two passages are said that follow one another below the same title and heading.

    Args:
        passage: both, its text theirs with a blank line between.

    Returns:
        The content is what `plain` makes of that text. The line differs from what `speakable` makes of it only where
        a sentence at the seam would have been read together with the next. None if it must be worked out: marks may
        reach from one into the other.
    """
    one, other = first.own_spoken_form, second.own_spoken_form
    if one is None or other is None or not one.content or not other.content:
        return None
    if _REACHES_FURTHER.search(passage.text) or any(
        opens.search(one.content) and closes.search(other.content)
        for opens, closes in _OPENS_AND_CLOSES
    ):
        return None
    before = f"{kept_said(other.lead)}: " if other.lead else ""
    if not other.line.startswith(before):
        return None
    content = join_blocks((one.content, other.content))
    sketch = joined_sketch(first, second)
    seam = content[len(one.content) : len(content) - len(other.content)]
    return SpokenForm(
        passage, content, one.lead, one.line + seam + other.line[len(before) :], sketch
    )


def _key(text: str) -> str:
    return " ".join(_WORD.findall(text.lower().replace("&", " and ")))
