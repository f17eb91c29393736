"""One replay at a time; one that fails says why."""

import pytest

from kbserver.console.replaying import Replaying
from kbserver.errors import StoreBusy
from kbserver.evaluation import gate


def test_a_replay_that_fails_says_why(settings):
    replaying = Replaying(settings)
    assert replaying.state is None
    replaying.begin("support", "000001-a", "000002-b", "7d")
    replaying.wait()
    assert "no store there" in replaying.state["problem"]


def test_a_second_replay_waits_for_the_first(settings, monkeypatch):
    import threading

    end = threading.Event()

    def wait(self, before, after, on_progress):
        on_progress(3, 7)
        end.wait(20)
        raise StoreBusy("it was cut short")

    monkeypatch.setattr(gate.Gate, "replayed", wait)
    replaying = Replaying(settings)
    replaying.begin("support", "a", "b", "7d")
    with pytest.raises(StoreBusy, match="at work"):
        replaying.begin("support", "a", "b", "7d")
    end.set()
    replaying.wait()
    assert "cut short" in replaying.state["problem"]
