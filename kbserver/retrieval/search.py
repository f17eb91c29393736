"""One search under way: where its parts are done, and what they bring."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from kbserver.deadline import Deadline
from kbserver.retrieval.lexical import LexicalFound
from kbserver.types import FloatVector, Hit

P = ParamSpec("P")
T = TypeVar("T")

_SMOOTHING = 0.05  # weight of the newest piece of work in the usual cost


@dataclass(frozen=True, slots=True)
class Words:
    """What the search by words brought."""

    found: LexicalFound | None
    """None where only the dense arm is wanted."""
    ms: float
    """How long it took."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The query as the dense arm searches for it."""

    embedding: FloatVector
    """Of the query alone, shape (dim,)."""
    vector: FloatVector
    """What is searched with: the embedding, moved towards the earlier question of a follow-up, shape (dim,)."""
    ms: float
    """How long it took to have it."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """What both arms found together."""

    hits: Sequence[Hit]
    """Best first."""
    degraded: str | None
    """Which arm was left out and why, as in `hybrid.Retrieval`; None if none was."""
    nothing: str
    """`late` if neither arm was in time, else empty."""
    stages_ms: Mapping[str, float]


class Search:
    """One search under way: words and meaning side by side, then both ranked.

    A small one is done in the event loop's thread, while the model works in another. In an executor, whichever thread first
    knows what became of the embedding goes on with it: between the model and the ranking nobody waits for the event loop.
    """

    def __init__(
        self,
        executor: Executor | None,
        words: Callable[[], Words],
        rank: Callable[[Future[Words], Asked | str], Ranked],
    ) -> None:
        self._ranked: asyncio.Future[Ranked | None] = (
            asyncio.get_running_loop().create_future()
        )
        self.asked: Asked | str = "late"
        """The query as the dense arm searches for it, or in a word why there is none."""
        self._executor = executor
        self._words = words
        self._rank = rank
        self._by_words: Future[Words] = Future()
        self._ranking: Future[None] | None = None
        self._gone_on = threading.Lock()

    @property
    def in_loop(self) -> bool:
        """Whether all is done in the event loop's thread."""
        return self._executor is None

    def begin_words(self) -> None:
        """Search by words."""
        if self._executor is None:
            self._search_words()
        else:
            self._executor.submit(self._search_words)

    def go_on(self, asked: Asked | str, *, words_too: bool = False) -> None:
        """Rank with what became of the embedding; the first call counts. From any thread, if there is an executor.

        Args:
            words_too: they were not begun; one thread does both.
        """
        if not self._gone_on.acquire(blocking=False):
            return
        self.asked = asked
        if self._executor is None:
            self._settle(self._worked(words_too))
        else:
            with suppress(RuntimeError):  # the server is closing
                self._ranking = self._executor.submit(self._work, words_too)

    def rehearse(self, asked: Asked | str) -> None:
        """Rank once the words are there, for nothing but that it is done sooner the next time."""
        with suppress(Exception):  # whatever it is, the real one meets it as well
            self._rank(self._by_words, asked)

    async def until(self, deadline: Deadline) -> Ranked | None:
        """What both arms found, ranked; None if it is not there by the deadline.

        Raises:
            Exception: whatever the ranking raised.
        """
        if self._ranked.done():
            return self._ranked.result()
        left_s = max(0.0, deadline.remaining_ms() / 1000.0)
        alarm = self._ranked.get_loop().call_later(left_s, self._settle, None)
        try:
            return await self._ranked
        finally:
            alarm.cancel()

    def give_up(self) -> None:
        """Begin nothing more; nothing to do where all is over."""
        self._gone_on.acquire(blocking=False)
        self._ranked.cancel()
        if self._ranking is not None:
            self._ranking.cancel()

    def words_if_done(self) -> Words | None:
        """What the search by words found, if it is over and went well; else it is called off."""
        if self._by_words.done() and self._by_words.exception() is None:
            return self._by_words.result()
        self._by_words.cancel()
        return None

    def _search_words(self) -> None:
        if self._by_words.set_running_or_notify_cancel():
            try:
                self._by_words.set_result(self._words())
            except Exception as exc:  # whoever asks for the result meets it there
                self._by_words.set_exception(exc)

    def _work(self, words_too: bool) -> None:
        ranked = self._worked(words_too)
        with suppress(RuntimeError):  # the event loop is gone
            self._ranked.get_loop().call_soon_threadsafe(self._settle, ranked)

    def _worked(self, words_too: bool) -> Ranked | Exception:
        if words_too:
            self._search_words()
        try:
            return self._rank(self._by_words, self.asked)
        except Exception as exc:  # for whoever asked
            return exc

    def _settle(self, ranked: Ranked | Exception | None) -> None:
        if self._ranked.done():  # given up, or too late
            return
        if isinstance(ranked, Exception):
            self._ranked.set_exception(ranked)
        else:
            self._ranked.set_result(ranked)


class Cost:
    """What a piece of work usually costs, in whichever thread it is done."""

    def __init__(self) -> None:
        self.usual_ms = float("inf")
        """Milliseconds of CPU time: those that pass while others have the core or the lock are not its own."""

    def of(self, work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Do the work and learn from what it cost."""
        begun_s = time.thread_time()
        try:
            return work(*args, **options)
        finally:
            ms = (time.thread_time() - begun_s) * 1000.0
            self.usual_ms = (
                ms
                if self.usual_ms == float("inf")
                else self.usual_ms + _SMOOTHING * (ms - self.usual_ms)
            )
