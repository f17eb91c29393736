"""Runs the handlers of routes, so that none of them fails, stalls or ends more than its own turn.

A handler is own code and may do anything: raise what ends a thread, give what is no answer, hang,
or go on after it was cancelled. Each call ends by its turn's deadline. What cannot be stopped is
left behind and counted; a handler with too many such calls is busy until some of them end.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from itertools import islice
from math import isfinite
from types import UnionType
from typing import Any, Literal, SupportsFloat, TypeAlias, cast

from kbserver.endpoint.turn import Handler, HandlerAnswer, Turn
from kbserver.errors import KbServerError
from kbserver.threads import DaemonThreads
from kbserver.types import Hit, Passage, Reason, SpokenForm

MOST_CALLS_LEFT = 32
"""Calls of one handler that have not ended with their turns; with so many it is busy."""

MOST_HITS = 50
"""Of a handler's answer; the rest is not looked at. No context has room for so many."""

MOST_CHARACTERS = 3_000
"""Of a text, and of a passage that is not as it was ingested; the rest is not looked at. What an
engine is given is shorter, and a long text would hold the event loop."""

MOST_CHARACTERS_TOGETHER = 20_000
"""Of the passages of an answer; those that come after are left out."""

MOST_NAME_CHARACTERS = 400
"""Of an id, a title, a source or a heading of such a passage."""

_UNWIND_S = 0.005  # for a cancelled handler to close what it has open
_LATE = "the handler was not done by the deadline"

Fault: TypeAlias = Literal["raised", "bad_answer", "late", "left", "busy"]
"""What can be wrong with a call. A call that is `left` is `late` as well."""


class NoAnswer(Exception):
    """A handler gave no answer; the message says why, and the cause is what it raised."""

    def __init__(self, message: str, fault: Fault, reason: Reason) -> None:
        super().__init__(message)
        self.fault = fault
        self.reason = reason


class BadAnswer(KbServerError):
    """A handler gave what cannot be answered; the message names types, and no one's words."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a call came to that raised. A value, since some exceptions would end the event loop."""

    error: BaseException


class Handlers:
    """Calls handlers. For the event loop's thread."""

    def __init__(
        self,
        *,
        count: Callable[[Fault], None] = lambda fault: None,
        most_calls_left: int = MOST_CALLS_LEFT,
    ) -> None:
        """Call none yet.

        Args:
            count: called with every fault.
            most_calls_left: of one handler; see `MOST_CALLS_LEFT`.
        """
        self._count = count
        self._most_calls_left = most_calls_left
        self._calls: dict[int, _Calls] = {}  # by the handler's identity

    async def answer(self, handler: Handler, turn: Turn) -> HandlerAnswer:
        """Let a handler answer, inside what is left of the turn's deadline.

        Returns:
            What `checked` makes of its answer.

        Raises:
            NoAnswer: it raised, gave no answer, was not done by the deadline, or is busy.
        """
        try:
            return await self._calls_of(handler).answer(turn)
        except NoAnswer as exc:
            self._count(exc.fault)
            raise

    def _calls_of(self, handler: Handler) -> _Calls:
        calls = self._calls.get(id(handler))
        if calls is None:
            calls = _Calls(handler, self._most_calls_left, self._count)
            self._calls[id(handler)] = calls
        return calls


class _Calls:
    """The calls of one handler, and those that did not end with their turns."""

    def __init__(
        self, handler: Handler, most_left: int, count: Callable[[Fault], None]
    ) -> None:
        self._handler = handler
        self._is_async = _is_async(handler)
        self._most_left = most_left
        self._count = count
        self._threads = DaemonThreads(most_left, name="kbserver-handler")
        self._left: set[Future[Any] | asyncio.Task[Any]] = set()

    async def answer(self, turn: Turn) -> HandlerAnswer:
        self._left = {call for call in self._left if not call.done()}
        if len(self._left) >= self._most_left:
            message = "too many calls of the handler have not ended; it is busy"
            raise NoAnswer(message, "busy", "handler_busy")
        left_s = max(0.0, turn.deadline.remaining_ms() / 1000.0)
        # A task of its own: the handler may refuse to be cancelled.
        call = asyncio.create_task(self._outcome(turn))
        try:
            await asyncio.wait({call}, timeout=left_s)
            if not call.done():
                call.cancel()
                await asyncio.wait({call}, timeout=_UNWIND_S)
                raise NoAnswer(_LATE, "late", "late")
        finally:
            if not call.done():
                self._leave(call)
        outcome: HandlerAnswer | _Failed = _Failed(asyncio.CancelledError())
        if not call.cancelled():  # as it is if the handler's first step never came
            outcome = call.result()
        if not isinstance(outcome, _Failed):
            return outcome
        error = outcome.error
        if isinstance(error, BadAnswer):
            raise NoAnswer(str(error), "bad_answer", "error")
        raise NoAnswer(type(error).__name__, "raised", "error") from error

    async def _outcome(self, turn: Turn) -> HandlerAnswer | _Failed:
        """Call the handler. Whatever it raises is returned."""
        try:
            answer: _FromHandler
            if self._is_async:
                answer = self._handler(turn)
            else:
                answer = await self._in_thread(turn)
            if isinstance(answer, Awaitable):
                answer = checked(await answer)
            return answer
        except BaseException as exc:
            return _Failed(exc)

    async def _in_thread(self, turn: Turn) -> _FromHandler:
        context = contextvars.copy_context()
        call = self._threads.submit(context.run, _plainly, self._handler, turn)
        try:
            return await asyncio.wrap_future(call)
        finally:
            call.cancel()
            if not call.done():  # the turn is over, and the thread is not
                self._left.add(call)
                self._count("left")

    def _leave(self, call: asyncio.Task[Any]) -> None:
        """Give up a call that goes on. At its end the loop would wait for it."""
        call.cancel()
        asyncio._unregister_task(call)
        self._left.add(call)
        self._count("left")


_FromHandler: TypeAlias = HandlerAnswer | Awaitable[HandlerAnswer] | _Failed


def _plainly(handler: Handler, turn: Turn) -> _FromHandler:
    """Call a plain handler and look at its answer, which it may work out only then."""
    try:
        answer = handler(turn)
        if isinstance(answer, Awaitable):
            return answer
        return checked(answer)
    except BaseException as exc:
        return _Failed(exc)


def _is_async(handler: Handler) -> bool:
    call = getattr(handler, "__call__", None)  # noqa: B004  # of an object: its method
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call)


def checked(answer: object) -> HandlerAnswer:
    """Return an answer as the turn goes on with it: of bounded size, and of the types it says.

    A single hit becomes a list. A number of NumPy's as a score becomes Python's. What UTF-8 cannot
    write becomes `?`.

    Raises:
        BadAnswer: it is neither hits, a text nor None, or something in a hit has a wrong type.
        Exception: whatever iterating over it raises.
    """
    if answer is None:
        return None
    if isinstance(answer, str):
        return _writable(answer)
    given: Iterable[object] = [answer]
    if isinstance(answer, Iterable):
        given = answer
    hits: list[Hit] = []
    characters = 0
    for hit in islice(given, MOST_HITS):
        if not isinstance(hit, Hit):
            kind = type(hit).__name__
            raise BadAnswer(
                f"the handler gave {kind}; it may give hits, a text, or None"
            )
        if characters >= MOST_CHARACTERS_TOGETHER:
            break
        hits.append(_checked_hit(hit))
        characters += len(hits[-1].passage.text)
    return hits


def _checked_hit(hit: Hit) -> Hit:
    """Return a hit that can be answered; the same one if nothing is to be changed."""
    _check(hit.passage, Passage, "passage")
    _check(hit.corpus, str, "corpus")
    _check(hit.arms, Mapping, "arms")
    _check(hit.spoken_form, SpokenForm | None, "spoken_form")
    passage = hit.passage
    if hit.own_spoken_form is None:  # not as it came from a search
        passage = _checked_passage(passage)
    score = _score(hit.score)
    if passage is hit.passage and score is hit.score:
        return hit
    return replace(hit, passage=passage, score=score)


def _checked_passage(passage: Passage) -> Passage:
    _check(passage.metadata, Mapping, "passage.metadata")
    _check(passage.heading_path, tuple, "passage.heading_path")
    _check(passage.text, str, "passage.text")
    changed: dict[str, Any] = {"text": _writable(passage.text)}
    for name in ("id", "title", "source"):
        changed[name] = _name(getattr(passage, name), f"passage.{name}")
    changed["heading_path"] = tuple(
        _name(heading, "passage.heading_path") for heading in passage.heading_path
    )
    if all(getattr(passage, name) == value for name, value in changed.items()):
        return passage
    return replace(passage, **changed)


def _score(score: object) -> float:
    if type(score) is not float:
        if not isinstance(score, SupportsFloat):
            raise _wrong_type(score, "a number", "score")
        try:
            score = float(score)
        except Exception as exc:
            raise _wrong_type(score, "a number", "score") from exc
    if not isfinite(score):
        raise BadAnswer(f"the handler gave a hit whose score is {score}; give a number")
    return score


def _name(value: object, field: str) -> str:
    _check(value, str, field)
    return _writable(cast(str, value), MOST_NAME_CHARACTERS)


def _check(value: object, wanted: type | UnionType, field: str) -> None:
    if not isinstance(value, wanted):
        name = getattr(wanted, "__name__", str(wanted))
        raise _wrong_type(value, name, field)


def _wrong_type(value: object, wanted: str, field: str) -> BadAnswer:
    kind = type(value).__name__
    return BadAnswer(
        f"the handler gave a hit whose {field} is of type {kind}; give {wanted}"
    )


def _writable(text: str, most_characters: int = MOST_CHARACTERS) -> str:
    """Return the beginning of a text, without halves of surrogate pairs."""
    begin = text[:most_characters]
    if begin.isascii():
        return begin
    return begin.encode("utf-8", "replace").decode("utf-8")
