"""Who is let in, with a clock of the test's own."""

import contextlib

import pytest

from kbserver.embedding.cores import usable_cores
from kbserver.endpoint.admission import FEWEST_TURNS, Admission
from kbserver.errors import Overloaded


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def hold(admission, label, stack):
    """Let a turn in until the stack is closed; its place, or None if it is refused."""
    try:
        return stack.enter_context(admission.turn(label))
    except Overloaded:
        return None


def worked_off(admission, clock, *, turns, each_s, waiting=12):
    """Work off some turns one after the other, with others always waiting behind them."""
    queue = []
    for number in range(turns):
        while len(queue) < waiting and (
            place := _entered(admission, f"label-{number}-{len(queue)}")
        ):
            queue.append(place)
        clock.now += each_s
        queue.pop(0).close()
    for place in queue:
        clock.now += each_s
        place.close()


def _entered(admission, label):
    stack = contextlib.ExitStack()
    return stack if hold(admission, label, stack) else None


def test_no_more_turns_than_said_whatever_they_wait_for(clock):
    admission = Admission(3, budget_ms=150, waiting_for_model=lambda: 3, clock=clock)
    with contextlib.ExitStack() as stack:
        places = [hold(admission, f"label-{number}", stack) for number in range(5)]
        assert [place is not None for place in places] == [True] * 3 + [False] * 2
    assert admission.in_work == 0
    with admission.turn("again"):
        assert admission.in_work == 1


def test_slow_work_lets_fewer_in_and_fast_work_more_again(clock):
    admission = Admission(256, budget_ms=150, fewest_turns=12, clock=clock)
    assert admission.capacity == 256
    worked_off(admission, clock, turns=200, each_s=0.004)
    assert admission.capacity == pytest.approx(
        75 / 4, abs=1
    )  # half of 150 ms, one turn in 4 ms
    worked_off(admission, clock, turns=200, each_s=0.001)
    assert admission.capacity == pytest.approx(75, abs=2)


def test_a_pause_says_nothing_of_how_fast_turns_are(clock):
    admission = Admission(256, budget_ms=150, clock=clock)
    for _ in range(50):
        with admission.turn("a"):
            clock.now += 0.002
        clock.now += 5.0
    assert admission.capacity == 256


def test_after_any_standstill_a_few_dozen_are_let_in_and_it_recovers(clock):
    admission = Admission(256, budget_ms=150, clock=clock)
    worked_off(admission, clock, turns=20, each_s=10.0)
    assert admission.capacity == FEWEST_TURNS
    worked_off(admission, clock, turns=300, each_s=0.001, waiting=FEWEST_TURNS)
    assert admission.capacity >= 60


def test_turns_that_wait_for_the_model_or_in_a_handler_take_no_room_of_those_that_work(
    clock,
):
    waiting = 0
    admission = Admission(
        256,
        budget_ms=150,
        waiting_for_model=lambda: waiting,
        fewest_turns=12,
        clock=clock,
    )
    worked_off(admission, clock, turns=300, each_s=0.005)
    assert admission.capacity == 15
    with contextlib.ExitStack() as stack:
        assert (
            sum(
                hold(admission, f"label-{number}", stack) is not None
                for number in range(40)
            )
            == 15
        )
        waiting = 10
        place = hold(admission, "one more", stack)
        assert place is not None
        assert (
            sum(
                hold(admission, f"other-{number}", stack) is not None
                for number in range(40)
            )
            == 9
        )
        with place.elsewhere():
            assert hold(admission, "in its place", stack) is not None


def test_one_label_may_have_everything_while_it_is_alone_and_its_share_when_it_is_not(
    clock,
):
    admission = Admission(30, budget_ms=150, waiting_for_model=lambda: 0, clock=clock)
    with contextlib.ExitStack() as stack:
        assert sum(hold(admission, "noisy", stack) is not None for _ in range(40)) == 30
    with contextlib.ExitStack() as stack:
        assert hold(admission, "quiet", stack) is not None
        assert sum(hold(admission, "noisy", stack) is not None for _ in range(40)) == 14
        assert sum(hold(admission, "quiet", stack) is not None for _ in range(9)) == 9
    clock.now += 10.0  # nobody has heard of the quiet label for a while
    with contextlib.ExitStack() as stack:
        assert sum(hold(admission, "noisy", stack) is not None for _ in range(40)) == 30


def test_where_turns_queue_up_the_model_gets_half_and_few_at_once_say_nothing_of_the_pace(
    clock,
):
    waiting = 0
    admission = Admission(
        256,
        budget_ms=150,
        waiting_for_model=lambda: waiting,
        fewest_turns=12,
        clock=clock,
    )
    worked_off(
        admission, clock, turns=300, each_s=0.050, waiting=3
    )  # they came slowly, no more
    assert admission.capacity == 256
    worked_off(admission, clock, turns=300, each_s=0.003)
    assert admission.capacity == 25
    with contextlib.ExitStack() as stack:
        assert not any(
            hold(admission, f"call-{number}", stack).words_only for number in range(8)
        )
        waiting = (
            4 * usable_cores()
        )  # what its cores have in hand when they are used to the full
        for number in range(waiting):
            hold(admission, f"embedding-{number}", stack)
        assert all(
            hold(admission, f"more-{number}", stack).words_only for number in range(5)
        )
        waiting = 0
        assert all(
            hold(admission, f"last-{number}", stack).words_only for number in range(2)
        )
    with contextlib.ExitStack() as stack:
        assert not any(
            hold(admission, f"call-{number}", stack).words_only for number in range(5)
        )


def test_a_label_is_greedy_only_beside_others_and_beyond_its_share(clock):
    admission = Admission(100, budget_ms=150, clock=clock)
    with contextlib.ExitStack() as stack:
        alone = [hold(admission, "noisy", stack) for _ in range(10)]
        assert not any(place.greedy for place in alone)
        assert not hold(admission, "quiet", stack).greedy
        assert hold(admission, "noisy", stack).greedy
        assert not hold(admission, "quiet", stack).greedy
    with contextlib.ExitStack() as stack:  # a label for each call: nobody is greedy
        assert not any(
            hold(admission, f"call-{number}", stack).greedy for number in range(50)
        )


def test_labels_are_forgotten():
    clock = Clock()
    admission = Admission(10, budget_ms=150, clock=clock)
    for number in range(20_000):
        with admission.turn(f"call-{number}"):
            clock.now += 0.0001
    assert len(admission._seen) <= 10_001
    clock.now += 10.0
    with admission.turn("last"):
        assert len(admission._seen) == 1


def test_waiting_for_the_event_loop_sheds_the_model_and_then_the_turn(clock):
    waited = [0.0]
    admission = Admission(
        64,
        budget_ms=100,
        waited_s=lambda: waited[0],
        waiting_for_model=lambda: 100,
        clock=clock,
    )

    def let_in(seconds):
        waited[0] = seconds
        with contextlib.ExitStack() as stack:
            place = hold(admission, "label", stack)
            return None if place is None else (place.words_only, place.waited_ms)

    assert let_in(0.0) == (False, 0.0)
    assert let_in(0.010) == (True, 10.0)  # the model has enough in hand
    assert let_in(0.070) == (True, 70.0)
    assert let_in(0.081) is None
