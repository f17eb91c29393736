"""Looks at an object store on the page of metrics."""

import threading

from kbserver.endpoint.figures.followed import FollowCounts
from kbserver.endpoint.figures.metrics import Metrics


def told(metrics):
    """Return the values of the metrics that are about following, by name and result."""
    page = metrics.page()[0].decode()
    lines = [line for line in page.splitlines() if line.startswith("kbserver_follow_")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


def test_looks_and_generations_are_on_the_servers_page_and_the_last_look_ages(shelves):
    metrics = Metrics()
    looks = 'kbserver_follow_looks_total{result="%s"}'
    generations = 'kbserver_follow_generations_total{result="%s"}'
    seen = "kbserver_follow_timestamp_seconds"
    assert told(metrics) == {seen: 0.0}
    metrics.followed()
    metrics.share(shelves())
    metrics.tell()
    now = [1000.0]
    count = FollowCounts(shelves(), clock=lambda: now[0])
    count("published")
    count("read")
    now[0] = 1002.0
    count("refused")
    count("failed")
    wanted = {
        looks % "read": 1.0,
        looks % "failed": 1.0,
        generations % "published": 1.0,
        generations % "refused": 1.0,
        seen: 1000.0,
    }
    assert told(metrics) == wanted
    shelves.left(1)
    FollowCounts(shelves(), clock=lambda: 1009.0)("read")
    assert told(metrics) == {**wanted, looks % "read": 2.0, seen: 1009.0}


def test_what_was_told_is_told_again_until_it_is_stopped(shelves):
    count = FollowCounts(shelves(), clock=lambda: 1000.0)
    stop = threading.Event()
    stop.set()
    count.go_on_telling(stop)
