"""Follow-ups: what a query leans on when it does not stand alone, without a language model.

The engine sends one utterance and a session label, so the memory is here: per label a short ring of
what was asked and what was served, which expires. `dependence` tells from the words alone how much
a query leans on the one before ("and how much is that"). `carry` turns that into extra lexical
terms and a share of the earlier query's embedding.

Both arms are linear in the query, so adding a share ranks the raw and the carried query and fuses
them in one search: a wrong carry moves the ranking a little, and never hides what the raw query
finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from sys import getsizeof
from typing import Final, NamedTuple

import numpy as np

from kbserver.languages import PROFILES, neutral
from kbserver.languages.letters import LETTER, one_spelling, without_accents
from kbserver.languages.profile import FollowUps, Profile
from kbserver.lru import ENTRY_BYTES, LruCache, bytes_of, remembered
from kbserver.retrieval.transcript.cleaning import phrase_size
from kbserver.types import FloatVector

EMBEDDING_SHARE: Final = 0.35
"""Of the earlier embedding; on MTRAG 0.2 … 0.5 differ by less than a point."""

TERM_WEIGHT: Final = 0.5
"""Of an earlier word, against 1 for a word of the query itself."""

SHORT_WEIGHT: Final = 1.0
"""Of a short question that a follow-up leans on."""

LONG_WEIGHT: Final = 0.5
"""Of the longer one before it, which both may be about."""

MAX_TERM_SHARE: Final = 0.08
"""A word in more than this share of the passages says nothing about the subject."""

NAMING_SHARE: Final = 0.003
"""A word in less than this share of the passages names its subject by itself."""

NAMING_PASSAGES: Final = 2
"""In a small corpus, a word in at most so many passages names its subject as well."""

NAMELESS_STRENGTH: Final = 2.0
"""How much a query leans that names nothing at all, against 1 for one that names something."""

MAX_TERMS: Final = 12

MEMORY_BYTES: Final = 64_000_000
"""Of remembered turns: some 8,000 labels with four turns each."""

_MOST_NAMED = 2  # words that name something: with no more a query is elliptical
_MOST_NAMED_INSIDE = 4  # with no more a pronoun may point outside

_WORDS_BYTES = 1_000_000  # of some 500 queries

_WORD = re.compile(rf"[^\W_](?:{LETTER}|['.-])*")

_CONTINUES = {
    one: re.compile(rf"(?:{one.follow_ups.continues})(?!{LETTER})")
    for one in (neutral.PROFILE, *PROFILES.values())
}
"""What a question begins with that goes on, compiled once."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn as it is remembered.

    Attributes:
        query: the cleaned query, without what was carried into it.
        at_s: monotonic seconds when it was asked.
        served: titles of the passages it was answered with, best first; () when nothing was found.
        embedding: of the query alone, shape (dim,), float32; None when the dense arm did not
            answer.
        profile: of the language that the query was heard in.
        said: the query as it was heard; "" where only the cleaned one is known.
    """

    query: str
    at_s: float
    served: tuple[str, ...] = ()
    embedding: FloatVector | None = None
    profile: Profile = neutral.PROFILE
    said: str = ""

    def goes_on(self, later: Exchange) -> bool:
        """Tell whether later words are this turn's, said further, or the same once more.

        What is heard later may change how the beginning is cleaned, so what was heard counts, too.
        """
        return _begins(self, later) or grows(self.said, later.said)


def grows(earlier: str, later: str) -> bool:
    """Tell whether an utterance is the beginning of a later one, or the same; never an empty one.

    Case, white space and the punctuation at the beginning's end may differ.
    """
    beginning = " ".join(earlier.split()).casefold().rstrip(" .,!?…")
    if not beginning:
        return False
    return " ".join(later.split()).casefold().startswith(beginning)


@dataclass(frozen=True, slots=True)
class Carry:
    """What the earlier turn adds to a query.

    Attributes:
        strength: how much the query leans on what came before, in (0, 2].
        terms: (word, weight) pairs for the lexical arm, against 1 for a word of the query itself.
        anchors: the turns they come from, newest first, each with its weight.
    """

    strength: float
    terms: tuple[tuple[str, float], ...]
    anchors: tuple[tuple[Exchange, float], ...]

    def blend(self, embedding: FloatVector) -> FloatVector:
        """Return the query's embedding moved towards the earlier ones'.

        The sum ranks passages as the two searches' scores added up would, and costs no second
        encoding.

        Args:
            embedding: of the query, unit vector, shape (dim,), float32.

        Returns:
            Unit vector, shape (dim,), float32. The argument itself when no earlier turn has an
            embedding.
        """
        mixed = embedding
        for turn, weight in self.anchors:
            if turn.embedding is not None:
                share = np.float32(EMBEDDING_SHARE * self.strength * weight)
                mixed = mixed + share * turn.embedding
        if mixed is embedding:
            return embedding
        length = np.linalg.norm(mixed)
        if length > 0:
            embedding = (mixed / length).astype(np.float32)
        return embedding


def naming_share(passages: int) -> float:
    """Return the share of passages up to which a word names its subject, for a corpus's size."""
    return max(NAMING_SHARE, NAMING_PASSAGES / max(passages, 1))


def dependence(
    query: str,
    profile: Profile,
    *,
    share: Callable[[str], float] | None = None,
    naming: float = NAMING_SHARE,
) -> float:
    """Return how much a query leans on what was said before it: 1, 0.5 or 0.

    1: it points at something outside itself ("what is the zip code for that"), goes on from
    something ("and for children"), or names no more than two things ("opening hours"). 0.5: it is
    short and holds a pronoun that may point inside, or one of its few words is so rare in the
    corpus that it names its subject. 0: it stands alone, or its language has no profile.

    Args:
        query: the cleaned query.
        profile: of the language that it was heard in.
        share: a word → in what share of the corpus's passages it occurs; None when the corpus is
            not to be asked.
        naming: a word in at most this share of the passages names its subject by itself.
    """
    follow_ups = profile.follow_ups
    if not follow_ups.subjectless:
        return 0.0
    words = _words(query)
    named = _named(words, follow_ups)
    if _goes_on(query, words, named, profile):
        return 1.0
    inside = any(
        word in follow_ups.alike or _points(words, at, follow_ups)
        for at, word in enumerate(words)
    )
    count = sum(named)
    if count <= _MOST_NAMED:
        names_its_subject = share is not None and any(
            0.0 < share(word) <= naming
            for word, names in zip(words, named, strict=True)
            if names
        )
        if names_its_subject and not inside:
            return 0.5
        return 1.0
    if inside and count <= _MOST_NAMED_INSIDE:
        return 0.5
    return 0.0


def is_full(query: str, profile: Profile) -> bool:
    """Tell whether a query is a whole question about something it names, however short.

    "when is the canteen open" is; "is it heated", "and on sundays" and "opening hours" are not.
    """
    follow_ups = profile.follow_ups
    words = _words(query)
    named = _named(words, follow_ups)
    if not any(named) or _goes_on(query, words, named, profile):
        return False
    return sum(named) > _MOST_NAMED or words[0] in follow_ups.asking


def carry(
    query: str,
    profile: Profile,
    past: Sequence[Exchange],
    *,
    share: Callable[[str], float],
    naming: float = NAMING_SHARE,
) -> Carry | None:
    """Return what an earlier turn adds to this query; None when it stands alone.

    The turn is the newest full question: in "do you have a pool", "is it heated", "and until when"
    the third leans on the first. When there is none, it is the oldest remembered. A short question
    that may itself have leaned on a longer one takes that one along.

    Args:
        query: the cleaned query.
        profile: of the language that it was heard in.
        past: earlier turns of the same label, newest first, as `Memory.recall` returns them.
        share: a word → in what share of the corpus's passages it occurs, in [0, 1]; 0 for an
            unknown word.
        naming: see `dependence`.
    """
    if not past:
        return None
    strength = dependence(query, profile, share=share, naming=naming)
    if strength == 0.0:
        return None
    said = set(_words(query))
    if not any(_named(_words(query), profile.follow_ups)):
        strength = NAMELESS_STRENGTH
    anchors = _anchors(past, share, naming)
    terms: dict[str, float] = {}
    for turn, weight in anchors:
        subjectless = turn.profile.follow_ups.subjectless
        for word in _words(turn.query):
            if word in said or word in subjectless:
                continue
            if 0.0 < share(word) <= MAX_TERM_SHARE:
                terms.setdefault(word, TERM_WEIGHT * strength * weight)
    return Carry(strength, tuple(terms.items())[:MAX_TERMS], anchors)


def _anchors(
    past: Sequence[Exchange], share: Callable[[str], float], naming: float
) -> tuple[tuple[Exchange, float], ...]:
    """Return the turns that a query may lean on, newest first, each with its weight."""
    full = [place for place, turn in enumerate(past) if _is_full(turn)]
    if not full:
        return ((past[-1], 1.0),)
    newest = past[full[0]]
    leans = dependence(newest.query, newest.profile, share=share, naming=naming)
    if leans < 1.0:
        return ((newest, 1.0),)
    for turn in past[full[0] + 1 :]:
        if dependence(turn.query, turn.profile) < 1.0:
            return (newest, SHORT_WEIGHT), (turn, LONG_WEIGHT)
    return ((newest, 1.0),)


def _normal(text: str) -> str:
    return one_spelling(text.replace("’", "'").lower())


def _cut(text: str) -> tuple[str, ...]:
    return tuple(word.rstrip(".'-") for word in _WORD.findall(_normal(text)))


def _size_of_words(text: str, words: Sequence[str]) -> int:
    return bytes_of(text, words) + sum(map(getsizeof, words))


_words = remembered(_cut, most_bytes=_WORDS_BYTES, size_of=_size_of_words)
"""Return the words of a query, lower case. A turn looks at its own and at those before it."""


def _named(words: Sequence[str], follow_ups: FollowUps) -> list[bool]:
    """Tell of each word whether it names something."""
    return [word not in follow_ups.subjectless for word in words]


def _goes_on(
    query: str, words: Sequence[str], named: Sequence[bool], profile: Profile
) -> bool:
    """Tell whether a query points at something outside itself, or goes on from something."""
    if _CONTINUES[profile].match(without_accents(_normal(query))):
        return True
    follow_ups = profile.follow_ups
    return any(
        _points(words, at, follow_ups) and _points_outside(words, at, named, follow_ups)
        for at in range(len(words))
    )


def _points(words: Sequence[str], at: int, follow_ups: FollowUps) -> bool:
    """Tell whether the word at this place stands for something named elsewhere."""
    word = words[at]
    before = words[at - 1] if at else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if word in follow_ups.it:
        after_empty = after in follow_ups.after_empty_it
        return not (after_empty and before in follow_ups.before_empty_it)
    if word in follow_ups.that:
        ends_the_query = not after
        return (
            ends_the_query
            or after in follow_ups.after_that
            or before in follow_ups.before_that
        )
    if word in follow_ups.there:
        return before not in follow_ups.exists and after not in follow_ups.exists
    return word in follow_ups.pointers


def _points_outside(
    words: Sequence[str], at: int, named: Sequence[bool], follow_ups: FollowUps
) -> bool:
    """Tell whether nothing that is named before the pointer can be what it stands for."""
    if words[at] in follow_ups.there or not any(named[:at]):
        return True
    ends_the_query = at + 1 == len(words)
    return ends_the_query and words[at] in follow_ups.that


class _Kept(NamedTuple):
    """One turn of a label, and the bytes it takes."""

    exchange: Exchange
    bytes: int


def _begins(earlier: Exchange, later: Exchange) -> bool:
    """Tell whether the later query is the earlier one, said further."""
    beginning = _text_without_openers(earlier)
    return _text_without_openers(later).startswith(beginning)


def _text_without_openers(turn: Exchange) -> str:
    """Return the words of a query behind its acknowledgements, which come and go as it grows."""
    words = [without_accents(word) for word in _words(turn.query)]
    begin = 0
    while True:
        opener = phrase_size(turn.profile.noises.openers, words, begin)
        if not opener:
            return " ".join(words[begin:])
        begin += opener


def _is_full(turn: Exchange) -> bool:
    return is_full(turn.query, turn.profile)


def _without_least_needed(turns: Sequence[_Kept]) -> tuple[_Kept, ...]:
    """Leave out the oldest turn, or the next one if that is the last full question.

    Args:
        turns: newest first.
    """
    *newer, oldest = turns
    newer_is_full = any(_is_full(turn.exchange) for turn in newer)
    if not newer_is_full and _is_full(oldest.exchange):
        return (*newer[:-1], oldest)
    return tuple(newer)


class Memory:
    """The last turns of each session label, bounded in bytes, turns and age.

    Labels share nothing. It reads no clock: the caller passes monotonic seconds. Not for concurrent
    use; the event loop owns it.
    """

    def __init__(
        self,
        *,
        most_bytes: int = MEMORY_BYTES,
        max_turns: int = 4,
        ttl_s: float = 600.0,
    ) -> None:
        """Start empty.

        Args:
            most_bytes: beyond them the label that was silent longest is forgotten.
            max_turns: per label; the oldest goes first.
            ttl_s: seconds after which a turn is forgotten. Calls pause for minutes, and labels may
                come back the next day.
        """
        self.max_turns = max_turns
        self.ttl_s = ttl_s
        # newest first
        self._turns: LruCache[str, tuple[_Kept, ...]] = LruCache(most_bytes, _size)

    def __len__(self) -> int:
        """Return how many labels are held, expired ones included until they are next looked at."""
        return len(self._turns)

    def remember(self, label: str, exchange: Exchange) -> None:
        """Add a label's newest turn; its time is the exchange's own.

        It takes the place of the turn before if that was its beginning: engines that ask while
        the caller still speaks send "and", "and how", "and how much". Of too many turns the
        oldest goes, but never the full question that the others lean on.
        """
        kept = _Kept(exchange, _bytes_of(exchange))
        # Two more than are recalled: the newest may still grow, and what it grows to may be the
        # turn before it once more.
        settled = self._settled(label, exchange, self.max_turns + 1)
        self._turns.put(label, (kept, *settled))
        self._expire(exchange.at_s)

    def recall(
        self, label: str, *, now_s: float, before: Exchange | None = None
    ) -> tuple[Exchange, ...]:
        """Return a label's turns within the time to live, newest first; () when there are none.

        Args:
            before: what is asked now: its own beginning is no earlier turn. None: all turns.
        """
        turns = self._settled(label, before, self.max_turns)
        return tuple(turn for turn, _ in turns if now_s - turn.at_s <= self.ttl_s)

    def _settled(
        self, label: str, before: Exchange | None, most: int
    ) -> tuple[_Kept, ...]:
        """Return the turns before another one, newest first, `most` of them."""
        turns = self._turns.peek(label) or ()
        while turns and before is not None and turns[0].exchange.goes_on(before):
            turns = turns[1:]
        while len(turns) > most:
            turns = _without_least_needed(turns)
        return turns

    def forget(self, label: str) -> None:
        """Drop everything about a label; do nothing when there is nothing."""
        self._turns.pop(label)

    def _expire(self, now_s: float) -> None:
        """Drop the labels whose newest turn is too old, from the one silent longest on."""
        while len(self._turns):
            label = next(iter(self._turns))
            turns = self._turns.peek(label)
            if turns and now_s - turns[0].exchange.at_s <= self.ttl_s:
                return
            self._turns.pop(label)


def _size(label: str, turns: Sequence[_Kept]) -> int:
    return getsizeof(label) + sum(turn.bytes for turn in turns)


def _bytes_of(exchange: Exchange) -> int:
    size = ENTRY_BYTES + getsizeof(exchange.query)
    size += sum(map(getsizeof, exchange.served))
    if exchange.embedding is not None:
        size += exchange.embedding.nbytes
    return size
