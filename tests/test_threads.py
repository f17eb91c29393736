"""A bounded number of threads, none of which is waited for."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from kbserver.threads import DaemonThreads

LIMIT_S = 30.0


def test_no_thread_holds_up_the_end_of_the_process():
    threads = DaemonThreads(2, name="kept")
    assert threads.submit(lambda: threading.current_thread().daemon).result(LIMIT_S)


@given(st.lists(st.booleans(), max_size=40))
def test_threads_are_bounded_and_every_call_is_made_once(raises):
    threads = DaemonThreads(3, name="bounded")
    names = set()

    def call(number, fails):
        names.add(threading.get_ident())
        if fails:
            raise SystemExit(number)
        return number

    futures = [threads.submit(call, *pair) for pair in enumerate(raises)]
    for number, (future, fails) in enumerate(zip(futures, raises, strict=True)):
        if fails:
            assert isinstance(future.exception(LIMIT_S), SystemExit)
        else:
            assert future.result(LIMIT_S) == number
    assert len(names) <= 3


def test_a_call_that_was_cancelled_before_it_began_is_not_made():
    release = threading.Event()
    threads = DaemonThreads(1, name="one")
    held = threads.submit(release.wait, LIMIT_S)
    made = []
    waiting = [threads.submit(made.append, number) for number in range(3)]
    assert waiting[1].cancel()
    release.set()
    assert held.result(LIMIT_S)
    waiting[2].result(LIMIT_S)
    assert made == [0, 2]


def test_each_thread_begins_with_the_initializer_and_ends_after_a_shutdown():
    begun = []
    threads = DaemonThreads(
        1, name="ending", initializer=lambda: begun.append(threading.current_thread())
    )
    assert threads.submit(lambda: len(begun)).result(LIMIT_S) == 1
    last = threads.submit(lambda: "done")
    threads.shutdown()
    begun[0].join(LIMIT_S)
    assert last.result(0) == "done"
    assert not begun[0].is_alive()
