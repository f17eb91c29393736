"""Threads for work that may never end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, ParamSpec, TypeAlias, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_Call: TypeAlias = tuple[Future[Any], Callable[[], Any]]


class DaemonThreads(Executor):
    """A bounded number of threads, none of which is waited for when the process ends.

    The threads of `concurrent.futures` are, so one that hangs would keep the process alive.
    """

    def __init__(
        self,
        most_threads: int,
        *,
        name: str,
        initializer: Callable[[], None] = lambda: None,
    ) -> None:
        """Start no thread yet; each is started when it is first needed.

        Args:
            initializer: called first in each thread; does not raise.
        """
        self._most_threads = most_threads
        self._name = name
        self._initializer = initializer
        self._work: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._free = 0
        """Threads without work, less the work that none has taken yet."""

    def submit(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Queue a call; cancelling the future of one that has not begun takes it out.

        Raises:
            RuntimeError: the system gives no more threads.
        """
        future: Future[T] = Future()
        with self._lock:
            starts = self._free <= 0 and self._threads < self._most_threads
            if starts:
                Thread(target=self._run, name=self._name, daemon=True).start()
                self._threads += 1
                self._free += 1
            self._free -= 1
        self._work.put((future, partial(function, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let each thread end behind the work that is queued; waits for none, cancels nothing."""
        with self._lock:
            for _ in range(self._threads):
                self._work.put(None)

    def _run(self) -> None:
        self._initializer()
        while (taken := self._work.get()) is not None:
            future, call = taken
            del taken
            if future.set_running_or_notify_cancel():
                _fulfil(future, call)
            del future, call  # kept, they would hold a turn until the next one
            with self._lock:
                self._free += 1


def _fulfil(future: Future[T], call: Callable[[], T]) -> None:
    try:
        result = call()
    except BaseException as exc:
        future.set_exception(exc)
    else:
        future.set_result(result)
