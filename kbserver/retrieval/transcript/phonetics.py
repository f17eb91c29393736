"""Misheard words: text as pieces of letters and of sounds, blind to meaning.

`phonetic_ngrams` turns text into overlapping pieces, across word boundaries. A BM25 index over them
is a second lexical field in which `cooper netties` and `kubernetes` share most of their pieces.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from kbserver.languages.letters import LETTER, without_accents
from kbserver.languages.profile import Profile
from kbserver.lru import remembered

GRAM_LENGTH: Final = 5  # letters or sounds; 4 and 6 measured no better
_KNOWN_SOUNDS_BYTES = 16_000_000  # of some 50,000 words; one takes 20 µs

_WORD = re.compile(f"{LETTER}+")


@cache
def sound_of(profile: Profile) -> Callable[[str], str]:
    """Return the function that tells how a word of a language sounds, coarsely.

    `kubernetes` → `kapernetes`; `router` and `rooter` → `rater`. Accents and digits have no sound;
    "" when nothing is left, and in a language without rules.
    """
    silent = re.compile(f"[^{profile.sounds.letters}]+")
    rules = [
        (re.compile(pattern), symbols) for pattern, symbols in profile.sounds.rules
    ]

    def sound(word: str) -> str:
        if not rules:
            return ""
        sounds = silent.sub("", without_accents(word.lower()))
        for pattern, symbols in rules:
            sounds = pattern.sub(symbols, sounds)
        return sounds

    return remembered(sound, most_bytes=_KNOWN_SOUNDS_BYTES)


def phonetic_ngrams(text: str, *, profile: Profile) -> list[str]:
    """Cut text into overlapping pieces of five letters, and of five sounds marked by `~`.

    Letters keep their word boundaries, sounds do not. The same function analyses passages and
    queries. Repeats are kept: their number is the term frequency. An index may drop pieces that
    more than a fifth of the passages hold without loss.
    """
    stop_words = profile.stop_words.written
    found = _WORD.findall(without_accents(text.lower()))
    words = [word for word in found if word not in stop_words]
    letters = ""
    if words:
        letters = f" {' '.join(words)} "
    sounds = "".join(map(sound_of(profile), words))
    return _pieces(letters) + [f"~{piece}" for piece in _pieces(sounds)]


def _pieces(text: str) -> list[str]:
    starts = range(len(text) - GRAM_LENGTH + 1)
    return [text[start : start + GRAM_LENGTH] for start in starts]
