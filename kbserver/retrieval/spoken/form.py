"""The spoken form of a passage: without markup, led in by title and heading, written to be heard.

It depends on the passage alone, so an ingest computes it and a turn reads it (see `spoken.table`).
Computed in a turn it would hold the GIL for a millisecond.
"""

from __future__ import annotations

import re
from sys import getsizeof

from kbserver.languages import profile
from kbserver.lru import bytes_of, remembered
from kbserver.retrieval.near_duplicates import joined_sketch, sketch_of
from kbserver.retrieval.spoken.plain_text import join_blocks, strip_markup
from kbserver.types import Hit, Passage, SpokenForm

RULES = 4
"""Version of the rules, in the name of the snapshot part.

To be raised whenever this module, `strip_markup`, a language's `Said` or a sketch gives anything
else for some passage, or the format of the table changes: what other rules gave is then not read.
"""

LONGEST_TITLE = 400  # characters of a passage that may repeat its title

# For passages without a stored form, and those that are cut: some 1,000 of each.
_CACHED_BYTES = 3_000_000
cached_strip_markup = remembered(strip_markup, most_bytes=_CACHED_BYTES)


def _say(spoken: tuple[str, str]) -> str:
    """Write a text as it is said in a language."""
    language, text = spoken
    return profile(language).said.say(text)


def _size_of_said(spoken: tuple[str, str], said: str) -> int:
    return sum(map(getsizeof, spoken)) + bytes_of(spoken, said)


_cached_say = remembered(_say, most_bytes=_CACHED_BYTES, size_of=_size_of_said)


def cached_said(text: str, language: str) -> str:
    """Return a text, on one line and without markup, as it is said in its language."""
    return _cached_say((language, text))


_WORD = re.compile(r"\w+")

# What may reach from one passage into the next (a fence, a tag, a link, a row of dots) or leave
# marks behind.
_REACHES_FURTHER = re.compile(r"```|~~~|[<\[\\]|&[#\w]+;|[.·…_]\s*[.·…_]")

# What opens in one passage and closes in the next, once both are on one line.
_OPENS_AND_CLOSES = (
    (re.compile(r"\*"), re.compile(r"\*")),
    (re.compile(r"(?<!\w)_"), re.compile(r"_(?!\w)")),
    (re.compile("~~"), re.compile("~~")),
)


def spoken_form_of(passage: Passage, *, language: str = "english") -> SpokenForm:
    """Compute the spoken form of a passage of a corpus in this language.

    The line of a language without a profile is lead and content as they are written.
    """
    content = strip_markup(passage.text)
    lead_in = lead(passage, content)
    line = profile(language).said.say(led_in(lead_in, content))
    return SpokenForm(passage, content, lead_in, line, sketch_of(passage.text))


def lead(passage: Passage, content: str) -> str:
    """Return what a listener must know before the content: title and nearest heading.

    Either is left out if the content begins with it; "" if both are.
    """
    heading = ""
    if passage.heading_path:
        heading = passage.heading_path[-1]
    return _cached_lead((passage.title, heading, content[:LONGEST_TITLE]))


def _lead(texts: tuple[str, str, str]) -> str:
    """Return the lead of a title, a heading and the beginning of a content."""
    title, heading, beginning = texts
    said = _key(beginning)
    parts: list[str] = []
    for part in (title, heading):
        words = cached_strip_markup(part).strip(" .:")
        key = _key(words)
        repeated = any(key == _key(other) for other in parts)
        if words and not repeated and not said.startswith(key):
            parts.append(words)
    return ", ".join(parts)


def _size_of_lead(texts: tuple[str, str, str], said: str) -> int:
    return sum(map(getsizeof, texts)) + bytes_of(texts, said)


_cached_lead = remembered(_lead, most_bytes=_CACHED_BYTES, size_of=_size_of_lead)


def led_in(lead_in: str, content: str) -> str:
    """Return lead and content as one sentence, as they are written."""
    if not lead_in:
        return content
    return f"{lead_in}: {content}"


def join_spoken_forms(passage: Passage, first: Hit, second: Hit) -> SpokenForm | None:
    """Join the forms of two passages that follow one another below the same title and heading.

    Args:
        passage: both, its text theirs with a blank line between.
        first: the one whose text comes first.
        second: the other one.

    Returns:
        The content is what `strip_markup` makes of that text. The line differs from how that is
        said only where a sentence at the seam would have been read together with
        the next. None if the form must be computed: a hit has none, or marks may reach from one
        text into the other.
    """
    one = first.own_spoken_form
    other = second.own_spoken_form
    if one is None or other is None or not one.content or not other.content:
        return None
    if _REACHES_FURTHER.search(passage.text):
        return None
    for opens, closes in _OPENS_AND_CLOSES:
        if opens.search(one.content) and closes.search(other.content):
            return None
    before = ""
    if other.lead:
        before = f"{cached_said(other.lead, second.language)}: "
    if not other.line.startswith(before):
        return None
    content = join_blocks((one.content, other.content))
    seam = content[len(one.content) : len(content) - len(other.content)]
    line = one.line + seam + other.line[len(before) :]
    sketch = joined_sketch(first, second)
    return SpokenForm(passage, content, one.lead, line, sketch)


def _key(text: str) -> str:
    return " ".join(_WORD.findall(text.lower().replace("&", " and ")))
