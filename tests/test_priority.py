import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kbserver.priority import NICENESS, process_beside, yield_to_turns

linux = pytest.mark.skipif(sys.platform != "linux", reason="niceness is a process's")


def niceness_of_this_thread() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@linux
def test_only_the_thread_that_yields_does():
    before = niceness_of_this_thread()
    with ThreadPoolExecutor(1, initializer=yield_to_turns) as pool:
        assert pool.submit(niceness_of_this_thread).result() == NICENESS
    assert niceness_of_this_thread() == before


@linux
def test_a_process_that_yields_takes_its_threads_with_it():
    code = """
import os, threading
from kbserver.priority import yield_process_to_turns
yield_process_to_turns()
def show():
    print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
show()
thread = threading.Thread(target=show)
thread.start()
thread.join()
"""
    before = niceness_of_this_thread()
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    wanted = min(19, before + NICENESS)
    assert shown.stdout.split() == [str(wanted), str(wanted)]


def once(folder: Path) -> None:
    """End, and leave a file that tells so."""
    (folder / str(os.getpid())).touch()


def test_a_process_that_ended_is_started_again_until_the_block_ends(tmp_path):
    with process_beside(once, tmp_path, name="once", again_s=0.01):
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.01)
