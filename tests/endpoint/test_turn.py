"""A turn as a handler sees it: what it may search, and what its hits share with others."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.deadline import Deadline
from kbserver.endpoint.trace import Recorder
from kbserver.endpoint.turn import HEARD_CHARACTERS, Turn, end_of, narrow, own
from kbserver.retrieval.retriever import Retrieval
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.settings import TurnSettings
from kbserver.types import Hit, Passage, SpokenForm

QUERY = "how do i reset my router"


class Corpus:
    """A retriever that gives what it is told, and keeps what it was asked."""

    def __init__(self, *scores, name="", error=None, **more):
        self.hits = [hit(score, name) for score in scores]
        self.error = error
        self.more = more
        self.asked = []

    async def retrieve(self, query, **asked):
        self.asked.append(asked | {"query": query})
        if self.error is not None:
            raise self.error
        return Retrieval(self.hits, **self.more)


def hit(score, name=""):
    passage = Passage(f"{name}{score}", "text", metadata={"tags": ["a"]})
    return Hit(passage, score, corpus=name, arms={"lexical": 1.0})


def turn_over(past=(), scope=None, copies=True, **corpora):
    recorder = Recorder()
    turn = Turn(
        query=QUERY,
        label="a",
        parameters={},
        deadline=Deadline.after_ms(60_000.0),
        settings=TurnSettings(top_k=3),
        corpora=tuple(corpora),
        scope=scope or {},
        _retrievers=corpora,
        _recorder=recorder,
        _past=past,
        _copies=copies,
    )
    return turn, recorder


def test_hits_of_all_corpora_are_merged_best_first_and_cut_to_top_k():
    turn, _ = turn_over(a=Corpus(0.9, 0.3), b=Corpus(0.8, 0.7))
    hits = asyncio.run(turn.retrieve())
    assert [one.score for one in hits] == [0.9, 0.8, 0.7]


def test_a_handler_may_narrow_what_is_searched():
    first, second = Corpus(0.9), Corpus(0.8)
    turn, _ = turn_over(scope={"folder": "hotels"}, a=first, b=second)
    asyncio.run(
        turn.retrieve(
            "other words",
            corpora=["b", "elsewhere"],
            scope={"folder": "hotels/7", "lang": "en"},
            top_k=1,
            min_score=0.5,
        )
    )
    assert first.asked == []
    [asked] = second.asked
    assert asked["query"] == "other words"
    assert asked["scope"] == {"folder": "hotels/7", "lang": "en"}
    assert (asked["settings"].top_k, asked["settings"].min_score) == (1, 0.5)


def test_a_scope_that_contradicts_the_turn_finds_nothing_and_asks_nothing():
    corpus = Corpus(0.9)
    turn, _ = turn_over(scope={"folder": "hotels/7"}, a=corpus)
    assert asyncio.run(turn.retrieve(scope={"folder": "hotels/8"})) == []
    assert corpus.asked == []


def test_only_the_callers_own_words_lean_on_earlier_turns():
    past = (Exchange("what does a red light mean", 1.0),)
    corpus = Corpus(0.9)
    turn, _ = turn_over(past=past, a=corpus)
    asyncio.run(turn.retrieve())
    asyncio.run(turn.retrieve("other words"))
    assert [asked["past"] for asked in corpus.asked] == [past, ()]


def test_one_corpus_that_fails_is_noted_and_the_others_answer(caplog):
    turn, recorder = turn_over(a=Corpus(0.9), b=Corpus(error=OSError("gone")))
    hits = asyncio.run(turn.retrieve())
    assert [one.score for one in hits] == [0.9]
    assert recorder.degraded == "corpus_failed"
    assert caplog.records[-1].getMessage().endswith("failed: OSError")


@pytest.mark.parametrize("count", [1, 2])
def test_corpora_that_all_fail_raise(count):
    corpora = {str(n): Corpus(error=OSError("gone")) for n in range(count)}
    turn, _ = turn_over(**corpora)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(turn.retrieve())


def test_what_the_searches_came_to_is_recorded():
    turn, recorder = turn_over(
        a=Corpus(0.9, degraded="late", stages_ms={"lexical": 1.0}),
        b=Corpus(nothing="no_match"),
    )
    asyncio.run(turn.retrieve())
    assert (recorder.degraded, recorder.nothing) == ("late", "no_match")
    assert recorder.stages_ms == {"lexical": 1.0}


def test_a_handler_gets_copies_and_the_server_the_shared_hits():
    corpus = Corpus(0.9)
    handled, _ = turn_over(a=corpus)
    [copied] = asyncio.run(handled.retrieve())
    copied.passage.metadata["tags"].append("mine")
    assert corpus.hits[0].passage.metadata == {"tags": ["a"]}
    direct, _ = turn_over(copies=False, a=corpus)
    [shared] = asyncio.run(direct.retrieve())
    assert shared is corpus.hits[0]


def test_a_copy_keeps_its_spoken_form():
    passage = Passage("1", "text", metadata={"tags": ["a"]})
    spoken = SpokenForm(passage, "text", "", "text")
    copied = own(Hit(passage, 0.5, spoken_form=spoken))
    assert copied.passage == passage and copied.passage is not passage
    assert copied.own_spoken_form is not None
    assert copied.own_spoken_form.content == "text"


@pytest.mark.parametrize(
    ("outer", "inner", "both"),
    [
        ({}, {"lang": "en"}, {"lang": "en"}),
        ({"lang": "en"}, {}, {"lang": "en"}),
        ({"lang": "en"}, {"lang": "en"}, {"lang": "en"}),
        ({"lang": "en"}, {"lang": "de"}, None),
        ({"folder": "a"}, {"folder": "a/b"}, {"folder": "a/b"}),
        ({"folder": "a/b"}, {"folder": "a"}, {"folder": "a/b"}),
        ({"folder": "a"}, {"folder": "ab"}, None),
        ({"folder": "a/b"}, {"folder": "a/c"}, None),
        ({"path": "a"}, {"path": "a/b"}, None),
    ],
)
def test_two_filters_are_narrowed_to_what_lies_in_both(outer, inner, both):
    assert narrow(outer, inner) == both


@given(st.text(max_size=3 * HEARD_CHARACTERS))
def test_the_end_of_a_query_is_a_bounded_suffix_of_whole_words(query):
    end = end_of(query)
    assert query.endswith(end)
    assert len(end) <= HEARD_CHARACTERS
    if len(query) <= HEARD_CHARACTERS:
        assert end == query
    else:
        assert end


def test_a_word_that_would_be_cut_is_left_out():
    query = "first " + "x" * (HEARD_CHARACTERS - 4) + " last"
    assert end_of(query) == "last"
