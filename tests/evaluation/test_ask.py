import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.ground import Grounding
from kbserver.evaluation.ask import (
    ABLATIONS,
    ARMS,
    DEPTH,
    Variant,
    ask,
    asking,
)
from kbserver.evaluation.dataset import Question
from kbserver.settings import Settings, TurnSettings

BASE = Settings().turn_settings()
HYBRID = {"hybrid": ARMS[0].settings(BASE)}


class Answers:
    """The groundings that `ask` handed on: by variant, then by question id."""

    def __init__(self) -> None:
        self.by_variant: dict[str, dict[str, Grounding]] = {}
        self.order: list[tuple[str, str]] = []

    def take(self, variant: str, question: Question, grounding: Grounding) -> None:
        self.by_variant.setdefault(variant, {})[question.id] = grounding
        self.order.append((question.id, variant))


def asked(
    store: Path,
    corpus: str,
    questions: Sequence[Question],
    variants: Mapping[str, TurnSettings] = HYBRID,
    **options: object,
) -> Answers:
    answers = Answers()

    async def ask_all(server: KBServer) -> None:
        await ask(server, corpus, questions, variants, answers.take, **options)

    with_server(store, ask_all)
    return answers


def with_server(store: Path, work: Callable[[KBServer], Awaitable[None]]) -> None:
    async def run() -> None:
        async with asking(Settings(), store) as server:
            await work(server)

    asyncio.run(run())


def sources(grounding: Grounding) -> set[str]:
    return {hit.passage.source for hit in grounding.hits}


def scores(grounding: Grounding) -> dict[str, float]:
    return {hit.passage.id: hit.score for hit in grounding.hits}


# The settings of a variant


def test_a_variant_hides_no_hit_and_changes_what_it_names():
    strict = BASE.model_copy(
        update={"min_score": 0.9, "top_k": 1, "fallback": "Sorry."}
    )
    settings = Variant("v", {"arms": "dense", "gate": False}).settings(strict)
    assert (settings.top_k, settings.min_score, settings.fallback) == (DEPTH, 0.0, "")
    assert (settings.arms, settings.gate) == ("dense", False)
    assert settings.fillers == strict.fillers
    assert not settings.speakable


@pytest.mark.parametrize("variant", ABLATIONS, ids=lambda variant: variant.name)
def test_an_ablation_switches_one_step_off(variant):
    base = HYBRID["hybrid"].model_dump()
    without = variant.settings(BASE).model_dump()
    assert [key for key in base if base[key] != without[key]] == [variant.name[3:]]


# Asking


def test_every_question_is_answered_in_every_variant(store):
    variants = {arm.name: arm.settings(BASE) for arm in ARMS}
    questions = [
        Question("reset", "how do i reset the router"),
        Question("bill", "paper bill"),
    ]
    answers = asked(store, "support", questions, variants)
    assert list(answers.by_variant) == ["hybrid", "lexical", "dense"]
    for variant, found in answers.by_variant.items():
        assert found.keys() == {"reset", "bill"}, variant
        assert found["reset"].hits[0].passage.source == "router/reset.md"
    arms = answers.by_variant["dense"]["reset"].hits[0].arms
    assert set(arms) == {"dense"}


def test_with_a_concurrency_of_one_questions_come_one_after_the_other(store):
    questions = [Question(str(number), f"question {number}") for number in range(4)]
    variants = {arm.name: arm.settings(BASE) for arm in ARMS[:2]}
    answers = asked(store, "support", questions, variants, concurrency=1)
    wanted = [(question.id, variant) for question in questions for variant in variants]
    assert answers.order == wanted


def test_a_scope_narrows_the_search_and_values_that_no_passage_has_are_left_out(store):
    scopes = {
        "seven": {"folder": "hotels/7", "name": "ADELAIDE"},
        "eight": {"folder": "hotels/8"},
        "none": {"name": "X"},
    }
    questions = [
        Question(id, "are dogs allowed", scope=scope) for id, scope in scopes.items()
    ]
    found = asked(store, "hotels", questions).by_variant["hybrid"]
    assert sources(found["seven"]) == {"hotels/7/pets.md", "hotels/7/breakfast.md"}
    assert sources(found["eight"]) == {"hotels/8/pets.md"}
    assert len(found["none"].hits) == 3


EARLIER = ("do you send paper bills",)
AFTER = Question("after", "and how much is that", history=EARLIER)
ALONE = Question("alone", "and how much is that")


def test_earlier_turns_are_said_first_on_the_questions_own_label(store):
    found = asked(store, "support", [AFTER, ALONE]).by_variant["hybrid"]
    assert scores(found["after"]) != scores(found["alone"])
    assert found["after"].hits[0].passage.source == "billing/dates.md"


def test_without_history_or_follow_up_earlier_turns_are_not_said(store):
    variants = HYBRID | {"no follow_up": ABLATIONS[-1].settings(BASE)}
    with_history = asked(store, "support", [AFTER, ALONE], variants).by_variant
    without = asked(store, "support", [AFTER, ALONE], history=False).by_variant
    alone = scores(with_history["hybrid"]["alone"])
    assert scores(with_history["no follow_up"]["after"]) == alone
    assert scores(without["hybrid"]["after"]) == alone


def test_nothing_is_remembered_from_one_round_to_the_next(store):
    rounds = Answers(), Answers()

    async def ask_twice(server: KBServer) -> None:
        await ask(server, "support", [AFTER], HYBRID, rounds[0].take)
        await ask(server, "support", [ALONE], HYBRID, rounds[1].take)

    with_server(store, ask_twice)
    after = rounds[0].by_variant["hybrid"]["after"]
    alone = rounds[1].by_variant["hybrid"]["alone"]
    assert scores(after) != scores(alone)


def test_the_servers_own_routes_are_left_as_they_are(store):
    tables = []

    async def ask_and_look(server: KBServer) -> None:
        tables.append(list(server.table.routes))
        await ask(server, "support", [ALONE], HYBRID, Answers().take)
        tables.append(list(server.table.routes))

    with_server(store, ask_and_look)
    assert tables[0] == tables[1]
