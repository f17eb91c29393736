"""Asking in the background gives way to turns."""

import os
import sys
import threading

import pytest

from kbserver.evaluation.asker import run_aside
from kbserver.priority import NICENESS


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness there")
def test_what_is_asked_again_gives_way_to_turns_and_what_called_it_does_not():
    before = niceness()

    async def inside():
        return niceness()

    assert run_aside(inside()) >= NICENESS
    assert niceness() == before


def test_an_error_comes_out_as_it_is():
    async def broken():
        raise KeyError("a")

    with pytest.raises(KeyError):
        run_aside(broken())
