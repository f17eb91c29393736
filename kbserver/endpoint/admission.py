"""Who is let in when more is asked than can be answered in time, and how labels share what there is.

Overload meets several lines. The embedder says `busy` to what it cannot do in time, and such turns go on by words alone.
A label that asks for more than its share has less time for its embeddings, so that the queue of the model keeps room for
the others. When turns begin to wait for a core or for the event loop, the model gets no more than half of the cores, and
then none: it costs several times what words cost. And once even words would be late, turns are refused at once.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kbserver.embedding.cores import usable_cores
from kbserver.errors import Overloaded

# A turn is refused when those before it would keep it waiting for longer than this share of the budget: its own work
# and the reserve need the rest.
QUEUE_SHARE = 0.5

WAITED_SHARE = 0.8  # of the budget: who has waited longer for the event loop is refused, the answer would be late
LONG_WAIT_SHARE = 0.3  # of the budget: waiting for the event loop so long counts as all of the capacity taken

_TEXTS_A_CORE = (
    4  # that the model has in hand when it uses a core to the full: those of one run
)

MODEL_HALVED_SHARE = 0.2  # of the capacity taken; from there on the model gets no more than half of the cores
WORDS_SHARE = 0.35  # from there on nothing new is embedded

FEWEST_TURNS = 40
"""Always let in: by words alone they are over within the budget even if all of them come at once, and only by working is it
found out how fast work is done. With 12, callers who ask again as soon as they are refused kept two cores busy with it."""

_QUEUED = 4  # turns being worked on; with fewer, the pace is that of those who ask and not ours

_SMOOTHING = (
    0.05  # weight of the newest completion: follows a change within some twenty turns
)
_REMEMBERED_S = 2.0  # a label that asked this recently counts as one of those who share
_MOST_REMEMBERED = 10_000
_GREEDY = 1.5  # times an even share of the turns in work


class Admission:
    """Counts the turns in work. For the event loop's thread.

    How long a newcomer would wait follows from Little's law: the turns that are being worked on (not those that wait
    for the model, which has a queue and a say of its own) times the seconds between two that are done.
    """

    def __init__(
        self,
        most_turns: int,
        *,
        budget_ms: float,
        waiting_for_model: Callable[[], int] = lambda: 0,
        waited_s: Callable[[], float] = lambda: 0.0,
        fewest_turns: int = FEWEST_TURNS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start without turns.

        Args:
            most_turns: in work at once, whatever they wait for.
            budget_ms: of a usual turn.
            waiting_for_model: how many of the turns in work do just that.
            waited_s: how long the turn that comes in now has waited for the event loop.
            fewest_turns: let in however slow the work is.
            clock: monotonic seconds.
        """
        self._fewest_turns = fewest_turns
        self._most_turns = most_turns
        self._queue_s = QUEUE_SHARE * budget_ms / 1000.0
        self._waiting_for_model = waiting_for_model
        self._waited_s = waited_s
        self._longest_wait_s = WAITED_SHARE * budget_ms / 1000.0
        self._long_wait_s = LONG_WAIT_SHARE * budget_ms / 1000.0
        self._half_of_cores = _TEXTS_A_CORE * max(1, usable_cores() // 2)
        self._in_handlers = 0
        self._clock = clock
        self._in_work: Counter[str] = Counter()
        self._total = 0
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._between_s = 0.0
        self._last_done: float | None = None

    @property
    def in_work(self) -> int:
        """Turns let in and not done."""
        return self._total

    @property
    def capacity(self) -> int:
        """How many turns may be worked on at once, by how fast they were done lately."""
        fitting = (
            self._queue_s / self._between_s if self._between_s else self._most_turns
        )
        return int(min(self._most_turns, max(self._fewest_turns, fitting)))

    @contextmanager
    def turn(self, label: str) -> Iterator[Place]:
        """Let a turn in for as long as the context lasts.

        Raises:
            Overloaded: it would be late, or its label has its share of the turns in work and more than half of what
                there is to share is taken.
        """
        place = self._enter(label)
        try:
            yield place
        finally:
            self._leave(label)

    def _enter(self, label: str) -> Place:
        sharing = self._sharing(label)
        elsewhere = self._elsewhere
        capacity = self.capacity
        waited_s = self._waited_s()
        too_late = waited_s > self._longest_wait_s
        if (
            self._total >= self._most_turns
            or self._total - elsewhere >= capacity
            or too_late
        ):
            raise Overloaded(
                "too many turns at once; the call goes on without grounding"
            )
        room = min(self._most_turns, capacity + elsewhere)
        mine = self._in_work[label]
        if (
            sharing > 1
            and 2 * self._total >= room
            and mine >= max(1.0, room / (sharing + 1))
        ):
            raise Overloaded(
                "too many turns at once under this session label; the call goes on without grounding"
            )
        self._in_work[label] += 1
        self._total += 1
        taken = max((self._total - elsewhere) / capacity, waited_s / self._long_wait_s)
        model_busy = self._waiting_for_model() >= self._half_of_cores
        crowded = taken > WORDS_SHARE or (taken > MODEL_HALVED_SHARE and model_busy)
        greedy = sharing > 1 and mine + 1 > max(2.0, _GREEDY * self._total / sharing)
        return Place(
            self, words_only=crowded, greedy=greedy, waited_ms=waited_s * 1000.0
        )

    def _leave(self, label: str) -> None:
        self._total -= 1
        self._in_work[label] -= 1
        if not self._in_work[label]:
            del self._in_work[label]
        now = self._clock()
        if self._last_done is not None:
            self._between_s += _SMOOTHING * (now - self._last_done - self._between_s)
        self._last_done = now if self._total - self._elsewhere >= _QUEUED else None

    @property
    def _elsewhere(self) -> int:
        return min(self._total, self._waiting_for_model() + self._in_handlers)

    def _sharing(self, label: str) -> int:
        """How many labels asked lately, this one included."""
        now = self._clock()
        self._seen[label] = now
        self._seen.move_to_end(label)
        while (
            now - next(iter(self._seen.values())) > _REMEMBERED_S
            or len(self._seen) > _MOST_REMEMBERED
        ):
            self._seen.popitem(last=False)
        return len(self._seen)


class Place:
    """A turn that was let in."""

    def __init__(
        self, admission: Admission, *, words_only: bool, greedy: bool, waited_ms: float
    ) -> None:
        self._admission = admission
        self.waited_ms = waited_ms
        """How long the turn has waited for the event loop: that much of its budget is gone."""
        self.words_only = words_only
        """So many turns are being worked on that more of the model's work would keep them waiting."""
        self.greedy = greedy
        """Its label has more turns in work than its share, and others ask as well."""

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        """Say that the turn is in a handler's hands: what it waits for there keeps nobody else waiting."""
        self._admission._in_handlers += 1
        try:
            yield
        finally:
            self._admission._in_handlers -= 1
