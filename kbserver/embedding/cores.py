"""How many cores this process may really use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def usable_cores(quota_file: Path = _CGROUP_QUOTA) -> int:
    """Return the cores this process may use, at least 1: its CPU affinity, lowered by a container's CPU quota.

    `os.cpu_count()` counts the machine's: inside a container limited to 2 of 64 cores it gives 64, and 64
    busy threads on 2 cores lose most of their time to being throttled.

    Source: `cpu.max` of cgroup v2 holds "<quota> <period>" in microseconds, or "max <period>" for no limit.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text().split()
    except (OSError, ValueError):
        return cores
    if quota == "max":
        return cores
    return max(1, min(cores, round(int(quota) / int(period))))
