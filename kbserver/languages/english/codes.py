"""Spoken codes: `a q seventy seven twelve` becomes `aq 7712`, as the corpus writes it.

A code is said letter by letter and number by number, and a document may cut it anywhere: `AQ-7712`
is two terms of an index, `E04` is one. So what was said is kept as symbols, and the corpus decides:
of all ways to cut the symbols into terms that it holds, the one with the fewest terms wins. A
separator that a number is written with is rarely said: `three oh seven` may be `3.07` or `3-07`
where the corpus has no `307`. What it holds in no way stays as it was said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise, product
from typing import NamedTuple

from kbserver.languages.english.numbers import (
    REPEATED,
    as_ordinal,
    cardinals,
    letter_at,
    may_be_spelled,
    say_ordinal,
)
from kbserver.languages.english.words import (
    ARTICLE_LETTERS,
    BEFORE_A_NOUN,
    BEFORE_A_NUMBER,
    CODE_SEPARATORS,
    DECIMAL_POINTS,
    FLOORS,
    FUNCTION_WORDS,
    LETTER_MODIFIERS,
    NUMBERED_PLACES,
    ORDINALS,
    REFERENCE_WORDS,
    SMALL_NUMBERS,
    SPELLING_ALPHABET,
    SPOKEN_STOP_WORDS,
    SUBJECTLESS_WORDS,
    ZEROS,
)
from kbserver.languages.profile import Knows, Written

_LONGEST = 16  # symbols of a code that are cut in every way
_MOST_READINGS = 8
_LONGEST_NUMBER = 8  # words
_LONGEST_PREFIX = 3  # letters of a word that a recogniser made of spelled ones: "aq"
_FEWEST_DIGITS = 3  # said one by one: then they are one number
_MOST_PARTED = 5  # digits of a number with a separator that is not said

_PARTS = re.compile(r"[a-z]+|[0-9]+|\.")
_MIXED = re.compile(r"(?=[a-z]*[0-9])(?=[0-9]*[a-z])[a-z0-9]{2,20}")
_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class _Symbol:
    """What one or more words say: a letter, a number, or letters that were heard as a word."""

    readings: tuple[str, ...]
    """Usually one; `oh` is the digit 0 or the letter O."""
    end: int
    """Place of the word behind it."""
    sure: bool = False
    """Whether it can be nothing but a part of a code: `b as in bravo`, `zero four`."""
    spelled: int = 0
    """How many letters were said by themselves."""


@dataclass(frozen=True, slots=True)
class _Code:
    """Symbols without a gap between them."""

    start: int
    symbols: tuple[_Symbol, ...]

    @property
    def end(self) -> int:
        return self.symbols[-1].end


def as_written(words: Sequence[str], knows: Knows) -> Written | None:
    """Write the codes among some words as a corpus writes them.

    Args:
        words: of a query, lower case, without punctuation around them.
        knows: whether the corpus holds a text as one term.

    Returns:
        The words, with the terms of each code that the corpus holds in place of what was said;
        None if there is no such code.
    """
    parts = _split_at_hyphens(words)
    if not may_be_spelled(parts):
        return None
    parts = _with_floors(parts, knows)
    written: list[str] = []
    codes: list[str] = []
    at = 0
    for code in _codes(parts):
        cuts = [_cut(code, parts, knows)]
        if cuts == [None]:
            cuts = [_cut(number, parts, knows) for number in _numbers_of(code)]
        for cut in cuts:
            if cut is None:
                continue
            written += [*parts[at : cut.start], *cut.terms]
            at = cut.end
            if cut.has_letters:
                codes += cut.terms
    whole = [*written, *parts[at:]]
    labels = _labels(whole, knows)
    if not labels and not written and parts == list(words):
        return None
    codes += [whole[at] for at in labels]
    # Where the corpus has no `clause`, it calls `2.2` something else: only the label tells.
    unknown = {at - 1 for at in labels if not knows(whole[at - 1])}
    said = [word for at, word in enumerate(whole) if at not in unknown]
    return Written(tuple(said), tuple(codes))


def _labels(words: Sequence[str], knows: Knows) -> list[int]:
    """Return the places of numbers and letters of parts of a document: `2.2` in `clause 2.2`."""
    return [
        at
        for at, (before, word) in enumerate(pairwise(words), start=1)
        if before in REFERENCE_WORDS and _is_label(word) and knows(word)
    ]


def _is_label(word: str) -> bool:
    is_number = word.isdigit() or _DECIMAL.fullmatch(word) is not None
    return is_number or (len(word) == 1 and word.isalpha())


def _with_floors(words: list[str], knows: Knows) -> list[str]:
    """Write `level four` as `fourth floor`, where that is how the corpus counts."""
    for at, word in enumerate(words):
        if word not in FLOORS:
            continue
        noun = next(filter(knows, (word, *FLOORS)), None)
        if noun is None:
            return words
        number, end = _cardinal(words, at + 1)
        if not number.isdigit():
            return [*words[:at], noun, *words[at + 1 :]]
        ordinal = _known_ordinal(int(number), knows)
        if ordinal:
            return [*words[:at], *ordinal, noun, *words[end:]]
        return [*words[:at], noun, *words[at + 1 :]]
    return words


def _known_ordinal(number: int, knows: Knows) -> list[str]:
    for ordinal in (say_ordinal(number), as_ordinal(number)):
        if all(map(knows, ordinal.split())):
            return ordinal.split()
    return []


def _split_at_hyphens(words: Sequence[str]) -> list[str]:
    """Part `seventy-seven` and `e-c-g`; other words with a hyphen stay."""
    parts: list[str] = []
    for word in words:
        pieces = word.split("-")
        if len(pieces) > 1 and all(map(_is_part, pieces)):
            parts += pieces
        else:
            parts.append(word)
    return parts


def _numbers_of(code: _Code) -> Iterator[_Code]:
    """Yield the numbers of a code that has other symbols as well."""
    start = code.start
    for numeric, group in groupby(code.symbols, key=_is_numeric):
        symbols = tuple(group)
        if numeric and len(symbols) < len(code.symbols):
            yield _Code(start, symbols)
        start = symbols[-1].end


def _is_numeric(symbol: _Symbol) -> bool:
    return symbol.readings[0][0].isdigit() and not _MIXED.fullmatch(symbol.readings[0])


def _is_part(piece: str) -> bool:
    return len(piece) == 1 or piece.isdigit() or piece in SMALL_NUMBERS


def _codes(words: Sequence[str]) -> Iterator[_Code]:
    at = 0
    while at < len(words):
        symbols: list[_Symbol] = []
        end = at
        while True:
            symbol = _symbol(words, end, symbols)
            if symbol is None:
                break
            symbols.append(symbol)
            end = symbol.end
        if symbols:
            yield _Code(at, tuple(symbols))
        at = max(end, at + 1)


def _symbol(words: Sequence[str], at: int, before: list[_Symbol]) -> _Symbol | None:
    """Return the symbol that starts at this place; None if none does."""
    if before and at < len(words) and words[at] in CODE_SEPARATORS:
        at += 1
    if at >= len(words):
        return None
    word = words[at]
    if word in LETTER_MODIFIERS:
        letter, size = letter_at(words, at + 1) if at + 1 < len(words) else ("", 0)
        if size:
            return _Symbol((letter,), at + 1 + size, sure=True, spelled=1)
        return None
    if word in ZEROS and (before or _is_part_of_number(words, at + 1)):
        return _Symbol(("0", "o"), at + 1, sure=True, spelled=0)
    if _MIXED.fullmatch(word):
        return _Symbol(_with_zeros(word), at + 1, sure=True)
    if _CLOCK.fullmatch(word) and not before and _follows_a_place(words, at):
        return _Symbol((word.replace(":", "."),), at + 1)
    return (
        _number(words, at, before) or _letters(words, at, before) or _prefix(words, at)
    )


def _is_part_of_number(words: Sequence[str], at: int) -> bool:
    if at >= len(words):
        return False
    word = words[at]
    return word in SMALL_NUMBERS or word.isdigit() or word in REPEATED or word in ZEROS


def _with_zeros(word: str) -> tuple[str, ...]:
    """Return `eo4` and `e04`."""
    if "o" not in word:
        return (word,)
    return word, word.replace("o", "0")


def _number(words: Sequence[str], at: int, before: Sequence[_Symbol]) -> _Symbol | None:
    """Return the number that starts here: `seventy seven`, `77`, `double oh`, `two point one`."""
    digits, end = _cardinal(words, at)
    if not digits:
        return None
    ordinal = ORDINALS.get(_word_at(words, end), 10)
    if ordinal < 10 and digits.endswith("0"):
        return _Symbol((as_ordinal(int(digits) + ordinal),), end + 1)
    sure = digits.startswith("0") or words[at] in REPEATED
    while _word_at(words, end) in DECIMAL_POINTS:
        decimals, after = _decimals(words, end + 1)
        if not decimals:
            break
        digits, end = f"{digits}.{decimals}", after
    ends_a_code = before and not _is_numeric(before[-1])
    if ends_a_code and len(digits) == 1 and not _is_part_of_number(words, end):
        return _Symbol((digits, f"0{digits}"), end, sure)
    return _Symbol((digits,), end, sure)


def _decimals(words: Sequence[str], at: int) -> tuple[str, int]:
    zeros = ""
    while _word_at(words, at) in ZEROS:
        zeros += "0"
        at += 1
    if at >= len(words):
        return zeros, at
    digits, end = _cardinal(words, at)
    return zeros + digits, end


def _cardinal(words: Sequence[str], at: int) -> tuple[str, int]:
    word = _word_at(words, at)
    if word.isdigit() or _DECIMAL.fullmatch(word):
        return word, at + 1
    following = words[at : at + 2]
    if word in REPEATED and len(following) == 2 and following[1] in ZEROS:
        return "0" * REPEATED[word], at + 2
    for start, size, digits in cardinals(words[at : at + _LONGEST_NUMBER]):
        if start > 0:
            break
        end = at + size
        ends_in_a_digit = size > 2 and words[end - 2] == "hundred"
        if ends_in_a_digit and _is_digit(words, end - 1) and _is_digit(words, end):
            return f"{digits[:-1]}0", end - 1  # eight hundred, five, five, five
        return digits, end
    return "", at


def _is_digit(words: Sequence[str], at: int) -> bool:
    return SMALL_NUMBERS.get(_word_at(words, at), 10) < 10


def _letters(
    words: Sequence[str], at: int, before: Sequence[_Symbol]
) -> _Symbol | None:
    """Return the letter that starts here: `q`, `double u`, `b as in boy`, `quebec`, `double e`."""
    letter, size = letter_at(words, at)
    if size:
        explained = size > 1 or words[at] in SPELLING_ALPHABET
        return _Symbol((letter,), at + size, sure=explained, spelled=1)
    word = words[at]
    if word in REPEATED and at + 1 < len(words):
        letter, size = letter_at(words, at + 1)
        if size:
            times = REPEATED[word]
            return _Symbol((letter * times,), at + 1 + size, sure=True, spelled=times)
    beside_a_number = bool(before) or _is_part_of_number(words, at + 1)
    if word in SPELLING_ALPHABET and beside_a_number:
        return _Symbol((SPELLING_ALPHABET[word], word), at + 1)
    return None


def _prefix(words: Sequence[str], at: int) -> _Symbol | None:
    """Return a short word that may be spelled letters, as `sk` in `sk forty b`."""
    word = words[at]
    if len(word) > _LONGEST_PREFIX or not word.isalpha() or not word.isascii():
        return None
    if word in SPOKEN_STOP_WORDS or word in SUBJECTLESS_WORDS:
        return None
    if not _is_part_of_number(words, at + 1):
        return None
    return _Symbol((word,), at + 1)


def _word_at(words: Sequence[str], at: int) -> str:
    if at < len(words):
        return words[at]
    return ""


class _Cut(NamedTuple):
    """A way to write a code: the terms that stand for the words from `start` to before `end`."""

    start: int
    end: int
    terms: list[str]
    has_letters: bool


def _cut(code: _Code, words: Sequence[str], knows: Knows) -> _Cut | None:
    """Return the best way to write a code; None if the corpus holds it in no way."""
    best: _Cut | None = None
    least = (0, 0)
    for start, symbols in _framings(code, words):
        readings = product(*(symbol.readings for symbol in symbols))
        is_a_name = _follows_a_place(words, start)
        for reading in islice(readings, _MOST_READINGS):
            terms = _fewest_terms(_parts_of(reading), knows)
            if terms is None and is_a_name:
                terms = _fewest_terms(_signs_of(reading), knows)
            if terms is None or not _is_sure(symbols, terms, words, knows, start):
                continue
            rank = (len(terms), -len(symbols))
            if best is None or rank < least:
                has_letters = not all(map(_is_numeric, symbols))
                best = _Cut(start, symbols[-1].end, terms, has_letters)
                least = rank
    return best


def _framings(
    code: _Code, words: Sequence[str]
) -> Iterator[tuple[int, tuple[_Symbol, ...]]]:
    """Yield the whole code, and the code without an article in front or behind."""
    symbols = code.symbols[:_LONGEST]
    without_first = symbols[1:]
    starts_with_article = words[code.start] in ARTICLE_LETTERS
    after_article = code.start > 0 and words[code.start - 1] in BEFORE_A_NOUN
    last_word = words[symbols[-1].end - 1]
    ends_with_article = last_word in ARTICLE_LETTERS and symbols[-1].end < len(words)
    if not starts_with_article or after_article or len(symbols) > 2 or symbols[0].sure:
        yield code.start, symbols
    elif any(map(_is_numeric, symbols)):
        yield code.start, symbols
    if starts_with_article and without_first:
        yield symbols[0].end, without_first
    if ends_with_article and len(symbols) > 1:
        yield code.start, symbols[:-1]
        if starts_with_article and len(symbols) > 2:
            yield symbols[0].end, symbols[1:-1]


def _follows_a_place(words: Sequence[str], at: int) -> bool:
    """Tell whether the number at this place is a name: `room 307`, `gate number twelve`."""
    if at and words[at - 1] in BEFORE_A_NUMBER:
        at -= 1
    return at > 0 and words[at - 1] in NUMBERED_PLACES


def _parts_of(reading: Sequence[str]) -> list[str]:
    """Return what a reading may be cut into at most; [] for a letter that no code is spelled with.

    A point is a part of its own: it joins two numbers, or separates them.
    """
    parts = [part for text in reading for part in _PARTS.findall(text)]
    if "".join(parts) != "".join(reading):
        return []
    return parts


def _signs_of(reading: Sequence[str]) -> list[str]:
    """Return the letters and digits of a short name, without a point: `3.07` may be `307`."""
    signs = [sign for part in _parts_of(reading) for sign in part if sign != "."]
    digits = sum(map(str.isdigit, signs))
    if digits > _MOST_PARTED:
        return []
    return signs


def _fewest_terms(parts: Sequence[str], knows: Knows) -> list[str] | None:
    """Join parts into as few terms as possible that are known; None if they cannot be."""
    if not parts:
        return None
    best: list[list[str] | None] = [[]]
    for end in range(1, len(parts) + 1):
        shortest: list[str] | None = None
        if parts[end - 1] == ".":  # a separator is no term
            shortest = best[end - 1]
        for start in range(end):
            before = best[start]
            if before is None:
                continue
            if shortest is not None and len(before) + 1 >= len(shortest):
                continue
            term = _known_term("".join(parts[start:end]), knows)
            if term:
                shortest = [*before, term]
        best.append(shortest)
    return best[-1]


def _known_term(text: str, knows: Knows) -> str:
    """Return a text, or a number with a point in it, as the corpus has it; "" if it has neither."""
    is_parted = text.startswith(".") or text.endswith(".")
    if not is_parted and knows(text):
        return text
    if not text.isdigit() or not _FEWEST_DIGITS <= len(text) <= _MOST_PARTED:
        return ""
    pointed = (f"{text[:at]}.{text[at:]}" for at in range(1, len(text)))
    return next(filter(knows, pointed), "")


def _is_sure(
    symbols: Sequence[_Symbol],
    terms: Sequence[str],
    words: Sequence[str],
    knows: Knows,
    start: int,
) -> bool:
    """Tell whether the words can hardly have meant anything but the code."""
    end = symbols[-1].end
    said = words[start:end]
    numbers = [one for one in symbols if _is_numeric(one)]
    is_a_name = _follows_a_place(words, start)
    is_torn = any(_are_torn(one, other) for one, other in pairwise(terms))
    if is_torn or _has_unsaid_point(numbers, terms, is_a_name=is_a_name):
        return False
    if len(terms) == len(said) and list(terms) == list(said):
        return False
    if len(numbers) == len(symbols):
        return _is_sure_number(symbols, terms, said, knows)
    is_numbered = is_a_name and bool(numbers) and len(terms) > 1
    spelled = sum(symbol.spelled for symbol in symbols)
    if is_numbered or spelled >= 2 or any(one.sure for one in symbols):
        return True
    across = any(map(_MIXED.fullmatch, terms)) and len(symbols) > 2
    if len(terms) > 1:
        return across
    lone_word = any(knows(word) for word in said if word in SPELLING_ALPHABET)
    if lone_word:
        return False
    if said[0] in ARTICLE_LETTERS:
        return len(terms[0]) > 2
    ends_with_article = said[-1] in ARTICLE_LETTERS
    following = _word_at(words, end)
    return not ends_with_article or not following or following in FUNCTION_WORDS


def _are_torn(one: str, other: str) -> bool:
    """Tell whether a number was cut into digits that the corpus has for another reason."""
    if not one.isdigit() or not other.isdigit() or _are_parted(one, other):
        return False
    return 1 in (len(one), len(other))


def _are_parted(one: str, other: str) -> bool:
    """Tell whether two terms are one number with a separator: `3-07`, `12/04`."""
    if one.startswith("0") or not other.startswith("0"):
        return False
    return len(one) < _FEWEST_DIGITS and 1 < len(other) < _FEWEST_DIGITS


def _has_unsaid_point(
    numbers: Sequence[_Symbol], terms: Sequence[str], *, is_a_name: bool
) -> bool:
    """Tell whether a term got a point that nothing in the words speaks for.

    A zero speaks for it: `three oh seven` is said one by one, and so is a name of digits.
    """
    if any("." in number.readings[0] for number in numbers):
        return False
    if not any("." in term for term in terms):
        return False
    has_zero = any(number.readings[0] == "0" for number in numbers)
    numeric = [term for term in terms if term[0].isdigit()]
    return len(numeric) > 1 or not (is_a_name or has_zero)


def _is_sure_number(
    numbers: Sequence[_Symbol],
    terms: Sequence[str],
    said: Sequence[str],
    knows: Knows,
) -> bool:
    """Tell whether the corpus has the number in digits, and the words do not say it."""
    if len(terms) == 2 and _are_parted(*terms):
        return True
    if len(terms) > 1:
        return all(len(term) >= _FEWEST_DIGITS for term in terms)
    one_by_one = all(len(number.readings[0]) == 1 for number in numbers)
    if one_by_one and len(numbers) >= _FEWEST_DIGITS:
        return True
    return "." in terms[0] or not all(map(knows, said))
