"""Counts of several processes in one file: places, ends, halves."""

import multiprocessing
import os

import pytest

from kbserver.endpoint.figures.shelf import HALF_BYTES, Shelf, make_shelf, on_top


@pytest.fixture
def shelf():
    shelf = make_shelf()
    yield shelf
    shelf.close()


def count_and_die(shelf: Shelf, more: float) -> None:
    shelf.put(lambda before: [("n", {"of": "it"}, more + sum(v for *_, v in before))])
    os._exit(9)


def in_a_process(shelf, more):
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=count_and_die, args=(shelf, more))
    process.start()
    process.join()
    assert process.exitcode == 9


def values(shelf):
    return [sample for written in shelf.all() for sample in written.samples]


def test_a_process_takes_over_the_place_of_one_that_was_killed(shelf):
    in_a_process(shelf, 5.0)
    in_a_process(shelf, 2.0)
    assert values(shelf) == [("n", {"of": "it"}, 7.0)]


def test_processes_that_live_at_once_have_places_of_their_own(shelf):
    shelf.put(lambda before: [("n", {}, 1.0)])
    in_a_process(shelf, 2.0)
    assert values(shelf) == [("n", {}, 1.0), ("n", {"of": "it"}, 2.0)]


def test_a_half_that_is_being_written_does_not_count(shelf):
    for value in (1.0, 2.0):
        shelf.put(lambda before, value=value: [("n", {}, value)])
    newest = shelf._number % 2 * HALF_BYTES
    os.pwrite(shelf._file.fileno(), b"torn", newest + 30)
    assert values(shelf) == [("n", {}, 1.0)]


def test_more_than_a_place_holds_is_an_error_and_the_last_counts_stay(shelf):
    shelf.put(lambda before: [("n", {}, 1.0)])
    noise = os.urandom(HALF_BYTES).hex()
    with pytest.raises(OSError, match="too many"):
        shelf.put(lambda before: [(noise, {}, 1.0)])
    assert values(shelf) == [("n", {}, 1.0)]


def test_what_was_not_told_for_long_is_not_of_now(shelf, monkeypatch):
    shelf.put(lambda before: [("n", {}, 1.0)])
    [written] = shelf.all()
    assert written.is_fresh
    monkeypatch.setattr("kbserver.endpoint.figures.shelf.FRESH_S", 0.0)
    assert not written.is_fresh


def test_counts_go_on_from_those_before_and_all_else_begins_anew():
    before = [
        ("a_total", {"x": "1", "y": "2"}, 2.0),
        ("gone_total", {}, 5.0),
        ("size", {}, 9.0),
        ("kbserver_record_turns_total", {}, 7.0),
    ]
    now = [
        ("a_total", {"y": "2", "x": "1"}, 1.0),
        ("kbserver_record_turns_total", {}, 8.0),
    ]
    assert sorted((name, value) for name, _, value in on_top(before, now)) == [
        ("a_total", 3.0),
        ("gone_total", 5.0),
        ("kbserver_record_turns_total", 8.0),
    ]
