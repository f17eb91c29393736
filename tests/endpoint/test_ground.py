"""One turn from its call to its grounding, without HTTP, over the real corpora."""

import asyncio
import random
import time
from dataclasses import replace

import pytest

from kbserver.endpoint.admission import Place
from kbserver.endpoint.asking.manner import Limits, Manner
from kbserver.endpoint.ground import (
    GREEDY_SHARE,
    RESERVE_MS,
    RESERVE_SHARE,
    Services,
    divide_budget,
    ground,
    open_access,
    small_talk,
)
from kbserver.endpoint.grounding_cache import GroundingCache
from kbserver.endpoint.routing import Route, RouteTable
from kbserver.endpoint.tokens.static import Grant
from kbserver.labels import LabelPattern
from kbserver.languages import profile
from kbserver.retrieval.transcript.followup import Memory
from kbserver.settings import TurnSettings

from .conftest import said

PATIENT = TurnSettings(deadline_ms=10_000)
QUESTION = "how do i reset my router"
ALONE = "what does a red light on the router mean"
ELLIPTICAL = "how long does that take"
ANYTHING = (LabelPattern("*"),)


class Broken:
    """A corpus whose index cannot be read."""

    profile = profile("english")

    def version(self):
        return (self,)

    async def retrieve(self, query, **more):
        raise OSError("the disk is gone")


class Counting:
    """A retriever that counts its searches and keeps what it was asked."""

    def __init__(self, real):
        self.real = real
        self.profile = real.profile
        self.asked = []

    def version(self):
        return self.real.version()

    async def retrieve(self, query, **more):
        self.asked.append((query, more))
        return await self.real.retrieve(query, **more)


@pytest.fixture
def support(corpora):
    return Counting(corpora.retrievers["support"])


@pytest.fixture
def services(corpora, support):
    """Both corpora, routed by their names; each test has a memory and a cache of its own."""
    return services_with(
        route("support"),
        route("hotels"),
        retrievers={"support": support, "hotels": corpora.retrievers["hotels"]},
    )


def services_with(*routes, retrievers):
    return Services(RouteTable(routes), retrievers, Memory(), GroundingCache())


def route(label, *corpora, handler=None, scope=None, settings=PATIENT):
    return Route(
        pattern=LabelPattern(label),
        corpora=corpora or (label,),
        settings=settings,
        scope=scope or {},
        handler=handler,
    )


@pytest.fixture
def handled(loop, corpora):
    """Ground a turn whose route has this handler."""

    def run(handler, *, place=None, **settings):
        by_handler = route(
            "label",
            "support",
            handler=handler,
            settings=PATIENT.model_copy(update=settings),
        )
        services = services_with(by_handler, retrievers=corpora.retrievers)
        call = said("where is my parcel", "label", place=place or Place())
        return loop.run(ground(call, services))

    return run


def ended(grounding):
    return grounding.trace.outcome, grounding.trace.reason


def test_a_question_is_answered_from_the_corpus_of_its_label(loop, services):
    grounding = loop.run(ground(said(QUESTION, "support"), services))
    assert ended(grounding) == ("full", None)
    assert grounding.hits[0].passage.source == "router/reset.md"
    assert "seconds" in grounding.context.text
    assert grounding.trace.route == "support"
    assert grounding.trace.hits == len(grounding.context.passages) > 0
    stages = set(grounding.trace.stages_ms)
    assert {"recall", "lexical", "embed", "dense", "fuse", "compose"} <= stages
    assert grounding.trace.in_budget


def test_a_question_that_the_corpus_does_not_answer_ends_empty(loop, services):
    call = said("who painted the mona lisa", "support")
    grounding = loop.run(ground(call, services))
    assert ended(grounding) == ("empty", "below_min_score")
    assert (grounding.context.text, grounding.trace.hits) == ("", 0)


def test_a_fallback_is_said_where_nothing_is_found_and_counts_as_no_hit(loop, corpora):
    settings = PATIENT.model_copy(update={"fallback": "Please hold."})
    services = services_with(
        route("support", settings=settings), retrievers=corpora.retrievers
    )
    call = said("who painted the mona lisa", "support")
    for _ in range(2):  # searched, then from the cache
        grounding = loop.run(ground(call, services))
        assert grounding.context.text == "Please hold."
        assert ended(grounding) == ("empty", "below_min_score")
        assert grounding.trace.hits == 0


@pytest.mark.parametrize(
    "call",
    [
        said(QUESTION, "nowhere"),
        said(QUESTION, None),
        said(QUESTION, "support", grant=Grant((LabelPattern("hotels"),))),
        said(QUESTION, "support", grant=Grant(ANYTHING, corpora=("hotels",))),
        said(QUESTION, "vip", grant=Grant(ANYTHING, scope={"folder": "billing"})),
        said("thank you", "nowhere"),
    ],
    ids=["label", "no label", "token", "corpora", "scope", "small talk"],
)
def test_what_route_or_token_do_not_open_looks_like_an_unknown_label(
    loop, corpora, call
):
    settings = PATIENT.model_copy(update={"fallback": "Please hold."})
    services = services_with(
        route("support", settings=settings),
        route("vip", "support", scope={"folder": "router"}, settings=settings),
        retrievers=corpora.retrievers,
    )
    grounding = loop.run(ground(call, services))
    assert ended(grounding) == ("empty", "unknown_label")
    assert (grounding.context.text, grounding.context.passages) == ("", ())
    assert grounding.trace.route == ""
    assert len(services.memory) == len(services.cache) == 0


def test_a_token_narrows_the_scope_of_the_route(loop, services):
    grant = Grant(ANYTHING, scope={"folder": "hotels/8"})
    call = said("can i bring my dog", "hotels", grant=grant)
    grounding = loop.run(ground(call, services))
    assert {hit.passage.source for hit in grounding.hits} == {"hotels/8/pets.md"}


def test_a_token_leaves_out_corpora_of_the_route(services):
    grant = Grant(ANYTHING, corpora=("hotels", "elsewhere"))
    table = RouteTable([Route(LabelPattern("*"), (), PATIENT)])
    both = Services(table, services.retrievers, services.memory, services.cache)
    access = open_access(said(QUESTION, "x", grant=grant), both)
    assert access.corpora == ("hotels",)
    assert open_access(said(QUESTION, "x"), both).corpora == ("support", "hotels")


def test_small_talk_is_not_looked_up(loop, services, support):
    grounding = loop.run(ground(said("thank you very much", "support"), services))
    assert ended(grounding) == ("gated", "thanks")
    assert grounding.context.text == ""
    assert support.asked == []
    assert len(services.memory) == 0


@pytest.mark.parametrize(
    ("heard", "gate", "reason"),
    [
        ("thank you", True, "thanks"),
        ("thank you", False, None),
        (QUESTION, True, None),
        ("", True, "empty"),
        ("  ", False, "empty"),
        ("um", True, "empty"),
        ("um", False, None),
    ],
)
def test_without_the_gate_only_silence_is_small_talk(heard, gate, reason):
    assert small_talk(heard, TurnSettings(gate=gate), [profile("english")]) == reason


# Handlers


def test_an_async_handler_may_answer_with_hits(handled):
    async def handler(turn):
        return await turn.retrieve("what does a red light mean", top_k=1)

    grounding = handled(handler)
    assert ended(grounding) == ("full", None)
    assert [hit.passage.source for hit in grounding.hits] == ["router/lights.md"]
    assert "handler" in grounding.trace.stages_ms


def test_a_handler_may_answer_with_a_single_hit(handled):
    async def handler(turn):
        hits = await turn.retrieve("what does a red light mean")
        return hits[0]

    assert "red light" in handled(handler).context.text


def test_a_plain_handler_may_answer_with_a_text(handled):
    grounding = handled(lambda turn: f"You said {turn.query}.")
    assert grounding.context.text == "You said where is my parcel."
    assert ended(grounding) == ("full", None)
    assert grounding.context.passages[0].id.startswith("text-")


def test_a_handler_may_be_an_object_with_an_async_call(handled):
    class Handler:
        async def __call__(self, turn):
            return "from an object"

    assert handled(Handler()).context.text == "from an object"


def test_a_plain_handler_may_give_something_to_await(handled):
    async def later():
        return "later"

    assert handled(lambda turn: later()).context.text == "later"


def test_a_handler_without_an_answer_leaves_the_fallback(handled):
    grounding = handled(lambda turn: None, fallback="Please hold.")
    assert grounding.context.text == "Please hold."
    assert ended(grounding) == ("empty", "no_match")


@pytest.mark.parametrize("nonsense", [42, ["a list", "of texts"], object()])
def test_nonsense_from_a_handler_is_an_error(handled, caplog, nonsense):
    grounding = handled(lambda turn: nonsense, fallback="Please hold.")
    assert grounding.context.text == "Please hold."
    assert ended(grounding) == ("empty", "error")
    assert "it may give hits, a text, or None" in caplog.text


def test_a_handler_that_fails_leaves_the_fallback_and_a_line_in_the_log(
    handled, caplog
):
    def handler(turn):
        raise RuntimeError(turn.query)

    grounding = handled(handler, fallback="Please hold.")
    assert grounding.context.text == "Please hold."
    assert ended(grounding) == ("empty", "error")
    record = caplog.records[-1]
    assert record.getMessage() == "turn failed: route 'label': RuntimeError"


def test_a_handler_that_stalls_is_cancelled_at_its_deadline(handled):
    cancelled = []

    async def handler(turn):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(turn.label)
            raise

    grounding = handled(handler, deadline_ms=10, fallback="Please hold.")
    assert cancelled == ["label"]
    assert grounding.context.text == "Please hold."
    assert ended(grounding) == ("empty", "late")


def test_a_handler_that_finds_nothing_says_why_its_search_did_not(handled):
    async def handler(turn):
        await turn.retrieve(scope={"folder": "nowhere"})

    assert ended(handled(handler)) == ("empty", "empty_scope")


def test_a_turn_in_a_handler_does_not_count_as_work(handled):
    steps = []

    class Elsewhere:
        def __enter__(self):
            steps.append("entered")

        def __exit__(self, *exc):
            steps.append("left")

    handled(lambda turn: steps.append("handled"), place=Place(elsewhere=Elsewhere))
    assert steps == ["entered", "handled", "left"]


# Failures


def test_one_of_several_corpora_may_fail(loop, corpora):
    services = services_with(
        route("both", "support", "broken"),
        retrievers={**corpora.retrievers, "broken": Broken()},
    )
    grounding = loop.run(ground(said(QUESTION, "both"), services))
    assert ended(grounding) == ("degraded", "corpus_failed")
    assert grounding.hits[0].corpus == "support"
    assert len(services.cache) == 0


def test_a_corpus_that_fails_alone_leaves_the_fallback(loop, corpora):
    settings = PATIENT.model_copy(update={"fallback": "Please hold."})
    services = services_with(
        route("broken", settings=settings), retrievers={"broken": Broken()}
    )
    grounding = loop.run(ground(said(QUESTION, "broken"), services))
    assert ended(grounding) == ("empty", "error")
    assert grounding.context.text == "Please hold."


def test_the_other_corpora_of_a_route_answer_for_one_that_is_not_served(loop, corpora):
    services = services_with(
        route("both", "support", "gone"), retrievers=corpora.retrievers
    )
    found = loop.run(ground(said(QUESTION, "both"), services))
    assert ended(found) == ("degraded", "corpus_failed")


# Budget


def test_a_caller_may_lower_the_budget_and_never_raise_it():
    settings = TurnSettings(deadline_ms=5_000)
    usual = divide_budget(said(QUESTION), settings).answer_by
    lowered = divide_budget(said(QUESTION, limit_ms=1_000), settings).answer_by
    raised = divide_budget(said(QUESTION, limit_ms=9_000), settings).answer_by
    assert lowered < usual
    assert raised.remaining_ms() <= 5_000


def test_the_search_leaves_a_reserve_for_the_answer():
    times = divide_budget(said(QUESTION), TurnSettings(deadline_ms=5_000))
    assert reserve_ms(times) == pytest.approx(RESERVE_MS)
    times = divide_budget(said(QUESTION), TurnSettings(deadline_ms=100))
    assert reserve_ms(times) == pytest.approx(RESERVE_SHARE * 100)


def reserve_ms(times):
    return (times.answer_by.at - times.search_by.at) * 1000.0


def test_what_the_turn_waited_for_the_loop_is_taken_off_twice():
    settings = TurnSettings(deadline_ms=5_000)
    waited = said(QUESTION, place=Place(waited_ms=1_000.0))
    times = divide_budget(waited, settings)
    assert times.answer_by.remaining_ms() <= 4_000
    assert reserve_ms(times) == pytest.approx(RESERVE_MS + 1_000.0)


def test_a_turn_that_waited_for_longer_than_its_budget_has_none_left():
    waited = said(QUESTION, place=Place(waited_ms=1_000.0))
    times = divide_budget(waited, TurnSettings(deadline_ms=100))
    assert times.answer_by.at <= time.monotonic()


def test_a_place_says_when_the_embedding_must_be_there():
    settings = TurnSettings(deadline_ms=10_000)
    usual = divide_budget(said(QUESTION), settings)
    greedy = divide_budget(said(QUESTION, place=Place(greedy=True)), settings)
    crowded = Place(words_only=True, greedy=True)
    words_only = divide_budget(said(QUESTION, place=crowded), settings)
    assert usual.embed_by is None
    assert greedy.embed_by.remaining_ms() <= GREEDY_SHARE * 10_000
    assert greedy.embed_by < greedy.search_by
    assert words_only.embed_by.at <= time.monotonic()


def test_the_retriever_gets_the_divided_budget(loop, services, support):
    place = Place(words_only=True)
    loop.run(ground(said(QUESTION, "support", place=place), services))
    _, asked = support.asked[0]
    assert asked["embed_by"] < asked["deadline"]
    assert asked["settings"].misheard is False


def test_what_does_not_fit_through_the_door_is_cut(loop, services):
    limits = Limits(passages_bytes=300, text_bytes=100)
    whole = loop.run(ground(said(ALONE, "support"), services))
    cut = loop.run(ground(said(ALONE, "support", manner=Manner(limits)), services))
    assert 0 < len(cut.context.text) < len(whole.context.text)
    assert len(services.cache) == 2


# Follow-ups


def test_a_turn_is_remembered_for_the_next_one(loop, services, support):
    loop.run(ground(said(f"um {QUESTION}", "support"), services))
    [exchange] = services.memory.recall("support", now_s=time.monotonic())
    assert exchange.query == QUESTION
    assert exchange.served[0] == "Reset the router"
    assert exchange.embedding.shape == (384,)

    loop.run(ground(said(ELLIPTICAL, "support"), services))
    _, asked = support.asked[1]
    assert asked["past"] == (exchange,)
    queries = [
        one.query for one in services.memory.recall("support", now_s=time.monotonic())
    ]
    assert queries == [ELLIPTICAL, QUESTION]


def test_a_turn_from_the_cache_is_remembered_as_well(loop, services, support):
    remembered = []
    for label in ("support", "support"):
        loop.run(ground(said(ALONE, label), services))
        remembered += services.memory.recall(label, now_s=time.monotonic())
        services.memory.forget(label)
    assert len(support.asked) == 1
    first, second = remembered
    assert first.served == second.served
    assert (first.embedding == second.embedding).all()


@pytest.mark.parametrize(
    ("label", "settings"),
    [
        ("support", {"follow_up": False}),
        ("support", {"shared_label": True}),
        (None, {}),
    ],
)
def test_some_turns_are_not_remembered(loop, corpora, label, settings):
    services = services_with(
        route("*", "support", settings=PATIENT.model_copy(update=settings)),
        retrievers=corpora.retrievers,
    )
    loop.run(ground(said(QUESTION, label), services))
    assert len(services.memory) == 0


# The cache


def test_the_same_question_is_searched_once(loop, services, support):
    first, second = (
        loop.run(ground(said(ALONE, "support"), services)) for _ in range(2)
    )
    assert len(support.asked) == 1
    assert second.context == first.context
    assert ended(second) == ended(first) == ("full", None)
    assert "lexical" not in second.trace.stages_ms


def test_a_question_that_leans_on_the_one_before_is_searched_each_time(
    loop, services, support
):
    loop.run(ground(said(ALONE, "support"), services))
    for _ in range(2):
        loop.run(ground(said(ELLIPTICAL, "support"), services))
    assert len(support.asked) == 3


SAID = (
    *(
        ALONE,
        QUESTION,
        ELLIPTICAL,
        "and what about that",
        "what does a paper bill cost",
    ),
    "how long does um you know that take at the back of the router",
    "and what about um no wait when are the monthly bills made for the router",
)


@pytest.mark.parametrize("fillers", [True, False])
def test_with_a_cache_every_turn_finds_what_it_finds_without(loop, corpora, fillers):
    settings = PATIENT.model_copy(update={"fillers": fillers})
    cached = services_with(
        route("*", "support", settings=settings), retrievers=corpora.retrievers
    )
    # The same turns in the same order, and nothing shared between labels.
    plain = replace(cached, memory=Memory(), cache=GroundingCache(0))
    chance = random.Random(7)
    for _ in range(120):
        call = said(chance.choice(SAID), chance.choice(["a", "b", "c", None]))
        found, alone = (
            loop.run(ground(call, services)) for services in (cached, plain)
        )
        assert ended(found) == ended(alone)
        assert found.context == alone.context, call
    assert len(cached.cache) > 2


def test_another_scope_or_setting_is_another_question(loop, corpora, support):
    services = services_with(
        route("a", "support"),
        route("b", "support", settings=PATIENT.model_copy(update={"top_k": 1})),
        route("c", "support", scope={"folder": "router"}),
        retrievers={"support": support},
    )
    for label in ("a", "b", "c"):
        loop.run(ground(said(ALONE, label), services))
    assert len(support.asked) == len(services.cache) == 3


def test_what_is_found_by_words_only_is_not_kept_but_what_is_kept_is_served(
    loop, services, support
):
    crowded = said(ALONE, "support", place=Place(words_only=True))
    loop.run(ground(crowded, services))
    assert len(services.cache) == 0
    loop.run(ground(said(ALONE, "support"), services))
    known = loop.run(ground(crowded, services))
    assert len(support.asked) == 2
    assert ended(known) == ("full", None)


def test_a_new_generation_is_searched(loop, services, support, corpora):
    loop.run(ground(said(QUESTION, "support"), services))
    other = Counting(corpora.retrievers["hotels"])
    newer = replace(services, retrievers={"support": other})
    loop.run(ground(said(QUESTION, "support"), newer))
    assert len(support.asked) == len(other.asked) == 1


def test_a_handler_is_asked_each_time(loop, corpora):
    asked = []
    services = services_with(
        route("label", "support", handler=asked.append), retrievers=corpora.retrievers
    )
    for _ in range(2):
        loop.run(ground(said(QUESTION, "label"), services))
    assert len(asked) == 2
    assert len(services.cache) == 0
