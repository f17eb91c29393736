"""The consonants of a Hindi word, the same in both scripts: राउटर and `router` are `rtr`.

Recognisers write spoken Hindi in Latin letters as often as in its own, and each as it hears it.
Consonants survive that; vowels, their length and aspiration do not.
"""

from __future__ import annotations

import re
from typing import Final

from kbserver.languages.hindi.consonants import CONSONANTS

LEAST_CONSONANTS: Final = 2
"""Shorter ones are shared by too many words."""

_VOWELS: Final = {"a": "अआऍएऐ", "i": "इई", "o": "उऊऑओऔ"}
_DEVANAGARI: Final = {
    sign: sound.replace("X", "c")
    for sound, signs in {**CONSONANTS, **_VOWELS}.items()
    for sign in signs
}

_LATIN_SOUNDS: Final = (
    (re.compile("tion"), "sn"),
    (re.compile("cian"), "sYn"),
    (re.compile("ch(?=[nrl])"), "k"),
    (re.compile("ck|q"), "k"),
    (re.compile("t?chh?"), "C"),
    (re.compile("c(?=[eiy])"), "s"),
    (re.compile("c"), "k"),
    (re.compile("(?<=[rd])ge$"), "j"),
    (re.compile("sh"), "s"),
    (re.compile("ph"), "f"),
    (re.compile("x"), "ks"),
    (re.compile("z"), "j"),
    (re.compile("(?<=[a-zC])(?<![aeiou])h"), ""),
    (re.compile("ww?(?=[aeiou])"), "v"),
    (re.compile("w"), ""),
    (re.compile("y(?![aeiou])|(?<=i)y(?=e)"), "i"),
)
_LATIN_VOWELS: Final = str.maketrans("eu", "ao")
_LATIN: Final = re.compile("[a-z]+")
_DEVANAGARI_WORD: Final = re.compile("[\u0900-\u097f]+")
_INNER_VOWELS: Final = re.compile("(?<!^)[aio]")
_REPEATED: Final = re.compile(r"(.)\1+")
_NASAL: Final = re.compile("n(?=[pb])")


def skeleton(word: str) -> str:
    """Return the consonants of a word, and its first vowel if it begins with one.

    Args:
        word: in normal form (`folding.folded`), not stemmed.

    Returns:
        "" for a word of fewer than `LEAST_CONSONANTS` letters, of digits, or of another script.
    """
    if _DEVANAGARI_WORD.fullmatch(word):
        spoken = word.replace("ज्ञ", "ग्य")
        letters = "".join(_DEVANAGARI.get(sign, "") for sign in spoken)
    elif _LATIN.fullmatch(word):
        letters = word
        for sound, written in _LATIN_SOUNDS:
            letters = sound.sub(written, letters)
        letters = letters.lower().translate(_LATIN_VOWELS)
    else:
        return ""
    letters = _NASAL.sub("m", _INNER_VOWELS.sub("", letters))
    letters = _REPEATED.sub(r"\1", letters)
    if len(letters) < LEAST_CONSONANTS:
        return ""
    return letters
