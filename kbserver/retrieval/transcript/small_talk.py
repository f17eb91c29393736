"""Utterances that ask nothing, so that nothing is looked up for them.

An utterance is small talk when it is made of small-talk phrases from its first word to its last.
One word outside them ("thanks and what are your hours") and it is a question. The list is closed on
purpose: what it does not know goes to retrieval, where a low score still abstains. A question kept
out here would be lost for good.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Final

from kbserver.languages.letters import LETTER, without_accents
from kbserver.languages.profile import NOTHING, Profile
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

_WORD = re.compile(rf"(?:{LETTER}|')+")
_WORD_OF_A_PATTERN = re.compile(rf"(?:(?!\d){LETTER}|')+")


def gate(text: str, profiles: Collection[Profile]) -> Reason | None:
    """Return why nothing has to be looked up for this utterance, or None when something has.

    Args:
        text: one transcript, in any case and punctuation.
        profiles: of the languages that may be spoken; one that knows the utterance is enough.

    Returns:
        `empty` (no words, or only uh and um), `greeting`, `goodbye`, `thanks`, `handover`
        (transfer me to billing), `hold` (wait, never mind), `repeat` (say that again),
        `presence` (are you there, i have a question), `confirmation` (yes, no, correct) or
        `backchannel` (i see, wow). Of several kinds, the one with the most weight. None for
        everything else, what holds a digit included.
    """
    plain = without_accents(text.replace("’", "'").lower())
    words = _WORD.findall(plain.replace("_", " "))
    if not words:
        return "empty"
    if any(sign.isdigit() for word in words for sign in word):
        return None
    for profile in profiles:
        reason = _gate_of(profile).reason(words)
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
        self._asks = re.compile(rf"\b(?:{talk.asking})\b")
        may_ask = "|".join(talk.phrases.get(kind, NOTHING) for kind in _MAY_ASK)
        self._asks_nothing = re.compile(rf"\b(?:{may_ask})(?= |$)")
        self._named = re.compile(rf"\b(?:{talk.named})$")
        self._noise = re.compile(rf"\b(?:{talk.noises})\b(?! ?(?:{talk.after_noise}))")
        self._noise_letters = talk.noise_letters
        # Nearly every question holds words that no phrase has; it is let through before any
        # pattern is tried, which would take 0.3 ms.
        patterns = [*talk.phrases.values(), talk.loose_words]
        self._known = frozenset(_WORD_OF_A_PATTERN.findall(" ".join(patterns)))

    def reason(self, words: list[str]) -> Reason | None:
        """Return why nothing has to be looked up for some words, in plain letters."""
        content = {word for word in words if word.strip(self._noise_letters)}
        if len(content - self._known) > _MAX_UNKNOWN:
            return None
        said = " ".join(words)
        without_noise = self._noise.sub(" ", said).split()
        if not without_noise:
            return "empty"
        if len(without_noise) > _MAX_WORDS:
            return None
        if len(set(without_noise) - self._known) > _MAX_UNKNOWN:
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
                if not pattern.match(
                    said, start
                ):  # nearly always: no end need be tried
                    continue
                for end in near:
                    if pattern.fullmatch(said, start, end):
                        following = min(end + 1, len(said))
                        known = reached.get(following, frozenset())
                        reached[following] = known | reached[start] | {reason}
        return reached.get(len(said), frozenset()) - {"glue", "loose"}


_gate_of = cache(_Gate)
