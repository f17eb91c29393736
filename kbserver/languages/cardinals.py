"""Numbers as they are said in languages other than English: `siebenundzwanzig` → `27`.

One grammar for all: small numbers add up, multipliers multiply, a joiner may stand between tens and
units. Each language gives its words. Recognisers write most numbers in digits already, so only
what they leave in words is read; nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

Clock: TypeAlias = Callable[["NumberWords", Sequence[str]], Iterator[str]]
"""Yields hours and minutes of the times of day among some words: `halb vier` → 3, 30."""

_MOST_DIGITS = 9


class Cardinal(NamedTuple):
    """One spoken number: the words from `start` to before `end`."""

    start: int
    end: int
    value: int


def _as_one(word: str) -> Sequence[str]:
    return (word,)


def _no_times(numbers: NumberWords, words: Sequence[str]) -> Iterator[str]:
    return iter(())


@dataclass(frozen=True)
class NumberWords:
    """The words of one language. Without accents, as they are compared."""

    small: Mapping[str, int]
    """Numbers of one word that add up."""
    multipliers: Mapping[str, int]
    """100 and above; each counts one time without a number before it."""
    articles: frozenset[str] = frozenset()
    """Words for one that are articles as well: said twice they are a stumble."""
    joiners: frozenset[str] = frozenset()
    """What may be said between tens and units, or behind a hundred."""
    joiner_needed: bool = False
    """Whether nothing adds up to tens without a joiner: `treinta y cinco`."""
    beyond_ten: frozenset[int] = frozenset()
    """Tens that go on to nineteen: `soixante douze`."""
    together: Mapping[tuple[str, str], str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    """Two words that are one number word: `quatre vingt`."""
    parts: Callable[[str], Sequence[str]] = _as_one
    """Cuts a word into number words: `zweihundertfünf` → `zwei`, `hundert`, `fünf`."""
    decimal_words: frozenset[str] = frozenset()
    """What is said for the decimal sign."""
    decimal_sign: str = ","
    money: frozenset[str] = frozenset()
    """Currencies, between whole and hundredths: `neun euro neunzig`."""
    fractions: frozenset[str] = frozenset()
    """Words that the clock reads without a number beside them: `anderthalb`."""
    clock: Clock = _no_times
    plain: Callable[[str], str] = str.lower
    """Gives a word as the tables hold it."""

    def is_code(self, word: str) -> bool:
        """Tell whether doubling a word means something: a digit, a number word or a letter."""
        plain = self.plain(word)
        if plain.isdigit():
            return True
        if plain in self.articles or plain in self.joiners:
            return False
        return plain in self.small or plain in self.multipliers

    def value_of(self, word: str) -> int:
        """Return what one word counts, said or in digits; 0 if it is no number, or a long one."""
        if word.isdecimal() and len(word) <= _MOST_DIGITS:
            return int(word)
        return self.small.get(word, 0)

    def written_forms(self, words: Sequence[str]) -> tuple[str, ...]:
        """Return the other spellings of the numbers among some words; see `Numbers`."""
        said = self._number_words(words)
        if not any(map(self._may_be_number, said)):  # most queries
            return ()
        cardinals = list(self.cardinals(said))
        found = dict.fromkeys(self._forms(said, cardinals))
        found |= dict.fromkeys(self.clock(self, said))
        present = set(words)
        return tuple(form for form in found if form not in present)

    def _number_words(self, words: Sequence[str]) -> list[str]:
        parts = [
            part
            for word in words
            for piece in self.plain(word).split("-")
            for part in self.parts(piece)
        ]
        if not self.together:
            return parts
        joined: list[str] = []
        for part in parts:
            both = joined and self.together.get((joined[-1], part))
            if both:
                joined[-1] = both
            else:
                joined.append(part)
        return joined

    def _may_be_number(self, word: str) -> bool:
        if word in self.articles:
            return False
        return word in self.small or word in self.multipliers or word in self.fractions

    def cardinals(self, words: Sequence[str]) -> Iterator[Cardinal]:
        """Yield the numbers among some number words, in their order."""
        at = 0
        while at < len(words):
            end, value = self.cardinal(words, at)
            if end > at:
                yield Cardinal(at, end, value)
            at = max(end, at + 1)

    def cardinal(self, words: Sequence[str], at: int) -> tuple[int, int]:
        """Return (end, value) of the number that starts here; (at, 0) when none does."""
        start = at
        total = part = 0
        joined = False
        while at < len(words):
            word = words[at]
            value = self.small.get(word)
            factor = self.multipliers.get(word)
            if value is not None and self._goes_on(part, value, joined=joined):
                if value == 0:  # a spoken zero stands alone
                    return (at, total + part) if at > start else (at + 1, 0)
                part += value
                joined = False
            elif factor == 100 and part < 100 and not joined:
                part = max(part, 1) * 100
            elif factor is not None and factor > 100 and not joined:
                total += max(part, 1) * factor
                part = 0
            elif self._joins(words, at, start, part):
                joined = True
            else:
                break
            at += 1
        return at, total + part

    def _goes_on(self, part: int, value: int, *, joined: bool) -> bool:
        """Tell whether a small number goes on from what was said."""
        if part == 0 or (part % 100 == 0 and value < 100):
            return True
        rest = part % 100
        if rest == 10:  # dix-sept
            return bool(self.beyond_ten) and 6 < value < 10
        if rest < 20 or rest % 10:
            return False
        if self.joiner_needed and not joined:
            return False
        most = 20 if rest in self.beyond_ten else 10
        return 0 < value < most

    def _joins(self, words: Sequence[str], at: int, start: int, part: int) -> bool:
        if at == start or words[at] not in self.joiners or not part:
            return False
        if at + 1 == len(words) or words[at - 1] in self.joiners:
            return False
        value = self.small.get(words[at + 1])
        return value is not None and self._goes_on(part, value, joined=True)

    def _forms(
        self, words: Sequence[str], cardinals: Sequence[Cardinal]
    ) -> Iterator[str]:
        run: list[Cardinal] = []
        for number in cardinals:
            yield from self._with_decimals(words, run, number)
            if run and run[-1].end != number.start:
                yield from _run_forms(words, run, self.articles)
                run = []
            run.append(number)
        if run:
            yield from _run_forms(words, run, self.articles)

    def _with_decimals(
        self, words: Sequence[str], run: Sequence[Cardinal], number: Cardinal
    ) -> Iterator[str]:
        """Yield `39,99` for `neununddreißig komma neun neun` and `neununddreißig euro 99`."""
        if not run or run[-1].end + 1 != number.start:
            return
        between = words[run[-1].end]
        whole = run[-1].value
        if between in self.decimal_words:
            digits = str(number.value)
            _, following = self.cardinal(words, number.end)
            if number.value < 10 and 0 < following < 10:
                digits += str(following)
            yield f"{whole}{self.decimal_sign}{digits}"
        elif between in self.money and 0 < number.value < 100:
            yield f"{whole}{self.decimal_sign}{number.value:02}"


def _run_forms(
    words: Sequence[str], run: Sequence[Cardinal], articles: frozenset[str]
) -> Iterator[str]:
    """Yield the forms of numbers without a gap between them: `fünf null null` → 500."""
    if len(run) == 1:
        start, end, value = run[0]
        is_article = end - start == 1 and words[start] in articles
        if not is_article:
            yield str(value)
        return
    digits = [str(number.value) for number in run]
    yield "".join(digits)
    one_by_one = all(len(digit) == 1 for digit in digits)
    if len(run) <= 3 and not one_by_one:
        yield from digits


def hours(hour: int, minutes: str) -> Iterator[str]:
    """Yield what documents may write for a time that is said by twelve hours."""
    hour = (hour - 1) % 12 + 1
    yield str(hour)
    if hour < 8:  # in the afternoon, by twenty-four
        yield str(hour + 12)
    yield minutes
