"""How many cores this process may really use, and threads that keep out of each other's way on them.

Linux wakes a thread on an idle core if it knows of one. In a virtual machine it often does not: a core that sleeps has been
given back to the host, which counts as taken. After a pause the model then began on the event loop's core in six turns of
ten, and one waited for the other while the second core slept. So for a turn that is alone the model's threads are told to
keep off the core that asks. Only Linux lets a thread be told; elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota_file: Path = _CGROUP_QUOTA) -> int:
    """Return the cores this process may use, at least 1: its CPU affinity, lowered by a container's CPU quota.

    `os.cpu_count()` counts the machine's: inside a container limited to 2 of 64 cores it gives 64, and 64
    busy threads on 2 cores lose most of their time to being throttled.

    Source: `cpu.max` of cgroup v2 holds "<quota> <period>" in microseconds, or "max <period>" for no limit.
    """
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    try:
        quota, period = quota_file.read_text().split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, round(int(quota) / int(period))))


def core_of_this_thread() -> int | None:
    """The number of the core that this thread is on; None where that is not known."""
    return _CORE() if _CORE is not None else None


def keep_off(core: int | None, thread: int) -> None:
    """Let another thread run on this thread's cores but one; with None on all of them. With one core there is no choice.

    Args:
        core: the number of a core.
        thread: `native_id` of a thread of this process.
    """
    if _CORE is None:
        return
    ours = os.sched_getaffinity(0)
    with suppress(OSError):  # the thread is gone, or so is the core
        os.sched_setaffinity(thread, ours - {core} or ours)


def sleep_in_place(seconds: float) -> None:
    """Sleep, and wake up on the same core."""
    core, ours = (
        core_of_this_thread(),
        os.sched_getaffinity(0) if _CORE is not None else set(),
    )
    if core not in ours:  # not known, or taken from us a moment ago
        time.sleep(seconds)
        return
    with suppress(OSError):
        os.sched_setaffinity(0, {core})
    try:
        time.sleep(seconds)
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, ours)


def _sched_getcpu() -> Callable[[], int] | None:
    """The C library's, called without giving up the interpreter's lock: for half a microsecond that costs more."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)


_CORE = _sched_getcpu()
