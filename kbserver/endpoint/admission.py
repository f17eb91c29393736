"""Which turns are let in when more is asked than can be answered in time.

Overload is met in this order. The embedder says `busy` to what it cannot do in time, and such
turns go on by words alone. A label that asks for more than its share has less time for its
embeddings. When turns wait for a core or for the event loop, the model gets half of the cores,
then none. Once even words would be late, turns are refused at once.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal, TypeAlias

from kbserver.embedding.cores import usable_cores
from kbserver.errors import Overloaded

# Shares of a turn's budget.

# Spent in the queue at most: the turn's own work and the reserve need the rest.
QUEUE_SHARE = 0.5
WAITED_SHARE = 0.8  # waited for the event loop; after it the answer would be late
LONG_WAIT_SHARE = 0.3  # waited for the event loop; counts as all of the capacity taken

# Shares of the capacity taken.
MODEL_HALVED_SHARE = 0.2  # from here the model gets no more than half of the cores
WORDS_SHARE = 0.35  # from here nothing new is embedded

FEWEST_TURNS = 40
"""Always let in: by words alone so many are over within the budget even if they come at once."""

_GREEDY = 1.5  # times an even share of the turns in work
_TEXTS_A_CORE = 4  # in hand when the model uses a core to the full: those of one run
_QUEUED = 4  # turns in work; with fewer, the pace is that of the callers
# Weight of the newest turn: a change shows within some twenty of them.
_SMOOTHING = 0.05
_SHARING_S = 2.0  # a label that asked this recently counts as one of those that share
_MOST_LABELS = 10_000


@dataclass(frozen=True, slots=True)
class Load:
    """What is known when a turn comes in. The turn itself is not counted yet."""

    total: int
    """Turns in work."""
    elsewhere: int
    """Of them, those that wait for the model or in a handler."""
    capacity: int
    """How many turns may be worked on at once."""
    most: int
    """How many may be in work, whatever they wait for."""
    mine: int
    """Turns of the same label in work."""
    sharing: int
    """Labels that asked lately, this one included."""
    waited_s: float
    """How long this turn has waited for the event loop."""
    budget_s: float
    model_busy: bool
    """Whether the model has enough in hand for half of the cores."""


@dataclass(frozen=True, slots=True)
class Admit:
    """The turn is let in."""

    words_only: bool
    """More work for the model would keep too many turns waiting."""
    greedy: bool
    """The label has more turns in work than its share, and other labels ask as well."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The turn is refused."""

    reason: Literal["full", "late", "share"]
    """No room at all; waited too long; no room for this label beside the others."""


def decide(load: Load) -> Admit | Refuse:
    """Apply the whole overload policy to one turn."""
    room = min(load.most, load.capacity + load.elsewhere)
    if load.total >= room:
        return Refuse("full")
    if load.waited_s > WAITED_SHARE * load.budget_s:
        return Refuse("late")
    shared = load.sharing > 1
    half_full = 2 * load.total >= room
    if shared and half_full and load.mine >= max(1.0, room / (load.sharing + 1)):
        return Refuse("share")

    total = load.total + 1
    working = (total - load.elsewhere) / load.capacity
    waiting = load.waited_s / (LONG_WAIT_SHARE * load.budget_s)
    taken = max(working, waiting)
    words_only = taken > WORDS_SHARE
    if load.model_busy and taken > MODEL_HALVED_SHARE:
        words_only = True
    greedy = shared and load.mine + 1 > max(2.0, _GREEDY * total / load.sharing)
    return Admit(words_only, greedy)


Elsewhere: TypeAlias = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Place:
    """A turn that was let in; by default on an idle server."""

    words_only: bool = False
    greedy: bool = False
    waited_ms: float = 0.0
    """How long the turn has waited for the event loop: so much of its budget is gone."""
    elsewhere: Elsewhere = nullcontext
    """Enter it while a handler has the turn, so that it does not count as work."""


class Admission:
    """Counts the turns in work. For the event loop's thread.

    How long a newcomer would wait follows from Little's law: the turns that are worked on (not
    those that wait for the model, which has a queue of its own) times the seconds between two
    that are done.
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
        self._most_turns = most_turns
        self._fewest_turns = fewest_turns
        self._budget_s = budget_ms / 1000.0
        self._waiting_for_model = waiting_for_model
        self._waited_s = waited_s
        self._clock = clock
        self._half_of_cores = _TEXTS_A_CORE * max(1, usable_cores() // 2)
        self._in_handlers = 0
        self._in_work: Counter[str] = Counter()
        self._asked_at: OrderedDict[str, float] = OrderedDict()  # by label
        self._between_s = 0.0  # two turns that are done, smoothed
        self._last_done: float | None = None

    def budget(self, budget_ms: float) -> None:
        """Take another budget of a usual turn."""
        self._budget_s = budget_ms / 1000.0

    @property
    def in_work(self) -> int:
        """Turns let in and not done."""
        return self._in_work.total()

    @property
    def capacity(self) -> int:
        """How many turns may be worked on at once, by how fast they were done lately."""
        if not self._between_s:
            return self._most_turns
        in_time = int(QUEUE_SHARE * self._budget_s / self._between_s)
        return min(self._most_turns, max(self._fewest_turns, in_time))

    @contextmanager
    def turn(self, label: str) -> Iterator[Place]:
        """Let a turn in for as long as the context lasts.

        Raises:
            Overloaded: `decide` refuses it.
        """
        load = self.load(label)
        decision = decide(load)
        if isinstance(decision, Refuse):
            raise Overloaded(_MESSAGES[decision.reason])
        self._in_work[label] += 1
        try:
            yield Place(
                words_only=decision.words_only,
                greedy=decision.greedy,
                waited_ms=load.waited_s * 1000.0,
                elsewhere=self._in_handler,
            )
        finally:
            self._leave(label)

    def load(self, label: str) -> Load:
        """Count what a turn of this label comes upon; the label counts as asking now."""
        sharing = self._sharing(label)
        waiting = self._waiting_for_model()
        return Load(
            total=self.in_work,
            elsewhere=self._elsewhere(waiting),
            capacity=self.capacity,
            most=self._most_turns,
            mine=self._in_work[label],
            sharing=sharing,
            waited_s=self._waited_s(),
            budget_s=self._budget_s,
            model_busy=waiting >= self._half_of_cores,
        )

    def _leave(self, label: str) -> None:
        self._in_work[label] -= 1
        if not self._in_work[label]:
            del self._in_work[label]
        now = self._clock()
        if self._last_done is not None:
            between_s = now - self._last_done
            self._between_s += _SMOOTHING * (between_s - self._between_s)
        self._last_done = None
        working = self.in_work - self._elsewhere(self._waiting_for_model())
        if working >= _QUEUED:
            self._last_done = now

    @contextmanager
    def _in_handler(self) -> Iterator[None]:
        self._in_handlers += 1
        try:
            yield
        finally:
            self._in_handlers -= 1

    def _elsewhere(self, waiting_for_model: int) -> int:
        return min(self.in_work, waiting_for_model + self._in_handlers)

    def _sharing(self, label: str) -> int:
        """Return how many labels asked lately, this one included."""
        now = self._clock()
        self._asked_at[label] = now
        self._asked_at.move_to_end(label)
        while len(self._asked_at) > _MOST_LABELS or self._oldest() < now - _SHARING_S:
            self._asked_at.popitem(last=False)
        return len(self._asked_at)

    def _oldest(self) -> float:
        return next(iter(self._asked_at.values()))


_MESSAGES = {
    "full": "too many turns at once; the call goes on without grounding",
    "late": "too many turns at once; the call goes on without grounding",
    "share": (
        "too many turns at once under this session label; the call goes on without grounding"
    ),
}
