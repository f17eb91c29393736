"""Metrics of several processes on one page."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from kbserver.endpoint.figures.merged import Merged, WithoutMoments


class Process:
    """What one process counts."""

    def __init__(self, shelf):
        self.registry = CollectorRegistry()
        self.count = Counter("things", "Counted.", ["kind"], registry=self.registry)
        self.seconds = Histogram(
            "seconds", "Timed.", buckets=(1.0,), registry=self.registry
        )
        self.size = Gauge("size", "Measured.", registry=self.registry)
        self.recorded = Counter(
            "kbserver_record_turns", "Of all.", registry=self.registry
        )
        self.count.labels("a")
        self.merged = Merged(self.registry, shelf)

    def told(self):
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in self.merged.collect()
            for sample in family.samples
        }


def test_counts_add_up_and_a_gauge_is_the_greatest(shelves):
    first, second = Process(shelves()), Process(shelves())
    first.count.labels("a").inc(2)
    second.count.labels("a").inc(3)
    second.count.labels("b").inc(4)
    first.seconds.observe(0.5)
    second.seconds.observe(2.0)
    first.size.set(7)
    second.size.set(5)
    second.merged.put()
    told = first.told()
    assert told["things_total", "a"] == 5.0
    assert told["things_total", "b"] == 4.0
    assert told["seconds_bucket", "1.0"] == 1.0
    assert told["seconds_bucket", "+Inf"] == 2.0
    assert told["seconds_sum",] == 2.5
    assert told["size",] == 7.0
    assert not any("created" in name for name, *_ in told)


def test_what_is_of_all_processes_already_is_not_added_up(shelves):
    first, second = Process(shelves()), Process(shelves())
    for process in (first, second):
        process.recorded.inc(6)
    second.merged.put()
    assert first.told()["kbserver_record_turns_total",] == 6.0


def test_a_process_goes_on_from_the_counts_of_the_one_whose_place_it_takes(shelves):
    first = Process(shelves())
    first.count.labels("a").inc(2)
    first.count.labels("gone").inc(1)
    first.seconds.observe(0.5)
    first.size.set(9)
    first.merged.put()
    shelves.left(0)
    second = Process(shelves())
    second.count.labels("a").inc(1)
    told = second.told()
    assert told["things_total", "a"] == 3.0
    assert told["things_total", "gone"] == 1.0
    assert told["seconds_count",] == 1.0
    assert told["size",] == 0.0


def test_a_page_of_one_process_is_without_moments_too(shelves):
    process = Process(shelves())
    process.count.labels("a").inc()
    [family] = [
        family
        for family in WithoutMoments(process.registry).collect()
        if family.name == "things"
    ]
    assert [sample.name for sample in family.samples] == ["things_total"]
