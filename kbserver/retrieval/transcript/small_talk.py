"""Utterances that ask nothing, so that nothing is looked up for them.

An utterance is small talk when it is made of small-talk phrases from its first word to its last.
One word outside them ("thanks and what are your hours") and it is a question. The list is closed on
purpose: what it does not know goes to retrieval, where a low score still abstains. A question kept
out here would be lost for good.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from kbserver.languages import PROFILES, neutral, understood
from kbserver.languages.letters import LETTER, without_accents
from kbserver.languages.profile import NOTHING, Profile
from kbserver.languages.silence import is_credit, without_annotations
from kbserver.types import Reason

# Longer utterances are not tried: the longest farewell is under twenty words.
_MAX_WORDS: Final = 24
_LONGEST_PHRASE: Final = 12  # words
_MAX_UNKNOWN: Final = 2  # words: a name, a drawn-out "hiii", an optional plural

_WEIGHT: Final[tuple[Reason, ...]] = (
    "goodbye",
    "handover",
    "hold",
    "repeat",
    "presence",
    "thanks",
    "greeting",
    "confirmation",
    "backchannel",
)
"""What an utterance of several kinds counts as: "okay thanks bye" is a goodbye."""

# Questions that are small talk themselves do not count as asking.
_MAY_ASK = (
    "handover",
    "hold",
    "repeat",
    "presence",
    "greeting",
    "goodbye",
    "thanks",
)
_ACKNOWLEDGES: Final[tuple[Reason, ...]] = ("confirmation", "backchannel")

_START, _END = f"(?<!{LETTER})", f"(?!{LETTER})"
_WORD = re.compile(rf"(?:(?!_){LETTER}|')+")
_ASCII_WORD = re.compile("[a-z']+")
_DIGIT = re.compile(r"\d")
_WORD_OF_A_PATTERN = re.compile(rf"(?:(?!\d){LETTER}|')+")


def gate(text: str, profiles: Sequence[Profile]) -> Reason | None:
    """Return why nothing has to be looked up for this utterance, or None when something has.

    Args:
        text: one transcript, in any case and punctuation.
        profiles: of the languages of the corpora that are searched. One that knows the utterance
            is enough, and so is any other that callers may switch to; see `languages.understood`.

    Returns:
        `empty` (no words, or only uh and um), `greeting`, `goodbye`, `thanks`, `handover`
        (transfer me to billing), `hold` (wait, never mind), `repeat` (say that again),
        `presence` (are you there, i have a question), `confirmation` (yes, no, correct) or
        `backchannel` (i see, wow). Of several kinds, the one with the most weight. None for
        everything else, what holds a digit included.
    """
    said = without_annotations(text.replace("’", "'"))
    plain = without_accents(said.lower())
    if is_credit(plain):
        return "empty"
    if _DIGIT.search(plain):
        return None
    pattern = _WORD
    if plain.isascii():
        pattern = _ASCII_WORD
    words = pattern.findall(plain)
    if not words:
        return "empty"
    gates = _gates_of(tuple(profiles))
    different = frozenset(words)
    if gates.know_too_little(different):  # nearly every question
        return None
    for one in gates.each:
        reason = one.reason(words, different)
        if reason is not None:
            return reason
    return None


class _Gate:
    """The small talk of one language, compiled."""

    def __init__(self, profile: Profile) -> None:
        talk = profile.small_talk
        self._phrases = {
            reason: re.compile(rf"(?:{pattern})(?= |$)")
            for reason, pattern in talk.phrases.items()
        }
        loose = re.compile(rf"(?:{talk.loose_words})(?= |$)")
        self._phrases_and_loose_words = self._phrases | {"loose": loose}
        self._asks = re.compile(rf"{_START}(?:{talk.asking}){_END}")
        may_ask = "|".join(talk.phrases.get(kind, NOTHING) for kind in _MAY_ASK)
        self._asks_nothing = re.compile(rf"{_START}(?:{may_ask})(?= |$)")
        self._named = re.compile(rf"{_START}(?:{talk.named})$")
        not_after = f"(?! ?(?:{talk.after_noise}))"
        self._noise = re.compile(rf"{_START}(?:{talk.noises}){_END}{not_after}")
        self.noise_letters = talk.noise_letters
        # Nearly every question holds words that no phrase has; it is let through before any
        # pattern is tried, which would take 0.3 ms.
        patterns = [*talk.phrases.values(), talk.loose_words]
        self.known = frozenset(_WORD_OF_A_PATTERN.findall(" ".join(patterns)))

    def reason(self, words: list[str], different: frozenset[str]) -> Reason | None:
        """Return why nothing has to be looked up for some words.

        Args:
            words: in plain letters.
            different: the same, each once.
        """
        if _has_too_many(different - self.known, self.noise_letters):
            return None
        said = " ".join(words)
        without_noise = self._noise.sub(" ", said).split()
        if not without_noise:
            return "empty"
        if len(without_noise) > _MAX_WORDS:
            return None
        if len(set(without_noise) - self.known) > _MAX_UNKNOWN:
            return None
        if self._names_a_thing(" ".join(without_noise)):
            return None
        kinds = self._cover(" ".join(without_noise))
        if not kinds and len(words) <= _MAX_WORDS:
            kinds = self._cover(said)
        for reason in _WEIGHT:
            if reason in kinds:
                return reason
        return None

    def _names_a_thing(self, said: str) -> bool:
        """Tell whether the text ends in an acknowledgement that stands for a thing: `the fine`."""
        name = self._named.search(said)
        if name is None:
            return False
        word = next(filter(None, name.groups()))
        return any(self._phrases[kind].fullmatch(word) for kind in _ACKNOWLEDGES)

    def _cover(self, said: str) -> frozenset[str]:
        """Return the kinds of phrases that cover the text without a gap; empty when none do.

        Visits the word boundaries that phrases reach, from left to right. Tries at most
        words x kinds patterns, whatever the text.
        """
        patterns = self._phrases_and_loose_words
        if self._asks.search(self._asks_nothing.sub(" ", said)):
            patterns = self._phrases
        reached: dict[int, frozenset[str]] = {0: frozenset()}
        ends = [at for at, sign in enumerate(said) if sign == " "]
        starts = [0] + [end + 1 for end in ends]
        ends.append(len(said))
        for start in starts:
            if start not in reached:
                continue
            near = [end for end in ends if end > start][:_LONGEST_PHRASE]
            for reason, pattern in patterns.items():
                # Nearly always: no end need be tried.
                if not pattern.match(said, start):
                    continue
                for end in near:
                    if pattern.fullmatch(said, start, end):
                        following = min(end + 1, len(said))
                        known = reached.get(following, frozenset())
                        reached[following] = known | reached[start] | {reason}
        return reached.get(len(said), frozenset()) - {"glue", "loose"}


_GATES = {one: _Gate(one) for one in (neutral.PROFILE, *PROFILES.values())}
"""Compiled once, before the first turn."""


class _Gates:
    """The small talk of all languages that count in a turn."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self.each = [_GATES[profile] for profile in profiles]
        self._known = frozenset[str]().union(*(one.known for one in self.each))
        self._noise_letters = "".join(one.noise_letters for one in self.each)

    def know_too_little(self, different: frozenset[str]) -> bool:
        """Tell whether an utterance holds too many words that no language knows."""
        return _has_too_many(different - self._known, self._noise_letters)


@lru_cache(maxsize=64)
def _gates_of(profiles: tuple[Profile, ...]) -> _Gates:
    """Return the small talk that counts beside corpora of these languages."""
    return _Gates(understood(profiles))


def _has_too_many(unknown: frozenset[str], noise_letters: str) -> bool:
    """Tell whether more unknown words than a name has are no noise."""
    if len(unknown) <= _MAX_UNKNOWN:
        return False
    content = sum(1 for word in unknown if word.strip(noise_letters))
    return content > _MAX_UNKNOWN
