"""Where a search is done, and that whoever comes first with the embedding is the one who counts."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kbserver.deadline import Deadline
from kbserver.retrieval.search import Cost, Ranked, Search


def soon():
    return Deadline.after_ms(60_000.0)


def rank(by_words, asked):
    return Ranked(
        (),
        None,
        f"{asked} {by_words.result()} {threading.current_thread() is threading.main_thread()}",
        {},
    )


@pytest.mark.parametrize(("in_loop", "where"), [(True, "True"), (False, "False")])
def test_the_first_who_knows_the_embedding_has_it_ranked(in_loop, where):
    async def run():
        with ThreadPoolExecutor(2) as threads:
            search = Search(None if in_loop else threads, lambda: "words", rank)
            search.begin_words()
            search.go_on("busy")
            search.go_on("late")
            return await search.until(soon()), search.words_if_done()

    ranked, words = asyncio.run(run())
    assert (ranked.nothing, words) == (f"busy words {where}", "words")


@pytest.mark.parametrize("in_loop", [True, False])
def test_a_failure_reaches_whoever_asked(in_loop):
    def fail():
        raise RuntimeError("broken")

    async def run():
        with ThreadPoolExecutor(2) as threads:
            search = Search(None if in_loop else threads, fail, rank)
            search.go_on("busy", words_too=True)
            with pytest.raises(RuntimeError, match="broken"):
                await search.until(soon())
            assert search.words_if_done() is None

    asyncio.run(run())


def test_what_is_given_up_begins_nothing_more():
    async def run():
        with ThreadPoolExecutor(1) as threads:
            search = Search(threads, lambda: "words", rank)
            search.give_up()
            search.go_on("busy", words_too=True)
            await asyncio.sleep(0.05)
            with pytest.raises(asyncio.CancelledError):
                await search.until(soon())
            return search.words_if_done()

    assert asyncio.run(run()) is None


@pytest.mark.parametrize("in_loop", [True, False])
def test_nothing_is_waited_for_beyond_the_deadline(in_loop):
    async def run():
        with ThreadPoolExecutor(1) as threads:
            search = Search(None if in_loop else threads, lambda: "words", rank)
            search.begin_words()
            begun = time.monotonic()
            at_deadline = await search.until(Deadline.after_ms(30.0))
            waited_s = time.monotonic() - begun
            search.go_on("busy")  # too late: it must not fail, nor change what was said
            await asyncio.sleep(0.05)
            return (
                at_deadline,
                waited_s,
                await search.until(soon()),
                search.words_if_done(),
            )

    at_deadline, waited_s, afterwards, words = asyncio.run(run())
    assert (at_deadline, afterwards, words) == (None, None, "words")
    assert 0.025 < waited_s < 1.0


def test_a_rehearsal_decides_nothing_and_breaks_nothing():
    rehearsed = []

    def rank_or_fail(by_words, asked):
        if asked == "rehearsal":
            rehearsed.append(by_words.result())
            raise RuntimeError("broken")
        return rank(by_words, asked)

    async def run():
        search = Search(None, lambda: "words", rank_or_fail)
        search.begin_words()
        search.rehearse("rehearsal")
        search.go_on("busy")
        return await search.until(soon())

    assert asyncio.run(run()).nothing == "busy words True"
    assert rehearsed == ["words"]


def test_what_is_ranked_already_is_given_though_the_deadline_has_passed():
    async def run():
        search = Search(None, lambda: "words", rank)
        search.go_on("busy", words_too=True)
        return await search.until(Deadline.after_ms(-1.0))

    assert asyncio.run(run()).nothing == "busy words True"


def test_a_cost_is_the_work_and_not_the_waiting():
    cost = Cost()
    assert cost.usual_ms == float("inf")
    assert cost.of(lambda: time.sleep(0.05)) is None
    assert cost.usual_ms < 25.0

    def work():
        until = time.thread_time() + 0.002
        while time.thread_time() < until:
            pass
        return "done"

    assert [cost.of(work) for _ in range(100)] == ["done"] * 100
    assert 1.9 < cost.usual_ms < 25.0
