import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from kbserver.embedding.cores import (
    core_of_this_thread,
    keep_off,
    sleep_in_place,
    usable_cores,
)

needs_two_cores = pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="one core, or no affinity to set",
)


@contextmanager
def waiting_thread() -> Iterator[int]:
    """The id of a thread that does nothing."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    assert thread.native_id is not None
    try:
        yield thread.native_id
    finally:
        over.set()
        thread.join()


def in_a_thread(work: Callable[[], None]) -> None:
    """Work in a thread of its own, whose cores may be changed."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def quota(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "cpu.max"
    file.write_text(text)
    return file


def test_without_a_quota_the_affinity_counts(tmp_path: Path) -> None:
    allowed = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path / "missing") == allowed
    assert usable_cores(quota(tmp_path, "max 100000\n")) == allowed
    for damaged in ("not a quota", "many 100000", "100000"):
        assert usable_cores(quota(tmp_path, damaged)) == allowed


def test_a_container_of_one_core_is_one_core(tmp_path: Path) -> None:
    assert usable_cores(quota(tmp_path, "100000 100000\n")) == 1


def test_a_fraction_of_a_core_is_one_thread(tmp_path: Path) -> None:
    assert usable_cores(quota(tmp_path, "25000 100000\n")) == 1


def test_a_quota_above_the_affinity_adds_nothing(tmp_path: Path) -> None:
    assert usable_cores(quota(tmp_path, "99000000 100000\n")) == len(
        os.sched_getaffinity(0)
    )


@needs_two_cores
def test_a_thread_keeps_off_a_core_until_none_is_excluded() -> None:
    ours = os.sched_getaffinity(0)
    taken = core_of_this_thread()
    assert taken in ours
    with waiting_thread() as thread:
        keep_off(taken, thread)
        assert os.sched_getaffinity(thread) == ours - {taken}
        keep_off(None, thread)
        assert os.sched_getaffinity(thread) == ours


@needs_two_cores
def test_the_only_core_is_not_excluded() -> None:
    core = min(os.sched_getaffinity(0))

    def on_one_core() -> None:
        os.sched_setaffinity(0, {core})
        keep_off(core, thread)
        assert os.sched_getaffinity(thread) == {core}
        sleep_in_place(0.001)
        assert os.sched_getaffinity(0) == {core}

    with waiting_thread() as thread:
        in_a_thread(on_one_core)


@needs_two_cores
def test_a_thread_that_has_ended_is_ignored() -> None:
    with waiting_thread() as thread:
        pass
    keep_off(core_of_this_thread(), thread)


@needs_two_cores
def test_a_sleeper_is_bound_to_its_core_and_may_leave_it_afterwards() -> None:
    ours = os.sched_getaffinity(0)
    sleeper = threading.get_native_id()
    bound = threading.Event()

    def look() -> None:
        while not over.is_set():
            if len(os.sched_getaffinity(sleeper)) == 1:
                bound.set()
                return
            over.wait(0.001)

    over = threading.Event()
    looking = threading.Thread(target=look)
    looking.start()
    try:
        naps = 0
        while not bound.is_set() and naps < 100:
            naps += 1
            sleep_in_place(0.05)
    finally:
        over.set()
        looking.join()
    assert bound.is_set()
    assert os.sched_getaffinity(0) == ours
