"""What a server says of itself, or why it says nothing."""

import pytest

from kbserver.answers import Answer, NoAnswer
from kbserver.console.watch import ServerState, ServerWatch, sums

pytestmark = pytest.mark.anyio
PAGE = """# HELP kbserver_record_dropped_total x
# TYPE kbserver_record_dropped_total counter
kbserver_record_dropped_total{reason="disk"} 2.0
kbserver_record_dropped_total{reason="pipe"} 1.0
# HELP kbserver_turn_seconds x
# TYPE kbserver_turn_seconds histogram
kbserver_turn_seconds_bucket{le="+Inf"} 5.0
kbserver_turn_seconds_count 5.0
kbserver_turn_seconds_sum 5.0
# HELP python_info x
# TYPE python_info gauge
python_info 1.0
"""


class Server:
    def __init__(self, ready=200, metrics=200, page=PAGE):
        self.page = page
        self.statuses = {"http://kb/readyz": ready, "http://kb/metrics": metrics}

    async def ask(self, method, url):
        if not self.statuses[url]:
            raise NoAnswer("refused")
        return Answer(self.statuses[url], {}, self.page.encode())


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.parametrize(
    ("server", "state", "dropped"),
    [
        (Server(), "ready", 3.0),
        (Server(ready=503), "loading", 3.0),
        (Server(metrics=401), "ready", None),
        (Server(page="<html>a page of another program"), "ready", None),
        (Server(page="# TYPE kbserver_x gauge\nkbserver_x NaN\n"), "ready", None),
        (Server(ready=0), "no answer (refused)", None),
    ],
)
async def test_a_server_is_looked_at(server, state, dropped):
    found = await ServerWatch("http://kb", clock=lambda: 7.0).look(server)
    assert (found.state, found.dropped, found.at) == (state, dropped, 7.0)
    assert "nan" not in str(found.metrics).lower()


def test_figures_are_added_up_over_labels():
    assert sums(PAGE) == {"kbserver_record_dropped_total": 3.0}
    assert ServerState("http://kb").as_dict()["state"] == "not looked at yet"
