"""Turns as they count: each once for its token, and words that go on as one turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kbserver.endpoint.asking.growing import GrowingTurns
from kbserver.endpoint.figures.metrics import Metrics
from kbserver.endpoint.ground import Call, Grounding


class CountedTurns:
    """Answers turns and counts them. For the event loop's thread."""

    def __init__(
        self,
        ground: Callable[[Call], Awaitable[Grounding]],
        metrics: Metrics,
        gone_on: Callable[[str], None],
    ) -> None:
        """Take what answers a turn.

        Args:
            gone_on: is given the id of an answered turn whose words went on.
        """
        self._ground = ground
        self._metrics = metrics
        self._gone_on = gone_on
        self._growing = GrowingTurns(self._take_back)

    async def answer(self, call: Call) -> Grounding | None:
        """Answer one turn; None if its words have gone on meanwhile, and another answers.

        Raises:
            Unauthorized: the token has had all its turns.
        """
        ask = call.ask
        key = ask.memory_key
        # What a token does not open is no conversation of its holder: nothing of it is dropped.
        if key is None or not ask.is_spoken_alone or not call.grant.allows(ask.label):
            return await self._once(call)

        async def answer() -> tuple[Call, Grounding]:
            return call, await self._once(call)

        answered = await self._growing.latest(key, ask.query, answer)
        if answered is None:
            self._metrics.superseded.labels("dropped").inc()
            return None
        return answered[1]

    def _take_back(self, answered: tuple[Call, Grounding]) -> None:
        """Count a turn no more: its words have gone on."""
        call, grounding = answered
        self._metrics.supersede(grounding.trace)
        self._gone_on(grounding.trace.id)
        if call.grant.turns is not None and grounding.trace.route:
            call.grant.turns.give_back()

    async def _once(self, call: Call) -> Grounding:
        """Answer one turn, and count it as one of its token's if a route answered."""
        turns = call.grant.turns
        if turns is None:
            return await self._ground(call)
        turns.take()
        answered = False
        try:
            grounding = await self._ground(call)
            answered = bool(grounding.trace.route)
        finally:
            if not answered:
                turns.give_back()
        return grounding
