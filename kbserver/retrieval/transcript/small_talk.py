"""Utterances that ask nothing, so that nothing is looked up for them.

An utterance is small talk when it is made of small-talk phrases from its first word to its last.
One word outside them ("thanks and what are your hours") and it is a question. The list is closed on
purpose: what it does not know goes to retrieval, where a low score still abstains. A question kept
out here would be lost for good.
"""

from __future__ import annotations

import re
from typing import Final

from kbserver.retrieval.transcript import other_languages
from kbserver.retrieval.transcript.english import (
    AFTER_NOISE,
    ASKING,
    BEFORE_A_NAME,
    LOOSE_WORDS,
    NOISE_LETTERS,
    NOISES,
    SMALL_TALK,
)
from kbserver.retrieval.transcript.other_languages import without_accents
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
_SMALL_TALK_QUESTIONS = "|".join(SMALL_TALK[reason] for reason in _MAY_ASK)

_IN_ALL_LANGUAGES = {
    reason: "|".join(filter(None, (pattern, other_languages.SMALL_TALK.get(reason))))
    for reason, pattern in SMALL_TALK.items()
}
_PHRASES = {
    reason: re.compile(rf"(?:{pattern})(?= |$)")
    for reason, pattern in _IN_ALL_LANGUAGES.items()
}
_ACKNOWLEDGES: Final[tuple[Reason, ...]] = ("confirmation", "backchannel")

_PHRASES_AND_LOOSE_WORDS = _PHRASES | {
    "loose": re.compile(rf"(?:{LOOSE_WORDS})(?= |$)")
}
_ASKS = re.compile(rf"\b(?:{ASKING})\b")
_ASKS_NOTHING = re.compile(rf"\b(?:{_SMALL_TALK_QUESTIONS})(?= |$)")
_NAMED = re.compile(rf"\b(?:{BEFORE_A_NAME}) ([a-z']+)$|\b(?:what|which) (fine|deal)$")
_NOISE = re.compile(rf"\b(?:{NOISES})\b(?! ?(?:{AFTER_NOISE}))")
_DIGIT_OR_FOREIGN = re.compile(r"[0-9]|[^\x00-\x7f]")
_NOT_A_WORD = re.compile(r"[^a-z' ]+")

# Nearly every question holds words that no phrase has; it is let through before any pattern is
# tried, which would take 0.3 ms.
_KNOWN = frozenset(
    re.findall(r"[a-z']+", " ".join([*_IN_ALL_LANGUAGES.values(), LOOSE_WORDS]))
)


def gate(text: str) -> Reason | None:
    """Return why nothing has to be looked up for this utterance, or None when something has.

    Args:
        text: one transcript, in any case and punctuation.

    Returns:
        `empty` (no words, or only uh and um), `greeting`, `goodbye`, `thanks`, `handover`
        (transfer me to billing), `hold` (wait, never mind), `repeat` (say that again),
        `presence` (are you there, i have a question), `confirmation` (yes, no, correct) or
        `backchannel` (i see, wow). Of several kinds, the one with the most weight. None for
        everything else, digits and scripts other than Latin included.
    """
    lower = without_accents(text.replace("’", "'").lower())
    signs = _DIGIT_OR_FOREIGN.findall(lower)
    if any(sign.isdigit() or sign.isalpha() for sign in signs):
        return None
    words = _NOT_A_WORD.sub(" ", lower).split()
    content = {word for word in words if word.strip(NOISE_LETTERS)}
    if len(content - _KNOWN) > _MAX_UNKNOWN:
        return None
    said = " ".join(words)
    without_noise = _NOISE.sub(" ", said).split()
    if not without_noise:
        return "empty"
    if len(without_noise) > _MAX_WORDS:
        return None
    if len(set(without_noise) - _KNOWN) > _MAX_UNKNOWN:
        return None
    if _names_a_thing(" ".join(without_noise)):
        return None
    kinds = _cover(" ".join(without_noise))
    if not kinds and len(words) <= _MAX_WORDS:
        kinds = _cover(said)
    for reason in _WEIGHT:
        if reason in kinds:
            return reason
    return None


def _names_a_thing(said: str) -> bool:
    """Tell whether the text ends in an acknowledgement that stands for a thing: `the fine`."""
    name = _NAMED.search(said)
    if name is None:
        return False
    word = name[1] or name[2]
    return any(_PHRASES[kind].fullmatch(word) for kind in _ACKNOWLEDGES)


def _cover(said: str) -> frozenset[str]:
    """Return the kinds of phrases that cover the text without a gap; empty when none do.

    Visits the word boundaries that phrases reach, from left to right. Tries at most
    words x kinds patterns, whatever the text.
    """
    patterns = _PHRASES_AND_LOOSE_WORDS
    if _ASKS.search(_ASKS_NOTHING.sub(" ", said)):
        patterns = _PHRASES
    reached: dict[int, frozenset[str]] = {0: frozenset()}
    ends = [at for at, sign in enumerate(said) if sign == " "]
    starts = [0] + [end + 1 for end in ends]
    ends.append(len(said))
    for start in starts:
        if start not in reached:
            continue
        near = [end for end in ends if end > start][:_LONGEST_PHRASE]
        for reason, pattern in patterns.items():
            if not pattern.match(said, start):  # nearly always: no end need be tried
                continue
            for end in near:
                if pattern.fullmatch(said, start, end):
                    following = min(end + 1, len(said))
                    known = reached.get(following, frozenset())
                    reached[following] = known | reached[start] | {reason}
    return reached.get(len(said), frozenset()) - {"glue", "loose"}
