"""Spoken numbers: the other spellings of what was said in words, and of what stands in digits.

`twenty four seven` → `24`, `7`, `247`; `half past nine` → `9`, `30`; `double u p a two` → `wpa2`;
`24/7` → `twenty`, `four`, `seven`. The forms are plain words, because a word tokeniser on the
document side cuts `24/7` and `9:30` in two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from kbserver.languages.english.words import (
    LETTER_NAMES,
    MULTIPLIERS,
    ORDINAL_WORDS,
    ORDINALS,
    SMALL_NUMBERS,
    SPELLING_ALPHABET,
    SYMBOLS,
    TENS,
    UNIT_SYMBOLS,
    UNITS,
)
from kbserver.lru import remembered

# A form needs one of these words, unless it holds a digit or is spelled out.
_PARTS = frozenset().union(
    SMALL_NUMBERS,
    MULTIPLIERS,
    ORDINALS,
    SPELLING_ALPHABET,
    LETTER_NAMES,
    ("double", "triple", "dot"),
)
REPEATED: Final = MappingProxyType({"double": 2, "triple": 3})
"""How often what follows is meant."""

_LEAST_WITH_SEPARATORS = 10_000
_LONGEST_SPELLED_NUMBER = 8  # words
_HINTS_BYTES = 1_000_000  # of some 4,000 words: callers use few

_DIGITS = re.compile(r"(\d{1,2})(st|nd|rd|th)?|(\d{1,2})[/:](\d{1,2})")


class _Cardinal(NamedTuple):
    """One spoken number: the words from `start` to before `end`, in digits."""

    start: int
    end: int
    digits: str


class _Run(NamedTuple):
    """Spoken numbers without a gap between them, each in digits."""

    start: int
    end: int
    parts: list[str]


def say(number: int) -> str:
    """Return the English words for 0 … 9999, years in pairs.

    24 → `twenty four`, 1999 → `nineteen ninety nine`.
    """
    if number < 20:
        return UNITS[number]
    if number < 100:
        tens, units = divmod(number, 10)
        return _joined(TENS[tens], units)
    if number < 1000:
        hundreds, rest = divmod(number, 100)
        return _joined(f"{UNITS[hundreds]} hundred", rest)
    century, rest = divmod(number, 100)
    if 11 <= century <= 20 and century != 20 and rest >= 10:
        return _joined(say(century), rest)
    thousands, rest = divmod(number, 1000)
    return _joined(f"{say(thousands)} thousand", rest)


def _joined(words: str, rest: int) -> str:
    if rest == 0:
        return words
    return f"{words} {say(rest)}"


def written_forms(words: Sequence[str]) -> tuple[str, ...]:
    """Return the other spellings of every number, time, ordinal, quantity and spelled code.

    Args:
        words: of a query, lower case, without punctuation around them.

    Returns:
        Plain words (`24`, `247`, `9`, `30`, `wpa2`, `5ghz`, `21st`) in the order of the query,
        without duplicates and without its own words; () when there is none.
    """
    said = list(words)
    if not may_be_spelled(said):  # most queries
        return ()
    found: dict[str, None] = {}
    for reader in (_numbers, _clock, _codes, _digits):
        found |= dict.fromkeys(reader(said))
    present = set(said)
    return tuple(form for form in found if form not in present)


def may_be_spelled(words: Sequence[str]) -> bool:
    """Tell whether any word may be a part of a number or a code; False for most queries."""
    return sum(map(_hint, words)) >= 2


def _work_out_hint(word: str) -> int:
    """Return 2 for a word that a form may be made of, 0 for any other.

    1 for `a` and `i`, which are letters only beside others.
    """
    if word in _PARTS or any(sign.isdigit() for sign in word):
        return 2
    letter = word.rstrip(".")
    if letter in ("a", "i"):
        return 1
    if len(letter) == 1 or letter in _PARTS:
        return 2
    return 0


_hint = remembered(_work_out_hint, most_bytes=_HINTS_BYTES)


def is_code(word: str) -> bool:
    """Tell whether doubling this word means something: a digit, a number word or a letter."""
    if word in SMALL_NUMBERS or word in MULTIPLIERS or word.isdigit():
        return True
    return len(word) == 1 and word not in "ai"


def _word_at(words: Sequence[str], at: int) -> str:
    """Return the word at this place, "" behind the last one."""
    if at < len(words):
        return words[at]
    return ""


def cardinals(words: Sequence[str]) -> list[_Cardinal]:
    """Find the spoken cardinals; `oh` counts between digits, `double` before one."""
    found: list[_Cardinal] = []
    at = 0
    while at < len(words):
        word = words[at]
        end = at + 1
        if word in SMALL_NUMBERS:
            end, value = _cardinal(words, at)
            found.append(_Cardinal(at, end, str(value)))
        elif word in ("oh", "o") and found and found[-1].end == at:
            found.append(_Cardinal(at, end, "0"))
        elif word in REPEATED:
            digit = SMALL_NUMBERS.get(_word_at(words, end), 10)
            if digit < 10:
                end += 1
                found.append(_Cardinal(at, end, str(digit) * REPEATED[word]))
        at = end
    return found


def _cardinal(words: Sequence[str], at: int) -> tuple[int, int]:
    """Return (end, value) of the number that starts at a small number word."""
    total = 0
    part = 0  # below the next thousand
    while at < len(words):
        word = words[at]
        if word in SMALL_NUMBERS and _goes_on(part, SMALL_NUMBERS[word]):
            part += SMALL_NUMBERS[word]
            if part == 0:  # a spoken zero stands alone
                return at + 1, total
        elif word == "hundred" and 0 < part < 100:
            part *= 100
        elif word in MULTIPLIERS and word != "hundred" and part:
            total += part * MULTIPLIERS[word]
            part = 0
        elif not _is_joining_and(words, at):
            break
        at += 1
    return at, total + part


def _goes_on(part: int, value: int) -> bool:
    """Tell whether a small number goes on from what was said: `twenty` `four`, `hundred` `five`."""
    if part == 0:
        return True
    if part % 100 == 0:
        return part >= 100
    return part % 10 == 0 and part % 100 >= 20 and 0 < value < 10


def _is_joining_and(words: Sequence[str], at: int) -> bool:
    """Tell whether this is the `and` of `one hundred and five`."""
    if words[at] != "and":
        return False
    return words[at - 1] in MULTIPLIERS and _word_at(words, at + 1) in SMALL_NUMBERS


def _runs(words: Sequence[str]) -> Iterator[_Run]:
    """Yield each unbroken run of spoken cardinals."""
    run: _Run | None = None
    for start, end, digits in cardinals(words):
        if run is not None and start == run.end:
            run = _Run(run.start, end, [*run.parts, digits])
            continue
        if run is not None:
            yield run
        run = _Run(start, end, [digits])
    if run is not None:
        yield run


def _numbers(words: Sequence[str]) -> Iterator[str]:
    for run in _runs(words):
        following = _word_at(words, run.end)
        # "the one", "no one": not a number worth a search
        if run.parts in (["1"], ["0"]) and following not in UNIT_SYMBOLS:
            continue
        yield from _number(run.parts, following)
    for at, word in enumerate(words):
        if word not in ORDINALS or word == "second":
            continue
        after_tens = at > 0 and SMALL_NUMBERS.get(words[at - 1], 0) >= 20
        if not after_tens:
            yield as_ordinal(ORDINALS[word])


def _number(parts: list[str], following: str) -> Iterator[str]:
    """Yield the forms of one run of cardinals before the word that follows it."""
    last = int(parts[-1])
    if ORDINALS.get(following, 10) < 10 and last and last % 10 == 0:
        yield as_ordinal(last + ORDINALS[following])
        return
    whole = "".join(parts)
    yield whole
    digit_by_digit = all(len(part) == 1 for part in parts)  # only the whole is meant
    if 1 < len(parts) <= 3 and not digit_by_digit:
        yield from parts
    if len(parts) == 1 and int(whole) >= _LEAST_WITH_SEPARATORS:
        yield from f"{int(whole):,}".split(",")
    if following in UNIT_SYMBOLS:
        yield whole + UNIT_SYMBOLS[following]
        yield UNIT_SYMBOLS[following]
    elif following in SYMBOLS and len(parts) == 1:
        yield whole + following


def as_ordinal(value: int) -> str:
    """Return `21st`, `12th`."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    if 10 <= value % 100 <= 20:
        return f"{value}th"
    return f"{value}{endings.get(value % 10, 'th')}"


def _clock(words: Sequence[str]) -> Iterator[str]:
    """`half past nine` → 9, 30; `quarter to five` → 4, 45; `three p m` → 3pm."""
    for at, word in enumerate(words):
        if word in ("half", "quarter"):
            yield from _part_of_hour(word, words[at + 1 : at + 3])
    for run in _runs(words):
        if _word_at(words, run.end) == "am":  # "three am i": one word is no time of day
            continue
        spelled = "".join(words[run.end : run.end + 2])
        half = spelled.replace(".", "")[:2]
        if half in ("am", "pm") and 1 <= int(run.parts[0]) <= 12:
            yield run.parts[0] + half
            yield half


def _part_of_hour(part: str, following: Sequence[str]) -> Iterator[str]:
    """Yield hour and minutes of `half` or `quarter` before its two next words."""
    if len(following) < 2:
        return
    word, hour_word = following
    hour = SMALL_NUMBERS.get(hour_word, 0)
    if not 1 <= hour <= 12:
        return
    if word in ("past", "after"):
        minutes = {"half": "30", "quarter": "15"}[part]
    elif word in ("to", "till"):
        minutes = {"half": "30", "quarter": "45"}[part]
        hour = (hour - 2) % 12 + 1
    else:
        return
    yield str(hour)
    yield minutes


def _codes(words: Sequence[str]) -> Iterator[str]:
    """Join what was spelled: `a as in apple four` → a4, `v p n` → vpn, `x dot com` → x.com.

    `bravo twelve` stays two words.
    """
    at = 0
    while at < len(words):
        letters, end = _spelled_letters(words, at)
        if not letters:
            at += 1
            continue
        digits, digits_end = _spoken_digits(words, end)
        certain = _is_certainly_spelled(words, at, end, len(letters))
        with_digits = bool(digits) and (certain or words[at] not in ("a", "i", "o"))
        if len(letters) >= 2 or with_digits:
            yield letters + digits
            if digits and len(letters) >= 2:
                yield letters
            # "is there a v p n": the first may be a word
            if len(letters) > 2 and words[at] in ("a", "i"):
                yield letters[1:] + digits
            end = max(end, digits_end)
        at = end
    for at in range(1, len(words) - 1):
        before, after = words[at - 1], words[at + 1]
        if words[at] == "dot" and before.isalnum() and after.isalnum():
            yield f"{before}.{after}"


def _spelled_letters(words: Sequence[str], at: int) -> tuple[str, int]:
    """Return (letters spelled from this place on, where they end); ("", at) when none are."""
    letters = ""
    while at < len(words):
        letter, size = letter_at(words, at)
        if not size:
            break
        letters += letter
        at += size
    return letters, at


def _is_certainly_spelled(
    words: Sequence[str], at: int, end: int, letters: int
) -> bool:
    """Tell whether some letter took more than a word: "double u", "a as in apple"."""
    spelling_words = words[at:end]
    if len(spelling_words) == letters:
        return False
    return not all(word in SPELLING_ALPHABET for word in spelling_words)


def letter_at(words: Sequence[str], at: int) -> tuple[str, int]:
    """Return (letter, words it took) for a letter said in any of the usual ways; ("", 0) if none.

    `w`, `double u`, `zed`, `a as in apple`, `b for bravo`, `charlie delta`.
    """
    word = words[at].rstrip(".")
    after = _word_at(words, at + 1)
    if word == "double" and after in ("u", "you"):
        return "w", 2
    letter = LETTER_NAMES.get(word, "")
    if len(word) == 1 and word.isalpha():
        letter = word
    if letter:
        return letter, _letter_size(letter, words[at + 1 : at + 4])
    before = words[at - 1] if at else ""
    if word in SPELLING_ALPHABET and _is_beside_another(before, after):
        return SPELLING_ALPHABET[word], 1
    return "", 0


def _letter_size(letter: str, following: Sequence[str]) -> int:
    """Return how many words a letter takes: 1, or more with the word that explains it."""
    match following:
        case ["as", "in", example] if example.startswith(letter):
            return 4
        case ["for" | "like", example, *_] if example.startswith(letter):
            certain = example in SPELLING_ALPHABET or letter not in "ai"
            if certain and len(example) > 1:
                return 3
    return 1


def _is_beside_another(before: str, after: str) -> bool:
    return before in SPELLING_ALPHABET or after in SPELLING_ALPHABET


def _spoken_digits(words: Sequence[str], at: int) -> tuple[str, int]:
    """Return (digits of the number that starts here, where it ends); ("", at) when none does."""
    if _word_at(words, at).isdigit():
        return words[at], at + 1
    for run in _runs(words[at : at + _LONGEST_SPELLED_NUMBER]):
        if run.start == 0:
            return "".join(run.parts), at + run.end
        break
    return "", at


def _digits(words: Sequence[str]) -> Iterator[str]:
    """Yield the words for small numbers in digits: `24/7` → twenty four seven, `21st`.

    Up to twenty and in ordinals and pairs only: documents write larger numbers in digits, and their
    words (`nineteen`, `ninety`) then meet the wrong passages.
    """
    for word in words:
        match = _DIGITS.fullmatch(word)
        if not match:
            continue
        alone, ending, first, second = match.groups()
        if first:
            yield from say(int(first)).split()
            yield from say(int(second)).split()
        elif ending and int(alone):
            yield from say_ordinal(int(alone)).split()
        elif int(alone) <= 20:
            yield say(int(alone))


def say_ordinal(value: int) -> str:
    """Return the English words for 1st … 99th; `121st` and so on stay in digits."""
    if not 0 < value < 100:
        return as_ordinal(value)
    if value < 20:
        return ORDINAL_WORDS[value - 1]
    tens, units = divmod(value, 10)
    if units:
        return f"{TENS[tens]} {ORDINAL_WORDS[units - 1]}"
    return f"{TENS[tens][:-1]}ieth"
