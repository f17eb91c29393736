"""Ingests of `serve --watch` on the page of metrics."""

from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.figures.watched import METRIC, WatchCounts


def told(metrics):
    page = metrics.page()[0].decode()
    lines = [line for line in page.splitlines() if line.startswith(METRIC)]
    return {line.split('result="')[1].split('"')[0]: float(line[-3:]) for line in lines}


def test_ingests_are_on_the_servers_page_also_after_the_watcher_was_started_again(
    shelves,
):
    metrics = Metrics()
    metrics.watched("docs")
    assert told(metrics) == {"published": 0.0, "unchanged": 0.0, "failed": 0.0}
    metrics.share(shelves())
    metrics.tell()
    count = WatchCounts(shelves(), "docs")
    for result in ("published", "failed", "failed"):
        count(result)
    shelves.left(1)
    WatchCounts(shelves(), "docs")("failed")
    assert told(metrics) == {"published": 1.0, "unchanged": 0.0, "failed": 3.0}
