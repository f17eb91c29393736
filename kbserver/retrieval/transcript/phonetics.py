"""Misheard words: text as pieces of letters and of sounds, blind to meaning.

`phonetic_ngrams` turns text into overlapping pieces, across word boundaries. A BM25 index over them is a second lexical field
in which `cooper netties` and `kubernetes` share most of their pieces.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

GRAM_LENGTH: Final = 5  # letters or sounds; 4 and 6 measured no better

_WORD = re.compile(r"\w+")
# Lucene's English list: so common that their pieces only cost postings, and a recogniser swaps them freely.
STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they"
    " this to was will with".split()
)

# Letters to sounds, in order. One symbol stands for sounds that recognisers confuse: p b → p, t d th → t, k g c q → k,
# f v ph → f, s z → s, sh ch j → X; two vowels, a (a o u) and e (e i y); doubled sounds once. Silent letters go.
_RULES: Final = tuple(
    (re.compile(pattern), sounds)
    for pattern, sounds in (
        (r"^[kgp]n", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"^x", "s"), (r"^mc", "mk"), (r"^rh", "r"),
        (r"sch", "sk"), (r"chr", "kr"), (r"t?ch|sh", "X"),
        (r"ssi(?=on)|[ts]i(?=on)|ti(?=a)|ci(?=a|ou)", "X"), (r"tu(?=r|al)", "Xu"),
        (r"ph", "f"), (r"(?<=[aeiou])gh(?=t|$)", ""), (r"gh", "k"), (r"dge?(?=[iey])|dg", "X"), (r"ck", "k"), (r"qu?", "kw"),
        (r"sc(?=[eiy])", "s"), (r"c(?=[eiy])", "s"), (r"c", "k"), (r"g(?=[eiy])", "X"), (r"g", "k"), (r"x", "ks"),
        (r"j", "X"), (r"th", "t"), (r"mb$", "m"), (r"mn$", "m"), (r"d", "t"), (r"b", "p"), (r"v", "f"), (r"z", "s"),
        (r"wh", "w"), (r"(?<=.)e$", ""), (r"(?<=[aeiou])[wy](?![aeiou])", ""), (r"(?<=.)h", ""), (r"y(?=[aeiou])", "Y"),
        (r"[aou][aeiouy]*", "a"), (r"[eiy][aeiouy]*", "e"), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip
_NOT_A_LETTER = re.compile(r"[^a-z]+")


@lru_cache(maxsize=100_000)
def sound(word: str) -> str:
    """Return how a word sounds, coarsely: `kubernetes` → `kapernetes`, `router` and `rooter` → `rater`.

    Letters outside a … z and digits have no sound; "" when nothing is left.
    """
    sounds = _NOT_A_LETTER.sub("", word.lower())
    for pattern, symbols in _RULES:
        sounds = pattern.sub(symbols, sounds)
    return sounds


def phonetic_ngrams(text: str) -> list[str]:
    """Cut text into overlapping pieces of five letters and five sounds, the sounds (marked `~`) without word boundaries.

    The same function analyses passages and queries. Repeats are kept: their number is the term frequency. Pieces that
    more than a fifth of the passages hold may be dropped from an index without loss.
    """
    words = [word for word in _WORD.findall(text.lower()) if word not in STOP_WORDS]
    letters = f" {' '.join(words)} " if words else ""
    sounds = "".join(map(sound, words))
    last = 1 - GRAM_LENGTH
    pieces = [letters[at : at + GRAM_LENGTH] for at in range(len(letters) + last)]
    return pieces + [
        f"~{sounds[at : at + GRAM_LENGTH]}" for at in range(len(sounds) + last)
    ]
