"""What is told of a turn: what it did, what came near, and words only where they are recorded."""

import numpy as np
import pytest

from kbserver.endpoint.admission import Place
from kbserver.endpoint.ground import Grounding
from kbserver.endpoint.telling import in_bytes, note_of, pattern_of, probe_of
from kbserver.endpoint.tokens.static import Grant
from kbserver.endpoint.trace import Recorder
from kbserver.notes import CandidateNote, SearchNote, WordsNote
from kbserver.retrieval.context import Context, ContextPassage
from kbserver.retrieval.retriever import Retrieval, Search, Threshold
from kbserver.types import Hit, Passage

from .conftest import said


def hit(name, score, **arms):
    return Hit(Passage(name, "text", source=f"{name}.md"), score, "docs", arms)


NEAR = [hit("c", 0.2, lexical=1.5), hit("d", 0.1)]
SEARCH = Search("docs", "000001-a", "router", True, Threshold(0.4, "calibrated"), NEAR)
CALL = said(
    "the um router",
    "call-1",
    grant=Grant((), kind="static"),
    place=Place(waited_ms=3.0),
)


def grounding():
    recorder = Recorder()
    recorder.route = "*"
    recorder.budget_ms = 147.0
    recorder.add(Retrieval([], stages_ms={"embed": 4.0}, search=SEARCH))
    trace = recorder.finish("full", None, hits=1)
    hits = [hit("a", 0.9, lexical=7.0, dense=0.5), hit("left-out", 0.8)]
    context = Context("- a b c d e", (ContextPassage("a", "a b c d e", 0.9),))
    embedding = np.array([1.0, -0.5, 0.0], np.float32)
    return Grounding(hits, context, trace, embedding)


def test_facts_hold_what_the_turn_did_and_no_words():
    found = grounding()
    note = note_of(CALL, found, "facts", answer_bytes=321)
    assert note.id == found.trace.id and note.at == found.trace.at
    assert (note.route, note.outcome, note.reason) == ("*", "full", None)
    assert (note.leaned, note.cached, note.in_budget) == (True, False, True)
    assert (note.budget_ms, note.waited_ms, note.answer_bytes) == (147.0, 3.0, 321)
    assert note.stages_ms == {"embed": 4.0}
    assert note.spoken_s == pytest.approx(6 * 60 / 150)
    assert note.token == "static" and note.probe is None
    assert note.words is None


def test_candidates_are_the_answer_then_what_was_below_the_threshold():
    note = note_of(CALL, grounding(), "facts", answer_bytes=0)
    assert note.searches == (SearchNote("docs", "000001-a", 0.4, "calibrated"),)
    assert note.candidates == (
        CandidateNote("docs", "a", "a.md", 0.9, 7.0, 0.5, True),
        CandidateNote("docs", "c", "c.md", 0.2, 1.5, None, False),
        CandidateNote("docs", "d", "d.md", 0.1, None, None, False),
    )


def test_words_are_the_query_as_it_came_and_as_it_was_searched_for():
    note = note_of(CALL, grounding(), "words", answer_bytes=0)
    embedding = bytes([127, 256 - 64, 0])
    assert note.words == WordsNote("call-1", "the um router", "router", embedding)


def test_a_very_long_query_is_cut():
    call = said("x" * 50_000, "call-1")
    note = note_of(call, grounding(), "words", answer_bytes=0)
    assert len(note.words.query) == 4_000


def test_an_embedding_takes_a_byte_a_dimension_and_keeps_its_direction():
    random = np.random.default_rng(1)
    vector = random.standard_normal(384).astype(np.float32)
    vector /= np.linalg.norm(vector)
    again = np.frombuffer(in_bytes(vector), np.int8).astype(np.float32)
    assert vector @ again / np.linalg.norm(again) > 0.99


@pytest.mark.parametrize(
    ("kind", "header", "probe"),
    [
        ("static", "doctor", "doctor"),
        ("open", "eval", "eval"),
        ("signed", "doctor", None),
        ("static", "something", None),
        ("static", None, None),
    ],
)
def test_a_probe_is_marked_unless_a_browser_could_have_done_it(kind, header, probe):
    headers = {}
    if header is not None:
        headers["x-kbserver-probe"] = header
    call = said("q", grant=Grant((), kind=kind))
    assert probe_of(call, headers) == probe


@pytest.mark.parametrize(
    ("label", "pattern"),
    [
        ("web-3f9a0c", "web-#"),
        ("support-42", "support-#"),
        ("support", "support"),
        ("facade", "facade"),
        ("hotel-7-room-12", "hotel-#-room-#"),
        ("a" * 200, "a" * 80),
        ("", ""),
    ],
)
def test_a_label_loses_what_tells_one_call_from_another(label, pattern):
    assert pattern_of(label) == pattern
