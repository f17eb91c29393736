"""What fails is news once, and is tried again ever more seldom; the clock is the test's."""

from kbserver.endpoint.troubles import FIRST_PAUSE_S, LAST_PAUSE_S, Troubles


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_pauses_double_up_to_the_longest():
    clock = Clock()
    troubles = Troubles(clock)
    pauses = []
    for _ in range(12):
        assert troubles.may_try("docs", "000001-a")
        troubles.add("docs", "000001-a", "it is damaged")
        began_s = clock.now_s
        while not troubles.may_try("docs", "000001-a"):
            clock.now_s += FIRST_PAUSE_S
        pauses.append(clock.now_s - began_s)
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert pauses[-3:] == [LAST_PAUSE_S] * 3


def test_another_attempt_is_made_at_once_and_begins_anew():
    clock = Clock()
    troubles = Troubles(clock)
    for _ in range(5):
        troubles.add("docs", "000001-a", "it is damaged")
    assert not troubles.may_try("docs", "000001-a")
    assert troubles.may_try("docs", "000002-b")
    assert troubles.add("docs", "000002-b", "it is damaged")
    clock.now_s += FIRST_PAUSE_S
    assert troubles.may_try("docs", "000002-b")


def test_a_trouble_is_news_once_for_each_attempt_and_reason():
    troubles = Troubles(Clock())
    assert troubles.add("docs", "000001-a", "no descriptors")
    assert not troubles.add("docs", "000001-a", "no descriptors")
    assert troubles.add("docs", "000001-a", "it is damaged")
    assert troubles.reason("docs") == "it is damaged"
    assert troubles.end("docs")
    assert not troubles.end("docs")
    assert troubles.reason("docs") == ""
    assert troubles.may_try("docs", "000001-a")
    assert troubles.add("docs", "000001-a", "it is damaged")


def test_troubles_are_independent():
    troubles = Troubles(Clock())
    troubles.add("docs", "000001-a", "it is damaged")
    assert troubles.may_try("help", "000001-a")
    assert not troubles.end("help")
