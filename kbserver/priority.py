"""Work in the background gives way to turns where cores are short."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

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
