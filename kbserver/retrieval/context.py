"""Hits → what the engine is given: short, self-contained, best first, fit to be heard. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kbserver.retrieval.plain import plain
from kbserver.retrieval.speakable import speakable
from kbserver.types import Hit, Passage

# Share of the shorter passage's word trigrams that the other one holds as well. Reworded boilerplate of two
# help pages stays around .5, copies with a changed date or name lie above .8.
NEAR_DUPLICATE = 0.8

_RESULT_OVERHEAD_BYTES = 64  # {"id":"…","content":…,"score":0.1234}, of one result
_KEPT_TEXTS = (
    2048  # 3 MB; the same passages are asked for again and again, and half a turn's own work lies in these two
)
_plain = lru_cache(_KEPT_TEXTS)(plain)
_said = lru_cache(_KEPT_TEXTS)(speakable)

_LONGEST_TITLE = 400  # characters of a passage that may repeat its title

# An abbreviation's full stop ends no sentence.
_SENTENCE_END = re.compile(r"(?<=[.!?…])(?<!\b[ei]\.[ge]\.)(?<!\bvs\.)(?<!\b[DMN][ro]\.)[\"')\]]*\s+")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ContextPassage:
    """One passage as it is answered: `content` is the source's wording without markup."""

    id: str
    content: str
    score: float


@dataclass(frozen=True, slots=True)
class Context:
    """What a turn answers: the string for the engine and the passages it was made from."""

    text: str
    passages: tuple[ContextPassage, ...] = ()


EMPTY = Context("")


def compose(hits: Sequence[Hit], *, max_context_bytes: int, max_answer_bytes: int, speak: bool = True) -> Context:
    """Write the context of some hits.

    A near-duplicate of a better hit is left out. What does not fit is cut at a sentence's end; a passage of which
    not even one sentence fits is left out.

    Args:
        hits: best first.
        max_context_bytes: UTF-8 bytes of the returned text, at most.
        max_answer_bytes: bytes that text and passages may take together as JSON.
        speak: write numbers, prices and units as they are said (in the text only, never in the passages).

    Returns:
        A line `- …` for each passage, best first; an empty text for no hits.
    """
    lines: list[str] = []
    passages: list[ContextPassage] = []
    context_left, answer_left = max_context_bytes, max_answer_bytes
    for hit in without_near_duplicates(hits):
        for content in _shortenings(_plain(hit.passage.text)):
            line = "- " + _spoken(lead(hit.passage, content), content, speak)
            line_bytes = len(line.encode()) + 1
            answer_bytes = (
                _json_bytes(line) + _json_bytes(content) + _json_bytes(hit.passage.id) + _RESULT_OVERHEAD_BYTES
            )
            if line_bytes <= context_left and answer_bytes <= answer_left:
                lines.append(line)
                passages.append(ContextPassage(hit.passage.id, content, hit.score))
                context_left -= line_bytes
                answer_left -= answer_bytes
                break
    return Context("\n".join(lines), tuple(passages))


def compose_text(text: str, *, id: str, score: float, max_context_bytes: int) -> Context:
    """Write the context of a fixed text (a fallback, a handler's own words), cut at a sentence's end if too long."""
    for shorter in _shortenings(plain(text)):
        if len(shorter.encode()) <= max_context_bytes:
            return Context(shorter, (ContextPassage(id, shorter, score),))
    return EMPTY


def lead(passage: Passage, content: str) -> str:
    """Return what a listener must know before the passage: title and nearest heading, unless it says so itself."""
    said = _key(content[:_LONGEST_TITLE])
    parts: list[str] = []
    for part in (passage.title, passage.heading_path[-1] if passage.heading_path else ""):
        words = _plain(part).strip(" .:")
        if words and not said.startswith(_key(words)) and all(_key(words) != _key(other) for other in parts):
            parts.append(words)
    return ", ".join(parts)


def without_near_duplicates(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits without those that repeat a better one (word trigrams, `NEAR_DUPLICATE`)."""
    kept: list[Hit] = []
    kept_words: list[list[str]] = []
    for hit in hits:
        words = _WORD.findall(hit.passage.text.lower())
        if not any(_nearly_same(words, others) for others in kept_words):
            kept.append(hit)
            kept_words.append(words)
    return kept


def _nearly_same(one: list[str], other: list[str]) -> bool:
    # A word that only one of them holds begins a trigram that only it holds, unless among its last two words; and
    # there are at least as many trigrams as different words, but for two. Most pairs end here, at a third of the cost.
    words, others = set(one), set(other)
    most_shared = min(len(one) - len(words - others), len(other) - len(others - words))
    if max(1, most_shared) < NEAR_DUPLICATE * (min(len(words), len(others)) - 2):
        return False
    mine, theirs = _shingles(one), _shingles(other)
    return len(mine & theirs) >= NEAR_DUPLICATE * min(len(mine), len(theirs))


def _spoken(lead_in: str, content: str, speak: bool) -> str:
    sentence = f"{lead_in}: {content}" if lead_in else content
    return _said(sentence) if speak else sentence


def _shortenings(text: str) -> list[str]:
    """The text, then the same text with one sentence after the other cut off at its end; [] for an empty text."""
    ends = [match.start() for match in _SENTENCE_END.finditer(text)]
    return [text] * bool(text) + [text[:end] for end in reversed(ends)]


def _shingles(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + 3]) for at in range(max(1, len(words) - 2))}


def _key(text: str) -> str:
    return " ".join(_WORD.findall(text.lower().replace("&", " and ")))


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace"))
