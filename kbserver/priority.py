"""Work in the background gives way to turns where cores are short."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess

NICENESS = 10
"""Of background work: a tenth of another thread's share of a core that both want."""


def yield_to_turns() -> None:
    """Lower the priority of the calling thread; does nothing where a thread has none of its own.

    Source: setpriority(2): on Linux a nice value belongs to a thread.
    """
    if sys.platform != "linux":
        return
    # A container may forbid it; the thread then works as before.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def yield_process_to_turns() -> None:
    """Lower the priority of this process; its threads started from here on inherit it."""
    os.nice(NICENESS)


_LONGEST_PAUSE_S = 60.0  # before a process that keeps ending is started again


@contextmanager
def process_beside(
    target: Callable[..., None],
    *args: object,
    name: str,
    again_s: float | None = None,
) -> Iterator[None]:
    """Run a function in a process of its own while the block runs; it gives way to turns.

    A process that must end with this one, however that ends, calls `once_parent_ended`.

    Args:
        target: importable by name, as is what it is given.
        again_s: how many seconds after its end it is started again, twice as many after each
            further end, up to a minute; None: never.
    """
    context = multiprocessing.get_context("spawn")

    def started() -> BaseProcess:
        process = context.Process(
            target=_beside, args=(target, *args), name=name, daemon=True
        )
        process.start()
        return process

    processes = [started()]
    stop, lock = threading.Event(), threading.Lock()

    def start_again() -> None:
        pause_s = again_s or 0.0
        while not stop.is_set():
            processes[-1].join()
            if stop.wait(pause_s):
                return
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            with lock:
                if not stop.is_set():
                    processes.append(started())
                    del processes[0]

    if again_s is not None:
        threading.Thread(target=start_again, name=name, daemon=True).start()
    try:
        yield
    finally:
        with lock:
            stop.set()
        processes[-1].terminate()
        processes[-1].join()


def _beside(target: Callable[..., None], *args: object) -> None:
    yield_process_to_turns()
    target(*args)


def once_parent_ended(act: Callable[[], object]) -> None:
    """Do something as soon as the process ended that started this one, in a thread."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
        act()

    threading.Thread(target=wait, daemon=True).start()
