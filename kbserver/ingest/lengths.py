"""How long a text is: in the model's tokens, or in words where the model cannot read its script.

A tokenizer made for one script cuts the words of others into letters: passages of 200 tokens then
hold thirty words, too few to answer anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from kbserver.languages.letters import LETTER

CountTokens = Callable[[str], int]
"""Number of tokens in a text, special tokens included."""

MOST_TOKENS_A_WORD: Final = 3.0
"""German, the richest in long words, takes the default model 2.5; other scripts take 4.5 to 6."""

LEAST_TOKENS_A_WORD: Final = 0.8
"""With fewer, the tokenizer drops words."""

_TOKENS_A_WORD = 1.33  # of English, in the default model
_SAMPLE_CHARACTERS = 2_000
_FOREIGN_SHARE = 0.3
"""Of the signs of a text, at least: tables of codes are no other script."""

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_SYLLABIC = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_CHARACTERS = re.compile(f"[{_UNSPACED}]")
_SYLLABLES = re.compile(f"[{_SYLLABIC}]")
_WORD = re.compile(f"(?:(?![{_UNSPACED}{_SYLLABIC}]){LETTER})+")
_CHARACTERS_A_WORD = 1.5
_SYLLABLE_SIGNS_A_WORD = 4.5


def counting_for(sample: str, count_tokens: CountTokens) -> CountTokens:
    """Return what measures the texts of a document.

    Args:
        sample: of the document's text.
        count_tokens: the model's own measure.
    """
    sample = sample[:_SAMPLE_CHARACTERS]
    if not _is_foreign(sample):
        return count_tokens
    special = count_tokens("")
    words = _words_in(sample)
    a_word = (count_tokens(sample) - special) / max(words, 1.0)
    if LEAST_TOKENS_A_WORD <= a_word <= MOST_TOKENS_A_WORD:
        return count_tokens

    def counted(text: str) -> int:
        # What is embedded of other texts is cut to the window; see `beginning_of`.
        if text.isascii():
            return count_tokens(text)
        return special + round(_TOKENS_A_WORD * _words_in(text))

    return counted


def beginning_of(text: str, count_tokens: CountTokens, most: int) -> str:
    """Return a text, or the longest beginning of it in whole lines or words that fits.

    Args:
        text: any; ASCII fits, as `counting_for` has the model measure it.
        count_tokens: the model's own measure.
        most: tokens that may be in it.
    """
    if text.isascii() or count_tokens(text) <= most:
        return text
    ends = [match.start() for match in re.finditer(r"\s", text)]
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high + 1) // 2
        if count_tokens(text[: ends[middle - 1]]) <= most:
            low = middle
        else:
            high = middle - 1
    if low:
        return text[: ends[low - 1]]
    return _first_signs(text, count_tokens, most)


def _first_signs(text: str, count_tokens: CountTokens, most: int) -> str:
    """Halve a text without spaces until it fits."""
    while text and count_tokens(text) > most:
        text = text[: len(text) // 2]
    return text


def _is_foreign(text: str) -> bool:
    foreign = sum(not sign.isascii() and sign.isalpha() for sign in text)
    return foreign > _FOREIGN_SHARE * len(text)


def _words_in(text: str) -> float:
    """How many words a text has; where no spaces part them, by their usual length."""
    characters = len(_CHARACTERS.findall(text)) / _CHARACTERS_A_WORD
    syllables = len(_SYLLABLES.findall(text)) / _SYLLABLE_SIGNS_A_WORD
    return len(_WORD.findall(text)) + characters + syllables
