"""One normal form of letters, digits and numbers for the terms of every script.

text → before cutting   compatibility forms, case, joiners out, digits, ligatures, script marks
term → after stemming   accents that are written or left out, letters a stemmer tells apart
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from functools import cache
from typing import Final

_POINT_LANGUAGES: Final = frozenset(
    ("english", "porter", "hindi", "nepali", "tamil", "irish", "arabic", "persian")
)
"""Where 1.5 is one and a half. Elsewhere the comma parts the decimals."""

_ANY_SIGN: Final = frozenset(("none",))

_ACCENTS_LEFT_OUT: Final = frozenset(
    (
        "catalan",
        "dutch",
        "dutch_porter",
        "english",
        "french",
        "german",
        "greek",
        "irish",
        "italian",
        "porter",
        "portuguese",
        "romanian",
        "spanish",
        "turkish",
    )
)
"""Languages that are often written without their accents, and still understood."""

_LETTERS: Final = {
    "œ": "oe",
    "æ": "ae",
    "ё": "е",
    "ş": "ș",  # Romanian is written with either; Turkish keeps its own
    "ţ": "ț",
    "ँ": "ं",  # candrabindu and anusvara
    "أ": "ا",
    "إ": "ا",
    "آ": "ا",
    "ٱ": "ا",
    "ک": "ك",
    "ی": "ي",
    "ہ": "ه",
    "ھ": "ه",
    "٬": "",
    "٫": ".",
}
_PERSIAN: Final = {"ك": "ک", "ي": "ی", "ى": "ی", "ک": "ک", "ی": "ی"}
_TURKISH: Final = {"ş": "ş", "ţ": "ţ"}
_AFTER: Final = str.maketrans(
    {
        "ı": "i",
        "đ": "d",
        "ø": "o",
        "ł": "l",
        "ى": "ي",
        "ة": "ه",
        "ؤ": "و",
        "ئ": "ي",
    }
)

_NUKTAS = "\u093c\u09bc\u0a3c\u0abc\u0b3c"
_VOWEL_POINTS = (  # Hebrew's and Arabic's, and the stroke that stretches a word
    *range(0x0591, 0x05C8),
    *range(0x0610, 0x061B),
    *range(0x064B, 0x0660),
    0x0640,
    0x0670,
)
_PLANES = (range(0x80, 0x3100), range(0xA000, 0xAC00), range(0xFE00, 0x10000))
"""Where the digits and the joiners of living scripts are."""

_DOT_ABOVE = "\u0307"  # what case folding leaves of the Turkish capital İ

_HALF_NASALS = re.compile("ङ्(?=[क-घ])|ञ्(?=[च-झ])|ण्(?=[ट-ढ])|न्(?=[त-ध])|म्(?=[प-भ])")
_VOWEL_OF_GLIDE = {"े": "ए", "ी": "ई"}
_GLIDE = re.compile("(?<=[क-हािीुूेो])य([ेी])")
_LATE_TONE = re.compile(r"(o)([aàáảãạeèéẻẽẹ])(?!\w)|(u)([ỳýỷỹỵ])(?!\w)")
_TONES = "\u0300\u0301\u0303\u0309\u0323"

_GROUP_SPACE = re.compile(r"(?<=\d)[\u00a0\u202f\u2009'’](?=\d{3}(?!\d))")
_SPACED = re.compile(r"\b([1-9]\d{0,2}(?: \d{3})+)(?=,\d{1,2}\b|\s?[€$£₹%])")
_ONE_SIGN = re.compile(r"(\d+)([.,])(\d+)")
_GROUPS = {
    ".": re.compile(r"(\d{1,3}(?:,\d{2,3})*,\d{3})(?:\.(\d+))?"),
    ",": re.compile(r"(\d{1,3}(?:\.\d{3})+)(?:,(\d+))?"),
}

_CHARACTERS: Final = "[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_SYLLABLES: Final = "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
_UNSPACED: Final = re.compile(f"{_CHARACTERS}+|{_SYLLABLES}+")


def folded(text: str, language: str) -> str:
    """Return a text in lower case and normal form, to be cut into words.

    Args:
        text: any text.
        language: of the text; see `tokens.LANGUAGES`.
    """
    if text.isascii():
        if "'" in text:
            text = _GROUP_SPACE.sub("", text)
        return _joined_groups(text.lower(), language)
    text = _GROUP_SPACE.sub("", text)
    if language == "turkish":
        text = text.replace("I", "ı").replace("İ", "i")
    text = unicodedata.normalize("NFKC", text).casefold()
    text = text.translate(_table(language))
    if "\u0900" <= max(text, default=""):
        text = _GLIDE.sub(_without_glide, _HALF_NASALS.sub("ं", text))
        text = _UNSPACED.sub(_in_ngrams, text)
    if language == "none":
        text = _LATE_TONE.sub(_early_tone, text)
    return _joined_groups(text, language)


def folded_term(term: str, language: str) -> str:
    """Return a stemmed term without what is often left out in writing."""
    if term.isascii():
        return term
    if language in _ACCENTS_LEFT_OUT:
        parts = unicodedata.normalize("NFD", term)
        bare = "".join(sign for sign in parts if not unicodedata.combining(sign))
        term = bare or term  # an accent alone stays one
    if language == "persian":
        return term
    return term.translate(_AFTER)


def canonical_number(number: str, language: str) -> str:
    """Return digits with a point before the decimals and nothing between groups.

    `1.249,00`, `1,249.00` and `1,23,456`: each language's own sign decides what one sign means;
    two signs say it themselves. Two zeros behind the point say nothing. What is no such number, a
    date or a version, stays as it is.
    """
    for sign in _signs(language):
        whole = _GROUPS[sign].fullmatch(number)
        if whole is not None:
            digits = re.sub(r"[.,]", "", whole[1])
            return _with_decimals(digits, whole[2])
    one = _ONE_SIGN.fullmatch(number)
    if one is not None:
        return _with_decimals(one[1], one[3])
    return number


def _signs(language: str) -> tuple[str, ...]:
    """Which sign may stand before decimals, the language's own first."""
    if language in _POINT_LANGUAGES:
        return (".",)
    if language in _ANY_SIGN:
        return (".", ",")
    return (",",)


def _with_decimals(digits: str, decimals: str | None) -> str:
    if decimals is None or decimals == "00":
        return digits
    return f"{digits}.{decimals}"


def _joined_groups(text: str, language: str) -> str:
    """Take the spaces out of `1 249,00 €`, where a comma parts the decimals."""
    if language in _POINT_LANGUAGES:
        return text
    return _SPACED.sub(lambda match: match[1].replace(" ", ""), text)


@cache
def _table(language: str) -> dict[int, str]:
    """What single signs become: one table, so that a text is walked once."""
    table = dict.fromkeys(_VOWEL_POINTS, "")
    table.update((ord(sign), "") for sign in _NUKTAS + _DOT_ABOVE)
    for code in itertools.chain(*_PLANES):
        sign = chr(code)
        category = unicodedata.category(sign)
        if category == "Nd":
            table[code] = str(unicodedata.decimal(sign))
        elif category == "Cf" or 0xFE00 <= code <= 0xFE0F:
            table[code] = ""
    letters = dict(_LETTERS)
    if language == "persian":
        letters.update(_PERSIAN)
    if language == "turkish":
        letters.update(_TURKISH)
    table.update((ord(sign), letter) for sign, letter in letters.items())
    return table


def _without_glide(match: re.Match[str]) -> str:
    return _VOWEL_OF_GLIDE[match[1]]


def _early_tone(match: re.Match[str]) -> str:
    """Write `hoà` as `hòa`: both spellings of Vietnamese are in use."""
    first, second = match[1] or match[3], match[2] or match[4]
    parts = unicodedata.normalize("NFD", second)
    tone = "".join(sign for sign in parts if sign in _TONES)
    rest = "".join(sign for sign in parts if sign not in _TONES)
    return unicodedata.normalize("NFC", first + tone + rest)


def _in_ngrams(match: re.Match[str]) -> str:
    """Cut a run without spaces into overlapping pieces: two characters, or three syllable signs."""
    run = match[0]
    length = 2
    if re.match(_SYLLABLES, run):
        length = 3
    pieces = [run[at : at + length] for at in range(max(1, len(run) - length + 1))]
    return f" {' '.join(pieces)} "
