"""Letters of all scripts: what a word is made of, and the form in which words are compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x3100)
    if unicodedata.category(chr(code))[0] == "M"
)
LETTER: Final = rf"[\w{_MARKS}]"
"""Pattern of a sign of a word: `\\w` alone has no vowel signs, and Hindi words would fall apart."""

_ACCENTS = re.compile("[\u0300-\u036f]")
_LEFT_OUT = re.compile("[\u093c\u00ad\u200b-\u200d]")
_HALF_NASAL = re.compile(
    "\u0901|[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u092d])"
)


def one_spelling(text: str) -> str:
    """Return a text with one spelling of what is written in several: `ज़रूर` → `जरूर`.

    The Devanagari nukta, joiners and soft hyphens go; a candrabindu and a half nasal before a
    consonant are an anusvara (`हिन्दी` → `हिंदी`).
    """
    if text.isascii():
        return text
    plain = _LEFT_OUT.sub("", unicodedata.normalize("NFC", text))
    return _HALF_NASAL.sub("\u0902", plain)


def without_accents(text: str) -> str:
    """Return a text in one spelling, with the plain letters of Latin ones.

    `à bientôt` → `a bientot`, `ß` → `ss`.
    """
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return one_spelling(_ACCENTS.sub("", parts))
