"""Which turns are let in: the policy as a table, and counting by a clock of the test's own."""

import contextlib
from dataclasses import replace

import pytest

from kbserver.embedding.cores import usable_cores
from kbserver.endpoint.admission import (
    FEWEST_TURNS,
    Admission,
    Admit,
    Load,
    Place,
    Refuse,
    decide,
)
from kbserver.errors import Overloaded

IDLE = Load(
    total=0,
    elsewhere=0,
    capacity=100,
    most=256,
    mine=0,
    sharing=1,
    waited_s=0.0,
    budget_s=0.1,
    model_busy=False,
)
BOTH_ARMS = Admit(words_only=False, greedy=False)
WORDS_ONLY = Admit(words_only=True, greedy=False)
GREEDY = Admit(words_only=False, greedy=True)


@pytest.mark.parametrize(
    ("change", "decision"),
    [
        ({}, BOTH_ARMS),
        # The model gets half of the cores from .2 of the capacity on, none from .35 on.
        ({"total": 20, "model_busy": True}, WORDS_ONLY),
        ({"total": 19, "model_busy": True}, BOTH_ARMS),
        ({"total": 34}, BOTH_ARMS),
        ({"total": 35}, WORDS_ONLY),
        ({"total": 44, "elsewhere": 10}, BOTH_ARMS),
        ({"total": 45, "elsewhere": 10}, WORDS_ONLY),
        # .3 of the budget, waited for the event loop, is all of the capacity.
        ({"waited_s": 0.007, "model_busy": True}, WORDS_ONLY),
        ({"waited_s": 0.005, "model_busy": True}, BOTH_ARMS),
        ({"waited_s": 0.010}, BOTH_ARMS),
        ({"waited_s": 0.011}, WORDS_ONLY),
        # Then turns are refused.
        ({"waited_s": 0.079}, WORDS_ONLY),
        ({"waited_s": 0.081}, Refuse("late")),
        ({"total": 99}, WORDS_ONLY),
        ({"total": 100}, Refuse("full")),
        ({"total": 100, "elsewhere": 1}, WORDS_ONLY),
        ({"total": 101, "elsewhere": 1}, Refuse("full")),
        ({"total": 256, "elsewhere": 250}, Refuse("full")),
        # A label alone may have everything; beside others its share, once half is taken.
        ({"total": 99, "mine": 99, "sharing": 1}, WORDS_ONLY),
        ({"total": 50, "mine": 33, "sharing": 2}, Admit(True, False)),
        ({"total": 50, "mine": 34, "sharing": 2}, Refuse("share")),
        ({"total": 49, "mine": 34, "sharing": 2}, Admit(True, False)),
        ({"total": 60, "mine": 0, "sharing": 500}, Admit(True, False)),
        ({"total": 60, "mine": 1, "sharing": 500}, Refuse("share")),
        # Greedy is more than one and a half times an even share, and more than two turns.
        ({"total": 19, "mine": 15, "sharing": 2}, GREEDY),
        ({"total": 19, "mine": 14, "sharing": 2}, BOTH_ARMS),
        ({"total": 19, "mine": 15, "sharing": 1}, BOTH_ARMS),
        ({"total": 1, "mine": 1, "sharing": 9}, BOTH_ARMS),
        ({"total": 2, "mine": 2, "sharing": 9}, GREEDY),
    ],
)
def test_the_policy_decides(change, decision):
    assert decide(replace(IDLE, **change)) == decision


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stack():
    """Holds turns in work until the test ends."""
    with contextlib.ExitStack() as stack:
        yield stack


def hold(admission, label, stack):
    """Let a turn in until the stack is closed; its place, or None if it is refused."""
    try:
        return stack.enter_context(admission.turn(label))
    except Overloaded:
        return None


def held(admission, labels, stack):
    """Let many turns in; how many were."""
    return sum(hold(admission, label, stack) is not None for label in labels)


def calls(count, name="call"):
    """A label of its own for each of many turns."""
    return [f"{name}-{number}" for number in range(count)]


def work_off(admission, clock, *, turns, each_s, waiting=12):
    """Work off turns one after the other, with others always waiting behind them."""
    queue = []
    for number in range(turns):
        for place in range(len(queue), waiting):
            one = contextlib.ExitStack()
            if hold(admission, f"label-{number}-{place}", one) is None:
                break
            queue.append(one)
        clock.now += each_s
        queue.pop(0).close()
    for one in queue:
        clock.now += each_s
        one.close()


def test_no_more_turns_than_allowed_whatever_they_wait_for(clock):
    admission = Admission(3, budget_ms=150, waiting_for_model=lambda: 3, clock=clock)
    with contextlib.ExitStack() as stack:
        places = [hold(admission, label, stack) for label in calls(5)]
        assert [place is not None for place in places] == [True] * 3 + [False] * 2
        assert admission.in_work == 3
    assert admission.in_work == 0
    with admission.turn("again"):
        assert admission.in_work == 1


def test_a_refused_turn_is_not_counted_and_says_why(clock, stack):
    admission = Admission(4, budget_ms=150, clock=clock)
    held(admission, ["noisy"] * 3 + ["quiet"], stack)
    with pytest.raises(Overloaded, match="too many turns at once;"):
        admission.turn("quiet").__enter__()
    assert admission.in_work == 4


def test_a_label_beyond_its_share_is_told_that_it_is_the_label(clock, stack):
    admission = Admission(8, budget_ms=150, clock=clock)
    held(admission, ["quiet"] + ["noisy"] * 3, stack)
    with pytest.raises(Overloaded, match="under this session label"):
        admission.turn("noisy").__enter__()


def test_slow_work_lets_fewer_in_and_fast_work_more_again(clock):
    admission = Admission(256, budget_ms=150, fewest_turns=12, clock=clock)
    assert admission.capacity == 256
    work_off(admission, clock, turns=200, each_s=0.004)
    # Half of 150 ms, one turn in 4 ms.
    assert admission.capacity == pytest.approx(75 / 4, abs=1)
    work_off(admission, clock, turns=200, each_s=0.001)
    assert admission.capacity == pytest.approx(75, abs=2)


def test_a_pause_says_nothing_of_how_fast_turns_are(clock):
    admission = Admission(256, budget_ms=150, clock=clock)
    for _ in range(50):
        with admission.turn("a"):
            clock.now += 0.002
        clock.now += 5.0
    assert admission.capacity == 256


def test_turns_that_come_slowly_say_nothing_of_how_fast_they_are_done(clock):
    admission = Admission(256, budget_ms=150, fewest_turns=12, clock=clock)
    work_off(admission, clock, turns=300, each_s=0.050, waiting=3)
    assert admission.capacity == 256


def test_after_a_standstill_a_few_dozen_are_let_in_and_it_recovers(clock):
    admission = Admission(256, budget_ms=150, clock=clock)
    work_off(admission, clock, turns=20, each_s=10.0)
    assert admission.capacity == FEWEST_TURNS
    work_off(admission, clock, turns=300, each_s=0.001, waiting=FEWEST_TURNS)
    assert admission.capacity >= 60


def test_turns_that_wait_for_the_model_leave_their_room_to_others(clock, stack):
    waiting = [0]
    admission = Admission(
        256,
        budget_ms=150,
        waiting_for_model=lambda: waiting[0],
        fewest_turns=12,
        clock=clock,
    )
    work_off(admission, clock, turns=300, each_s=0.005)
    assert admission.capacity == 15
    assert held(admission, calls(40), stack) == 15
    waiting[0] = 10
    assert held(admission, calls(40, "other"), stack) == 10


def test_a_turn_in_a_handler_leaves_its_room_to_another(clock, stack):
    admission = Admission(256, budget_ms=150, fewest_turns=12, clock=clock)
    work_off(admission, clock, turns=300, each_s=0.010)
    assert admission.capacity == 12
    place = hold(admission, "handled", stack)
    assert held(admission, calls(40), stack) == 11
    with place.elsewhere():
        assert held(admission, calls(2, "in its place"), stack) == 1
    assert hold(admission, "one too many", stack) is None


def test_a_label_may_have_everything_while_it_is_alone(clock):
    admission = Admission(30, budget_ms=150, clock=clock)
    with contextlib.ExitStack() as stack:
        assert held(admission, ["noisy"] * 40, stack) == 30
    with contextlib.ExitStack() as stack:
        assert held(admission, ["quiet"], stack) == 1
        assert held(admission, ["noisy"] * 40, stack) == 14
        assert held(admission, ["quiet"] * 9, stack) == 9
    clock.now += 10.0  # the quiet label has not asked for a while
    with contextlib.ExitStack() as stack:
        assert held(admission, ["noisy"] * 40, stack) == 30


def test_the_model_is_busy_with_what_half_of_the_cores_have_in_hand(clock):
    waiting = [0]
    admission = Admission(
        256, budget_ms=150, waiting_for_model=lambda: waiting[0], clock=clock
    )
    in_hand = 4 * max(1, usable_cores() // 2)
    for waiting[0], busy in ((in_hand - 1, False), (in_hand, True)):
        assert admission.load("a").model_busy is busy


def test_a_place_says_what_was_decided_and_how_long_the_turn_waited(clock):
    admission = Admission(64, budget_ms=100, waited_s=lambda: 0.07, clock=clock)
    with admission.turn("a") as place:
        assert place.words_only
        assert place.waited_ms == pytest.approx(70.0)
        assert not place.greedy


def test_a_place_by_default_is_that_of_an_idle_server():
    place = Place()
    assert (place.words_only, place.greedy, place.waited_ms) == (False, False, 0.0)
    with place.elsewhere():
        pass


def test_a_label_is_greedy_only_beside_others_and_beyond_its_share(clock):
    admission = Admission(100, budget_ms=150, clock=clock)
    with contextlib.ExitStack() as stack:
        alone = [hold(admission, "noisy", stack) for _ in range(10)]
        assert not any(place.greedy for place in alone)
        assert not hold(admission, "quiet", stack).greedy
        assert hold(admission, "noisy", stack).greedy
        assert not hold(admission, "quiet", stack).greedy
    with contextlib.ExitStack() as stack:  # a label for each call: none is greedy
        places = [hold(admission, label, stack) for label in calls(50)]
        assert not any(place.greedy for place in places)


def test_labels_are_forgotten(clock):
    admission = Admission(10, budget_ms=150, clock=clock)
    for label in calls(20_000):
        with admission.turn(label):
            clock.now += 0.0001
    assert admission.load("last").sharing == 10_000
    clock.now += 10.0
    assert admission.load("later").sharing == 1
