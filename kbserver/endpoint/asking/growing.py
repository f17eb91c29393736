"""Words that go on: engines that answer early ask with unfinished sentences several times a turn.

They are one turn. Work for words that have gone on is dropped, and what was counted for them is
taken back, so that the last words count alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from kbserver.retrieval.transcript.followup import grows

GOES_ON_S = 5.0
"""After its answer, in which words may still go on; later they are another turn."""

MOST_SESSIONS = 10_000
"""Whose last words are kept; the one that was silent longest goes first."""

T = TypeVar("T")


@dataclass(slots=True)
class _Asked(Generic[T]):
    """The last words of a session."""

    said: str
    task: asyncio.Task[object] | None
    """That works on the answer; None once there is one."""
    answer: T | None = None
    at_s: float = 0.0
    """Of the answer, monotonic."""
    gone_on: bool = False


class GrowingTurns(Generic[T]):
    """The last words of each session. For the event loop's thread."""

    def __init__(
        self,
        take_back: Callable[[T], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know of no words yet.

        Args:
            take_back: is given an answer whose words have gone on since.
            clock: monotonic seconds.
        """
        self._take_back = take_back
        self._clock = clock
        self._asked: OrderedDict[str, _Asked[T]] = OrderedDict()

    def __len__(self) -> int:
        """How many sessions are remembered."""
        return len(self._asked)

    async def latest(
        self, session: str, said: str, answer: Callable[[], Awaitable[T]]
    ) -> T | None:
        """Answer words; None if they went on meanwhile, and the work was dropped.

        The same words once more are no growth: both are answered.

        Args:
            session: of one speaker.
            said: the words as they were heard.
            answer: does the work; it may be cancelled where it waits.
        """
        asked = _Asked[T](said, asyncio.current_task())
        before = self._asked.pop(session, None)
        if before is not None and before.said != said and grows(before.said, said):
            self._go_on(before)
        self._forget()
        self._asked[session] = asked
        try:
            found = await answer()
        except asyncio.CancelledError:
            if not self._was_dropped(asked):
                raise
            return None
        finally:
            asked.task = None
        if self._was_dropped(asked):  # by work that cannot be cancelled
            self._take_back(found)
            return None
        asked.answer, asked.at_s = found, self._clock()
        return found

    def _forget(self) -> None:
        """Forget sessions whose words can go on no more, and one of too many."""
        now_s = self._clock()
        while self._asked:
            longest_ago = next(iter(self._asked.values()))
            goes_on = longest_ago.task or now_s - longest_ago.at_s <= GOES_ON_S
            if goes_on and len(self._asked) < MOST_SESSIONS:
                return
            self._asked.popitem(last=False)

    def _go_on(self, before: _Asked[T]) -> None:
        """Drop the work for words that have gone on, or take its answer back."""
        before.gone_on = True
        if before.task is not None:
            before.task.cancel()
        elif before.answer is not None and self._clock() - before.at_s <= GOES_ON_S:
            self._take_back(before.answer)

    def _was_dropped(self, asked: _Asked[T]) -> bool:
        """Whether the words have gone on; if so, the task's cancelling is over."""
        task = asyncio.current_task()
        if not asked.gone_on or task is None:
            return False
        return task.uncancel() == 0
