"""What stands at the edge of each page: said once, at the end, if it is a fact. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from kbserver.ingest.blocks import Block

MOST_FACTS = 10
_QUOTED_CHARACTERS = 80
_MOST_CHARACTERS = 2_000
"""Of a running text, looked at."""
_LONGEST_FACT = 300
"""Characters; a longer running text is a letterhead with all there is to say."""

_PHONE = re.compile(r"\+?\d(?:[ ()/.-]{0,2}\d){6,}")
_DATE = re.compile(
    r"\b(?:19|20)\d\d(?:[-/.]\d\d[-/.]\d\d)?\b|\b\d\d?[-/.]\d\d?[-/.](?:19|20)?\d\d\b"
)
_MONEY = re.compile(r"[$€£¥]\s?\d|\d\s?[€£¥]")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w")
_VALID = re.compile(
    r"\b(?:valid|gültig|valable|válid[oa]|valid[oa]|expires?|until|only (?:from|in|on))\b"
    r"[^.;]{0,40}?\d",
    re.I,
)
_TAX = re.compile(
    r"\b(?:incl|excl|inkl|exkl|zzgl|plus|without|with|no)\w*\.?\s[\w%. ]{0,20}"
    r"\b(?:vat|tax(?:es)?|mwst|gst|tva|iva)\b",
    re.I,
)
_PAGE = re.compile(
    r"[|·•–—-]?\s*\b(?:page|seite|p\.)\s*\d+(?:\s*(?:of|von|/)\s*\d+)?\s*[|·•–—-]?",
    re.I,
)
_SMALL_NUMBER = re.compile(r"\b\d{1,3}\b")


def is_fact(text: str) -> bool:
    """Return whether a running text says what a caller may ask for.

    That is a phone number, a price, an address of mail, until when something is valid,
    or whether prices include taxes; a date or a version alone is none.
    """
    text = text[:_MOST_CHARACTERS]
    number = _PHONE.search(_DATE.sub("date", text))
    patterns = (_MONEY, _MAIL, _VALID, _TAX)
    return bool(number) or any(pattern.search(text) for pattern in patterns)


def facts_of(texts: Iterable[str]) -> list[str]:
    """Return the facts among running texts, each once, without page numbers."""
    facts: dict[str, str] = {}
    for text in texts:
        if is_fact(text):
            said = " ".join(_PAGE.sub(" ", text[:_MOST_CHARACTERS]).split())
            facts.setdefault(_SMALL_NUMBER.sub("#", said), said[:_LONGEST_FACT])
    return list(facts.values())[:MOST_FACTS]


def fact_blocks(facts: Iterable[str]) -> list[Block]:
    """Return facts as paragraphs that stand below no heading of the document."""
    paragraphs = [Block("paragraph", text) for text in facts]
    return [Block("heading", "", 1), *paragraphs] if paragraphs else []


def said_at_the_end(what: str, facts: Iterable[str]) -> list[str]:
    """Return a note on facts that are said once, [] without any.

    Args:
        what: they are: `running line`.
    """
    quoted = ", ".join(f"“{shortened(text)}”" for text in facts)
    return [f"said once, at the end: the {what} {quoted}"] if quoted else []


def shortened(text: str) -> str:
    """Return a running text as a note shows it."""
    if len(text) <= _QUOTED_CHARACTERS:
        return text
    return f"{text[:_QUOTED_CHARACTERS].rstrip()}…"
