"""Figures by hour and day agree with the turns they were counted from, and outlive them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.record.database import open_for_writing
from kbserver.record.retention import prune
from kbserver.record.rows import Rows

from .conftest import DAY_S, KEY, NOON, candidate, plain, turn

BY_HOUR = """
SELECT route, outcome, sum(turns), sum(calls), sum(late), round(sum(mean_ms * turns), 3)
FROM hours GROUP BY 1, 2 ORDER BY 1, 2
"""
COUNTED = """
SELECT route, outcome, count(*), count(*) FILTER (WHERE NOT EXISTS (
    SELECT 1 FROM turns AS earlier WHERE earlier.call = turns.call AND earlier.n < turns.n
)), sum(NOT in_budget), round(sum(total_ms), 3)
FROM turns WHERE probe IS NULL GROUP BY 1, 2 ORDER BY 1, 2
"""
BY_DOCUMENT = """
SELECT passages.corpus, passages.document,
    count(DISTINCT CASE WHEN answered THEN turn END), sum(answered AND place = 0),
    max(CASE WHEN answered THEN turns.at END),
    count(DISTINCT CASE WHEN NOT answered THEN turn END)
FROM candidates JOIN passages ON passages.n = candidates.passage
JOIN turns ON turns.n = candidates.turn AND turns.probe IS NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""
candidates = st.builds(
    candidate,
    st.sampled_from(["p1", "p2", "p3"]),
    answered=st.booleans(),
    document=st.sampled_from(["a.md", "b.md", "\ud800.md"]),
)
turns = st.lists(
    st.fixed_dictionaries(
        {
            "at": st.floats(NOON, NOON + 3 * DAY_S),
            "label": st.sampled_from(["call-1", "call-2"]),
            "route": st.sampled_from(["*", "web-*"]),
            "outcome": st.sampled_from(["full", "empty"]),
            "in_budget": st.booleans(),
            "total_ms": st.integers(1, 99).map(float),
            "probe": st.sampled_from([None, None, "doctor"]),
            "candidates": st.lists(candidates, max_size=4).map(tuple),
        }
    ),
    max_size=12,
)


@settings(max_examples=20)
@given(given_turns=turns, cut=st.integers(0, 12))
def test_tallies_are_what_counting_every_turn_gives(tmp_path_factory, given_turns, cut):
    connection = open_for_writing(tmp_path_factory.mktemp("record"))
    rows = Rows(connection, key=KEY, mask=plain)
    notes = [turn(number, **values) for number, values in enumerate(given_turns)]
    rows.add(notes[:cut], [])
    rows.add(notes[cut:], [])
    rows.add(notes, [])  # sent twice
    assert (
        connection.execute(BY_HOUR).fetchall() == connection.execute(COUNTED).fetchall()
    )
    found = connection.execute("SELECT * FROM documents ORDER BY 1, 2").fetchall()
    assert found == connection.execute(BY_DOCUMENT).fetchall()
    connection.close()


@settings(max_examples=20)
@given(given_turns=turns, gone=st.sets(st.integers(0, 11)), cut=st.integers(0, 12))
def test_a_turn_whose_words_went_on_counts_as_if_it_had_not_been_asked(
    tmp_path_factory, given_turns, gone, cut
):
    connection = open_for_writing(tmp_path_factory.mktemp("record"))
    rows = Rows(connection, key=KEY, mask=plain)
    notes = [turn(number, **values) for number, values in enumerate(given_turns)]
    rows.add(notes[:cut], [])
    ids = [one.id for number, one in enumerate(notes) if number in gone]
    rows.add(notes[cut:], [], gone_on=[*ids, *ids, "another"])
    (kept,) = connection.execute("SELECT count(*) FROM turns").fetchone()
    assert kept == len(notes) - len(ids)
    assert (
        connection.execute(BY_HOUR).fetchall() == connection.execute(COUNTED).fetchall()
    )
    found, counted = (
        [(*row[:4], row[5]) for row in connection.execute(query)]
        for query in ("SELECT * FROM documents ORDER BY 1, 2", BY_DOCUMENT)
    )
    assert found == counted
    connection.close()


def test_they_stay_when_turns_go_for_want_of_room_and_go_with_their_days(
    rows, connection
):
    def pruned(now_s, max_mb):
        prune(
            connection,
            now_s=now_s,
            keep_days=30,
            words_keep_days=14,
            max_mb=max_mb,
        )
        counted = "(SELECT count(*) FROM turns), sum(turns)"
        hours = connection.execute(f"SELECT {counted} FROM hours").fetchone()
        uses = connection.execute(f"SELECT {counted} FROM documents").fetchone()
        return hours, uses

    rows.add([turn(1), turn(2, at=NOON + 5)], [])
    assert pruned(NOON + DAY_S, 0.001) == ((0, 2), (0, 2))
    assert pruned(NOON + 33 * DAY_S, 512) == ((0, None), (0, None))
