"""After a publish, a gap that is answered is closed by the generation that answers it."""

import shutil
from pathlib import Path

import pytest

from kbserver.evaluation.asker import Answer
from kbserver.evaluation.closing import ask_again, closes
from kbserver.index.store import Store
from kbserver.notes import SearchNote
from kbserver.record.database import changing, key_of
from kbserver.record.gaps.grouping import Gap, gaps
from kbserver.record.gaps.states import with_states
from kbserver.record.rows import Rows
from kbserver.settings import Settings, read_settings
from tests.record.conftest import NOON, candidate, plain, turn


@pytest.fixture
def settings(store: Path, tmp_path: Path) -> Settings:
    copied = tmp_path / "store"
    shutil.copytree(store / "support", copied / "support")
    (copied / ".models").symlink_to(store / ".models")
    return read_settings(store=copied)


def silent(number, query, place, generation="000000-older"):
    near = candidate("p9", answered=False, score=0.1, document="old.md")
    embedding = bytearray(8)
    embedding[place] = 127
    return turn(
        number,
        label=f"call-{number}",
        query=query,
        outcome="empty",
        reason="below_min_score",
        candidates=(near,),
        searches=(SearchNote("support", generation, 0.15, "default"),),
        embedding=bytes(embedding),
    )


def test_open_gaps_are_asked_once_of_what_is_live(settings):
    live = Store(settings.store).live("support")
    folder = settings.record_folder
    with changing(folder) as connection:
        turns = [
            silent(1, "how do i reset the router", 0),
            silent(2, "who painted the starry night", 1),
            silent(3, "what does the red light mean", 2, generation=live),
        ]
        Rows(connection, key=key_of(folder), mask=plain).add(turns, [])

        def found():
            return with_states(connection, gaps(connection, since=NOON))

        assert ask_again(settings, connection, found(), at=NOON) == 1
        states = {gap.examples[0]: gap for gap in found()}
        reset = states["how do i reset the router"]
        assert (reset.closed_by, reset.closed_document) == (live, "router/reset.md")
        assert states["who painted the starry night"].closed_by is None
        assert states["what does the red light mean"].closed_by is None
        asked = connection.execute("SELECT generation, document FROM asked_again")
        assert sorted(map(tuple, asked), key=str) == [
            (live, "router/reset.md"),
            (live, None),
        ]
        nowhere = settings.model_copy(update={"store": Path("nowhere")})
        nowhere = nowhere.model_copy(
            update={"record": settings.record.model_copy(update={"folder": folder})}
        )
        assert ask_again(nowhere, connection, found(), at=NOON) == 0


GAP = Gap("3f9a", ("a",), 1, 1, 1, 0, 0, "support", "near.md", 0.1)


@pytest.mark.parametrize(
    ("answer", "is_one"),
    [
        (Answer(), False),
        (Answer(("other.md",), 0.2, 0.15), True),
        (Answer(("near.md",), 0.2, 0.15), False),
        (Answer(("near.md",), 0.3, 0.15), True),
    ],
)
def test_an_answer_by_what_came_near_must_be_well_above_the_threshold(answer, is_one):
    assert closes(answer, GAP) is is_one
