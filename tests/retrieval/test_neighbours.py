from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.neighbours import MAX_JOINED_CHARACTERS, join_neighbours
from kbserver.types import Hit, Passage


def hit(position, score=0.5, source="a.md", heading=(), text=None, corpus="c"):
    text = text if text is not None else f"Text {position}."
    return Hit(
        Passage(f"{source}-{position}", text, source=source, position=position, heading_path=heading), score, corpus
    )


def test_neighbours_become_one_in_reading_order_at_the_place_of_the_better():
    found = join_neighbours([hit(3, 0.9), hit(7, 0.8), hit(2, 0.7)])
    assert [one.passage.text for one in found] == ["Text 2.\n\nText 3.", "Text 7."]
    assert (found[0].passage.id, found[0].score) == ("a.md-3", 0.9)


def test_a_third_neighbour_joins_the_two():
    [found] = join_neighbours([hit(3), hit(2), hit(4)])
    assert found.passage.text == "Text 2.\n\nText 3.\n\nText 4."


def test_other_documents_headings_and_corpora_stay_apart():
    for other in (hit(4, source="b.md"), hit(4, heading=("Other",)), hit(4, corpus="d"), hit(5)):
        assert len(join_neighbours([hit(3), other])) == 2


def test_nothing_is_joined_beyond_what_can_be_listened_to():
    assert len(join_neighbours([hit(0, text="a" * MAX_JOINED_CHARACTERS), hit(1)])) == 2


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from("ab")), unique=True, max_size=12))
def test_no_text_is_lost_and_none_is_said_twice(places):
    hits = [hit(position, source=source) for position, source in places]
    said = [part for one in join_neighbours(hits) for part in one.passage.text.split("\n\n")]
    assert sorted(said) == sorted(one.passage.text for one in hits)
