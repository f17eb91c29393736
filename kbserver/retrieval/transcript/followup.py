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

from kbserver.lru import ENTRY_BYTES, LruCache
from kbserver.retrieval.transcript import english
from kbserver.types import FloatVector

EMBEDDING_SHARE: Final = 0.35
"""Of the earlier embedding; on MTRAG 0.2 … 0.5 differ by less than a point."""

TERM_WEIGHT: Final = 0.5
"""Of an earlier word, against 1 for a word of the query itself."""

MAX_TERM_SHARE: Final = 0.08
"""A word in more than this share of the passages says nothing about the subject."""

NAMING_SHARE: Final = 0.003
"""A word in less than this share of the passages names its subject by itself."""

MAX_TERMS: Final = 12

MEMORY_BYTES: Final = 64_000_000
"""Of remembered turns: some 8,000 labels with four turns each."""

_MOST_NAMED = 2  # words that name something: with no more a query is elliptical
_MOST_NAMED_INSIDE = 4  # with no more a pronoun may point outside

_WORD = re.compile(r"[a-z0-9][a-z0-9'.-]*")
_CONTINUES = re.compile(rf"(?:{english.CONTINUATIONS})\b")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn as it is remembered.

    Attributes:
        query: the cleaned query, without what was carried into it.
        at_s: monotonic seconds when it was asked.
        served: titles of the passages it was answered with, best first; () when nothing was found.
        embedding: of the query alone, shape (dim,), float32; None when the dense arm did not
            answer.
    """

    query: str
    at_s: float
    served: tuple[str, ...] = ()
    embedding: FloatVector | None = None


@dataclass(frozen=True, slots=True)
class Carry:
    """What the earlier turn adds to a query.

    Attributes:
        strength: how much the query leans on what came before, in (0, 1].
        terms: (word, weight) pairs for the lexical arm, against 1 for a word of the query itself.
        previous: the turn they come from.
    """

    strength: float
    terms: tuple[tuple[str, float], ...]
    previous: Exchange

    def blend(self, embedding: FloatVector) -> FloatVector:
        """Return the query's embedding moved towards the earlier one's.

        The sum ranks passages as the two searches' scores added up would, and costs no second
        encoding.

        Args:
            embedding: of the query, unit vector, shape (dim,), float32.

        Returns:
            Unit vector, shape (dim,), float32. The argument itself when the earlier turn has no
            embedding.
        """
        if self.previous.embedding is None:
            return embedding
        share = np.float32(EMBEDDING_SHARE * self.strength)
        mixed = embedding + share * self.previous.embedding
        length = np.linalg.norm(mixed)
        if length > 0:
            embedding = (mixed / length).astype(np.float32)
        return embedding


def dependence(query: str, *, share: Callable[[str], float] | None = None) -> float:
    """Return how much a query leans on what was said before it: 1, 0.5 or 0.

    1: it points at something outside itself ("what is the zip code for that"), goes on from
    something ("and for children"), or names no more than two things ("opening hours"). 0.5: it is
    short and holds a pronoun that may point inside, or one of its few words is so rare in the
    corpus that it names its subject. 0: it stands alone.

    Args:
        query: the cleaned query.
        share: a word → in what share of the corpus's passages it occurs; None when the corpus is
            not to be asked.
    """
    words = _words(query)
    named = [word not in english.SUBJECTLESS_WORDS for word in words]
    inside = False
    for at, word in enumerate(words):
        if _points(words, at):
            if _points_outside(words, at, named):
                return 1.0
            inside = True
        elif word in english.ALIKE:
            inside = True
    if _CONTINUES.match(_normal(query)):
        return 1.0
    count = sum(named)
    if count <= _MOST_NAMED:
        names_its_subject = share is not None and any(
            0.0 < share(word) < NAMING_SHARE
            for word, names in zip(words, named, strict=True)
            if names
        )
        if names_its_subject and not inside:
            return 0.5
        return 1.0
    if inside and count <= _MOST_NAMED_INSIDE:
        return 0.5
    return 0.0


def carry(
    query: str, past: Sequence[Exchange], *, share: Callable[[str], float]
) -> Carry | None:
    """Return what an earlier turn adds to this query; None when it stands alone.

    The turn is the newest one that stood alone: in "do you have a pool", "is it heated", "and until
    when" the third leans on the first. When none did, it is the oldest remembered.

    Args:
        query: the cleaned query.
        past: earlier turns of the same label, newest first, as `Memory.recall` returns them.
        share: a word → in what share of the corpus's passages it occurs, in [0, 1]; 0 for an
            unknown word.
    """
    if not past:
        return None
    strength = dependence(query, share=share)
    if strength == 0.0:
        return None
    standing_alone = (turn for turn in past if dependence(turn.query) < 1.0)
    anchor = next(standing_alone, past[-1])
    said = set(_words(query))
    terms: dict[str, float] = {}
    for word in _words(anchor.query):
        if word in said or word in english.SUBJECTLESS_WORDS:
            continue
        if 0.0 < share(word) <= MAX_TERM_SHARE:
            terms[word] = TERM_WEIGHT * strength
    return Carry(strength, tuple(terms.items())[:MAX_TERMS], anchor)


def _normal(text: str) -> str:
    return text.replace("’", "'").lower()


def _words(text: str) -> list[str]:
    return [word.rstrip(".'-") for word in _WORD.findall(_normal(text))]


def _points(words: Sequence[str], at: int) -> bool:
    """Tell whether the word at this place stands for something named elsewhere."""
    word = words[at]
    before = words[at - 1] if at else ""
    after = words[at + 1] if at + 1 < len(words) else ""
    if word in ("it", "its"):
        is_empty = after in english.EMPTY_IT and before in english.BEFORE_EMPTY_IT
        return not is_empty
    if word in ("that", "this"):
        ends_the_query = not after
        return (
            ends_the_query
            or after in english.AFTER_THAT
            or before in english.BEFORE_THAT
        )
    if word == "there":
        return before not in english.EXISTS and after not in english.EXISTS
    return word in english.POINTERS


def _points_outside(words: Sequence[str], at: int, named: Sequence[bool]) -> bool:
    """Tell whether nothing that is named before the pointer can be what it stands for."""
    if words[at] == "there" or not any(named[:at]):
        return True
    ends_the_query = at + 1 == len(words)
    return ends_the_query and words[at] in ("that", "this")


class _Kept(NamedTuple):
    """One turn of a label, and the bytes it takes."""

    exchange: Exchange
    bytes: int


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
        """Add a label's newest turn; its time is the exchange's own."""
        kept = _Kept(exchange, _bytes_of(exchange))
        turns = (kept, *(self._turns.peek(label) or ()))
        self._turns.put(label, turns[: self.max_turns])
        self._expire(exchange.at_s)

    def recall(self, label: str, *, now_s: float) -> tuple[Exchange, ...]:
        """Return a label's turns within the time to live, newest first; () when there are none."""
        turns = self._turns.peek(label) or ()
        return tuple(turn for turn, _ in turns if now_s - turn.at_s <= self.ttl_s)

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
