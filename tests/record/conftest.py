"""Notes of turns, as a server would tell them, and records that hold some."""

import pytest

from kbserver.notes import CandidateNote, EventNote, SearchNote, TurnNote, WordsNote
from kbserver.record.database import open_for_writing
from kbserver.record.rows import Rows

DAY_S = 86_400.0
NOON = 1_800_000_000.0
KEY = bytes(32)


def candidate(passage="p1", *, answered=True, score=0.8, document="router/reset.md"):
    return CandidateNote("support", passage, document, score, 7.5, 0.6, answered)


def turn(number=1, *, at=NOON, label="call-1", query=None, **more):
    words = None
    embedding = more.pop("embedding", bytes(8))
    if query is not None:
        words = WordsNote(label, query, query, embedding)
    values = {
        "id": f"{number:020x}",
        "at": at,
        "label": label,
        "route": "*",
        "outcome": "full",
        "reason": None,
        "cached": False,
        "leaned": False,
        "in_budget": True,
        "total_ms": 7.25,
        "budget_ms": 150.0,
        "waited_ms": 0.0,
        "stages_ms": {"embed": 5.126},
        "answer_bytes": 700,
        "spoken_s": 12.0,
        "token": "static",
        "probe": None,
        "traceparent": None,
        "searches": (SearchNote("support", "000001-a", 0.15, "default"),),
        "candidates": (candidate(), candidate("p2", answered=False, score=0.1)),
        "words": words,
    }
    return TurnNote(**(values | more))


def event(kind="start", *, at=NOON, **details):
    return EventNote(at, kind, "", "a sentence", details)


def plain(text):
    return text


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store" / ".record"


@pytest.fixture
def connection(folder):
    connection = open_for_writing(folder)
    yield connection
    connection.close()


@pytest.fixture
def rows(connection):
    return Rows(connection, key=KEY, mask=plain)
