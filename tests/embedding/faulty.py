"""A model that can be made to fail, hang or take its time, and a clock that is set by hand."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from kbserver.embedding.base import Progress
from kbserver.types import FloatMatrix, ModelIdentity

PATIENCE_S = 60.0
"""How long a test waits for an event that must come; no test waits for one that must not."""


class HandClock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FaultyModel:
    """Gives each text the vector (its length, `value`, 0), after what `trouble` does."""

    def __init__(
        self,
        *,
        name: str = "faulty",
        queries_per_call: int = 1,
        side_by_side: bool | None = None,
        time_passes: Callable[[Sequence[str]], None] = lambda texts: None,
    ) -> None:
        self.identity = ModelIdentity(name, fingerprint=name, dim=3, max_tokens=256)
        self.backend = "none"
        self.queries_per_call = queries_per_call
        self.side_by_side = queries_per_call == 1
        if side_by_side is not None:
            self.side_by_side = side_by_side
        self.time_passes = time_passes
        """Moves a clock in every call, those of the warm-up too."""
        self.trouble: Callable[[Sequence[str]], None] = lambda texts: None
        """What happens in a call after the warm-up."""
        self.value = 1.0
        self.calls: list[list[str]] = []
        """The texts of each call after the warm-up."""
        self.closed = threading.Event()

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        self.time_passes(texts)
        if not _of_the_warm_up(texts):
            self.calls.append(list(texts))
            self.trouble(texts)
        rows = [[len(text), self.value, 0.0] for text in texts]
        return np.array(rows, np.float32)

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        return self.embed_queries(texts)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def pieces(self, text: str) -> list[str]:
        return text.split()

    def close(self) -> None:
        self.closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _of_the_warm_up(texts: Sequence[str]) -> bool:
    return any(text == "warm up" or text.startswith("a question of") for text in texts)


class Gate:
    """A `trouble` that holds every call until the gate is opened."""

    def __init__(self) -> None:
        self.held = 0
        self._lock = threading.Lock()
        self._entered = threading.Semaphore(0)
        self._open = threading.Event()

    def __call__(self, texts: Sequence[str]) -> None:
        with self._lock:
            self.held += 1
        self._entered.release()
        self._open.wait(PATIENCE_S)

    def open(self) -> None:
        self._open.set()

    def wait_for_call(self) -> None:
        """Block this thread until one more call is held."""
        assert self._entered.acquire(timeout=PATIENCE_S), "no call came"


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until something has come about."""
    patience = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < patience, "it did not come about"
        await asyncio.sleep(0.002)
