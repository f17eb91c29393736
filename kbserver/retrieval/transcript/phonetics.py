"""Misheard words: text as pieces of letters and of sounds, blind to meaning.

`phonetic_ngrams` turns text into overlapping pieces, across word boundaries. A BM25 index over them
is a second lexical field in which `cooper netties` and `kubernetes` share most of their pieces.
"""

from __future__ import annotations

import re
from typing import Final

from kbserver.lru import remembered
from kbserver.retrieval.transcript.english import SOUND_RULES, STOP_WORDS

GRAM_LENGTH: Final = 5  # letters or sounds; 4 and 6 measured no better
_KNOWN_SOUNDS_BYTES = 16_000_000  # of some 50,000 words; one takes 20 µs

_WORD = re.compile(r"\w+")
_NOT_A_LETTER = re.compile(r"[^a-z]+")
_RULES = tuple((re.compile(pattern), symbols) for pattern, symbols in SOUND_RULES)


def _sound(word: str) -> str:
    sounds = _NOT_A_LETTER.sub("", word.lower())
    for pattern, symbols in _RULES:
        sounds = pattern.sub(symbols, sounds)
    return sounds


sound = remembered(_sound, most_bytes=_KNOWN_SOUNDS_BYTES)
"""Return how a word sounds, coarsely.

`kubernetes` → `kapernetes`; `router` and `rooter` → `rater`. Letters outside a … z and digits
have no sound; "" when nothing is left.
"""


def phonetic_ngrams(text: str) -> list[str]:
    """Cut text into overlapping pieces of five letters, and of five sounds marked by `~`.

    Letters keep their word boundaries, sounds do not. The same function analyses passages and
    queries. Repeats are kept: their number is the term frequency. An index may drop pieces that
    more than a fifth of the passages hold without loss.
    """
    words = [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
    letters = ""
    if words:
        letters = f" {' '.join(words)} "
    sounds = "".join(map(sound, words))
    return _pieces(letters) + [f"~{piece}" for piece in _pieces(sounds)]


def _pieces(text: str) -> list[str]:
    starts = range(len(text) - GRAM_LENGTH + 1)
    return [text[start : start + GRAM_LENGTH] for start in starts]
