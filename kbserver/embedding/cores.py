"""The cores this process may use, and threads that keep off each other's core.

Linux wakes a thread on an idle core if it knows of one. In a virtual machine it often does
not, and the model then begins on the event loop's core while another one sleeps. So the
model's threads are kept off the core that asks. Only Linux lets a thread be bound to cores;
elsewhere nothing is done.
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
    """Return the cores this process may use: its CPU affinity, lowered by a container's quota.

    `os.cpu_count()` counts the machine's cores. In a container limited to 2 of 64, as many
    busy threads lose most of their time to being throttled.

    Returns:
        At least 1.

    Source: `cpu.max` of cgroup v2 holds "<quota> <period>" in microseconds, or "max <period>"
    for no limit.
    """
    cores = _cores_by_affinity()
    try:
        quota, period = quota_file.read_text().split()
        if quota == "max":
            return cores
        allowed = round(int(quota) / int(period))
    except (OSError, ValueError):
        return cores
    return max(1, min(cores, allowed))


def core_of_this_thread() -> int | None:
    """The number of the core that this thread is on; None where that is not known."""
    if _current_core is None:
        return None
    return _current_core()


def keep_off(core: int | None, thread: int) -> None:
    """Let another thread run on this thread's cores except one.

    Args:
        core: the number of a core; None excludes none. This thread's only core is not excluded.
        thread: `native_id` of a thread of this process. One that has ended is ignored.
    """
    if _current_core is None:
        return
    ours = os.sched_getaffinity(0)
    others = ours - {core}
    with suppress(OSError):  # the thread or the core is gone
        os.sched_setaffinity(thread, others or ours)


def sleep_in_place(seconds: float) -> None:
    """Sleep, and wake up on the same core."""
    if _current_core is None:
        time.sleep(seconds)
        return
    core = _current_core()
    ours = os.sched_getaffinity(0)
    if core not in ours:  # it was taken from this process a moment ago
        time.sleep(seconds)
        return
    with suppress(OSError):
        os.sched_setaffinity(0, {core})
    try:
        time.sleep(seconds)
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, ours)


def _cores_by_affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _c_sched_getcpu() -> Callable[[], int] | None:
    """The C library's `sched_getcpu`, or None where there is none."""
    if sys.platform != "linux":
        return None
    # PyDLL keeps the interpreter's lock: giving it up costs more than the call takes.
    library = ctypes.PyDLL(None)
    return getattr(library, "sched_getcpu", None)


_current_core = _c_sched_getcpu()
