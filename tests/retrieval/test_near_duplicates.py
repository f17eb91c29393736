from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.near_duplicates import (
    joined_sketch,
    sketch_of,
    without_near_duplicates,
)
from kbserver.types import Hit, Passage, SpokenForm

few_words = st.lists(
    st.sampled_from("we bill you on the first day of Σ month, don't".split()),
    max_size=40,
).map(" ".join)


def hit(text, number=0):
    return Hit(Passage(id=f"id-{number}", text=text), 0.9 - number / 100)


def sketched(text, number=0):
    plain = hit(text, number)
    return replace(
        plain, spoken_form=SpokenForm(plain.passage, text, "", text, sketch_of(text))
    )


def joined(first, second):
    passage = replace(
        first.passage, text=f"{first.passage.text}\n\n{second.passage.text}"
    )
    return Hit(
        passage,
        first.score,
        spoken_form=SpokenForm(passage, "", "", "", joined_sketch(first, second)),
    )


def ids(hits):
    return [one.passage.id for one in hits]


def test_near_duplicates_are_not_repeated():
    text = "You can cancel at any time with thirty days of notice by calling our team."
    texts = (text, text.replace("our", "the"), "Bills come monthly.")
    for make in (hit, sketched):
        assert ids(
            without_near_duplicates([make(text, n) for n, text in enumerate(texts)])
        ) == [
            "id-0",
            "id-2",
        ]


@given(st.lists(few_words, max_size=4))
def test_a_sketch_decides_as_the_text_does(texts):
    hits = [hit(text, number) for number, text in enumerate(texts)]
    with_sketches = [sketched(text, number) for number, text in enumerate(texts)]
    assert ids(without_near_duplicates(with_sketches)) == ids(
        without_near_duplicates(hits)
    )


@given(st.lists(st.tuples(few_words, few_words, few_words), min_size=2, max_size=3))
def test_a_joined_sketch_decides_as_the_joined_text_does(texts):
    hits = [
        joined(joined(sketched(one, number), sketched(two)), sketched(three))
        for number, (one, two, three) in enumerate(texts)
    ]
    plain = [replace(one, spoken_form=None) for one in hits]
    assert ids(without_near_duplicates(hits)) == ids(without_near_duplicates(plain))


@given(few_words, few_words)
def test_joined_sketch_equals_sketch_of_joined_text(one, other):
    first, second = sketched(one), sketched(other)
    sketch, whole = joined_sketch(first, second), sketch_of(f"{one}\n\n{other}")
    if sketch is not None:
        assert sketch.bits == whole.bits and sketch.trigrams >= whole.trigrams


MANY_WORDS = [f"word{number}" for number in range(150)]


def test_sketches_that_hardly_differ_decide_without_the_texts():
    text = " ".join(MANY_WORDS)
    corrected = sketched(text.replace("word7 ", "word "), 1)
    unread = replace(corrected, passage=replace(corrected.passage, text="another text"))
    unread = replace(
        unread, spoken_form=replace(corrected.spoken_form, passage=unread.passage)
    )
    assert ids(without_near_duplicates([sketched(text), unread])) == ["id-0"]


def test_a_few_words_are_not_taken_for_part_of_a_long_text_by_chance():
    text = " ".join(MANY_WORDS)
    bits = sketch_of(text).bits
    chance = next(word for word in map(str, range(1000)) if sketch_of(word).bits & bits)
    assert ids(without_near_duplicates([sketched(text), sketched(chance, 1)])) == [
        "id-0",
        "id-1",
    ]


def test_the_sketch_of_a_passage_that_was_exchanged_is_not_used():
    text = "You can cancel at any time with thirty days of notice by calling our team."
    stale = replace(
        sketched("Bills come monthly, on the first working day.", 1),
        passage=hit(text, 1).passage,
    )
    assert ids(without_near_duplicates([sketched(text), stale])) == ["id-0"]
