from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.neighbours import (
    MAX_JOINED_CHARACTERS,
    join_neighbours,
    places_to_read,
)
from kbserver.types import Hit, Passage


def hit(position, score=0.5, source="a.md", heading=(), text=None, corpus="c"):
    text = text if text is not None else f"Text {position}."
    return Hit(
        Passage(
            f"{source}-{position}",
            text,
            source=source,
            position=position,
            heading_path=heading,
        ),
        score,
        corpus,
    )


def test_neighbours_become_one_in_reading_order_at_the_place_of_the_better():
    found = join_neighbours([hit(3, 0.9), hit(7, 0.8), hit(2, 0.7)])
    assert [one.passage.text for one in found] == ["Text 2.\n\nText 3.", "Text 7."]
    assert (found[0].passage.id, found[0].score) == ("a.md-3", 0.9)


def test_a_third_neighbour_joins_the_two():
    [found] = join_neighbours([hit(3), hit(2), hit(4)])
    assert found.passage.text == "Text 2.\n\nText 3.\n\nText 4."


def test_other_documents_headings_and_corpora_stay_apart():
    for other in (
        hit(4, source="b.md"),
        hit(4, heading=("Other",)),
        hit(4, corpus="d"),
        hit(5),
    ):
        assert len(join_neighbours([hit(3), other])) == 2


def test_nothing_is_joined_beyond_what_can_be_listened_to():
    assert len(join_neighbours([hit(0, text="a" * MAX_JOINED_CHARACTERS), hit(1)])) == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from("ab")), unique=True, max_size=12
    )
)
def test_no_text_is_lost_and_none_is_said_twice(places):
    hits = [hit(position, source=source) for position, source in places]
    said = [
        part for one in join_neighbours(hits) for part in one.passage.text.split("\n\n")
    ]
    assert sorted(said) == sorted(one.passage.text for one in hits)


def test_what_cannot_be_among_the_best_is_not_read():
    assert places_to_read([40, 7, 90, 3, 65, 12], top_k=3) == [0, 1, 2]
    assert places_to_read([40, 41, 90, 3, 65, 12], top_k=3) == [0, 1, 2, 3], (
        "the two first are one"
    )
    assert places_to_read([40, 7, 90, 8, 65, 66], top_k=3) == [0, 1, 2, 3], (
        "one belongs to the second"
    )
    assert places_to_read([40, 7, 90, 8, 9, 65], top_k=3) == [0, 1, 2, 3, 4], (
        "and one to that"
    )
    assert places_to_read([], top_k=3) == []


_DOCUMENTS = st.lists(
    st.lists(
        st.tuples(st.sampled_from(["", "Fees"]), st.sampled_from([20, 500, 1000])),
        min_size=1,
        max_size=5,
    ),
    max_size=5,
)


@given(_DOCUMENTS, st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_best_are_the_same_without_what_is_not_read(documents, random, top_k):
    hits = [
        hit(position, source=str(number), heading=(heading,), text="a" * length)
        for number, document in enumerate(documents)
        for position, (heading, length) in enumerate(document)
    ]
    rows = random.sample(range(len(hits)), len(hits))[: 2 * top_k]
    read = [rows[place] for place in places_to_read(rows, top_k=top_k)]
    assert (
        join_neighbours([hits[row] for row in read])[:top_k]
        == join_neighbours([hits[row] for row in rows])[:top_k]
    )
