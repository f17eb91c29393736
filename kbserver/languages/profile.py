"""What is known of a language, as one frozen value: every step that hears or speaks reads it.

Words are lower case, as a recogniser writes them, with straight apostrophes. Those of languages in
Latin letters are compared without accents where a field says so. Each field has a value that does
nothing; `neutral` is made of those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from kbserver.languages.tables import Phrases
from kbserver.types import Cells

NOTHING: Final = "(?!)"
"""Pattern that matches nothing."""

Knows: TypeAlias = Callable[[str], bool]
"""Whether a text is one term of the index, and tells something."""


@dataclass(frozen=True, slots=True)
class Written:
    """A query with its codes as the corpus writes them."""

    words: tuple[str, ...]
    codes: tuple[str, ...] = ()
    """Those of the words that are a code, or a part of one: each names one thing."""


def _no_phrases() -> Phrases:
    return MappingProxyType({})


def _no_patterns() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Noises:
    """The noises of speaking around a question; read by `retrieval.transcript.cleaning`."""

    fillers: frozenset[str] = frozenset()
    noun_fillers: frozenset[str] = frozenset()
    """Fillers that are also nouns or abbreviations."""
    before_a_noun: frozenset[str] = frozenset()
    """After these words a filler of `noun_fillers` is a word that is asked about."""
    abbreviations: frozenset[str] = frozenset()
    """Fillers that stay when they are written in capitals."""
    hedges: frozenset[str] = frozenset()
    """Words that go beside a filler only: `like`."""
    asides: Phrases = field(default_factory=_no_phrases)
    """Phrases that mean nothing in mid-sentence: `you know`."""
    before_an_aside: frozenset[str] = frozenset()
    """After these words an aside means something: "do you know if"."""
    question_words: frozenset[str] = frozenset()
    function_words: frozenset[str] = frozenset()
    """Grammar only: said twice they are a stumble, and a repair often starts again on one."""
    openers: Phrases = field(default_factory=_no_phrases)
    """Acknowledgements and greetings in front of a question; without accents."""
    joining: frozenset[str] = frozenset()
    """Openers that a short question goes on with, and keeps: `and`."""
    wrappers: Phrases = field(default_factory=_no_phrases)
    """Polite run-ups to a question; without accents."""
    after_a_wrapper: frozenset[str] = frozenset()
    """Words that join a question to its run-up: `if`, `whether`."""
    strong_cues: Phrases = field(default_factory=_no_phrases)
    """One of these, or two cues of any kind, and something was probably taken back."""
    weak_cues: Phrases = field(default_factory=_no_phrases)
    """Alone these are ordinary words."""
    lone_cues: frozenset[tuple[str, ...]] = frozenset()
    """Weak cues that count alone when what follows starts over."""
    after_cue: Phrases = field(default_factory=_no_phrases)
    """What may stand between a cue and the words that replace what was taken back."""


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """Utterances that ask nothing; read by `retrieval.transcript.small_talk`. Without accents."""

    phrases: Mapping[str, str] = field(default_factory=_no_patterns)
    """Pattern of the phrases of each reason, and of `glue`, which is never small talk alone."""
    loose_words: str = NOTHING
    """Pattern: words that fill gaps between phrases as long as nothing is asked."""
    named: str = NOTHING
    """Pattern with groups: an acknowledgement at the end that is a thing, as in `the fine`."""
    asking: str = NOTHING
    """Pattern: words that ask something."""
    noises: str = NOTHING
    """Pattern: sounds that are no words, in any length."""
    noise_letters: str = ""
    """The letters that all noises are made of."""
    after_noise: str = NOTHING
    """Pattern: before these a noise is a word."""


@dataclass(frozen=True, slots=True)
class FollowUps:
    """How a question leans on the one before; read by `retrieval.transcript.followup`."""

    continues: str = NOTHING
    """Pattern: what a question begins with that goes on; without accents."""
    subjectless: frozenset[str] = frozenset()
    """Words that name no subject."""
    pointers: frozenset[str] = frozenset()
    """Pronouns that stand for something named elsewhere, wherever they are."""
    alike: frozenset[str] = frozenset()
    """Words that compare with something that may stand in the same question."""
    asking: frozenset[str] = frozenset()
    """Words that a whole question or request begins with."""
    it: frozenset[str] = frozenset()
    """Pronouns that point at nothing between `before_empty_it` and `after_empty_it`."""
    before_empty_it: frozenset[str] = frozenset()
    after_empty_it: frozenset[str] = frozenset()
    that: frozenset[str] = frozenset()
    """Pronouns that point at something at the end, after `before_that` and before `after_that`."""
    before_that: frozenset[str] = frozenset()
    after_that: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    """Places that stand for one named elsewhere, unless they stand beside one of `exists`."""
    exists: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Requests:
    """What is said for more than a look into documents; read by `retrieval.transcript.requests`.

    Both patterns are searched in a cleaned query, lower case and without accents.
    """

    actions: str = NOTHING
    """Pattern: something is to be done: `could you book`, `please send`."""
    moments: str = NOTHING
    """Pattern: this very moment is asked about: `today`, `this month`."""


@dataclass(frozen=True, slots=True)
class StopWords:
    """Words that tell nothing."""

    written: frozenset[str] = frozenset()
    """So common in documents that their pieces of letters tell nothing."""
    spoken: frozenset[str] = frozenset()
    """Words that carry a spoken question but not its subject."""
    weekdays: frozenset[str] = frozenset()


def _no_forms(words: Sequence[str]) -> tuple[str, ...]:
    return ()


def _no_codes(words: Sequence[str], knows: Knows) -> Written | None:
    return None


def is_digit_or_letter(word: str) -> bool:
    """Tell whether doubling this word means something in any language."""
    return word.isdigit() or len(word) == 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """How numbers and codes are said."""

    written_forms: Callable[[Sequence[str]], tuple[str, ...]] = _no_forms
    """Words of a query → other spellings of its numbers, without duplicates."""
    codes: Callable[[Sequence[str], Knows], Written | None] = _no_codes
    """Words of a query → the same with its codes as the corpus has them; None without one."""
    is_code: Callable[[str], bool] = is_digit_or_letter
    """Whether doubling a word means something: a digit, a number word or a letter."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """How words sound; read by `retrieval.transcript.phonetics`."""

    rules: tuple[tuple[str, str], ...] = ()
    """Letters to sounds, as (pattern, symbols), in the order they are applied."""
    letters: str = "a-z"
    """Range of the signs that the rules read, once accents are gone; others have no sound."""
    version: int = 1
    """Of the rules, in the name of the snapshot part: what other rules gave is not read."""


def as_written(text: str) -> str:
    """Leave a text as it is."""
    return text


def _no_days(text: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Said:
    """How a passage is written to be heard; read by `retrieval.spoken` and by an ingest."""

    say: Callable[[str], str] = as_written
    """Text on one line, without markup → its signs and numbers as they are said."""
    days: Callable[[str], tuple[str, ...]] = _no_days
    """Text → the days and months that it means and does not write out, in their order."""
    goes_on: str = r"\w"
    """Pattern of what a full stop may end in mid-sentence: an abbreviation, the number of a day."""


SIGNS_ALONE: Final = Cells(
    yes="✓",
    no="✗",
    not_answered="–",
    months=(),
    weekdays=(),
    facts={},
)
"""Of a language without a profile: signs and digits belong to none."""


@dataclass(frozen=True, eq=False)
class Profile:
    """One language. Equal to itself alone, so that it can be the key of what is worked out of it.

    Attributes:
        name: as in a corpus's manifest: `english`.
        code: as the engine names it: `en`; "" for one that it does not speak.
        is_latin: whether it is written in Latin letters. What is heard of another may be, too.
    """

    name: str
    code: str = ""
    is_latin: bool = True
    noises: Noises = field(default_factory=Noises, repr=False)
    small_talk: SmallTalk = field(default_factory=SmallTalk, repr=False)
    follow_ups: FollowUps = field(default_factory=FollowUps, repr=False)
    requests: Requests = field(default_factory=Requests, repr=False)
    stop_words: StopWords = field(default_factory=StopWords, repr=False)
    numbers: Numbers = field(default_factory=Numbers, repr=False)
    sounds: Sounds = field(default_factory=Sounds, repr=False)
    said: Said = field(default_factory=Said, repr=False)
    cells: Cells = field(default=SIGNS_ALONE, repr=False)
