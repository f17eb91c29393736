import json
import random
from dataclasses import replace
from functools import partial
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.context import (
    _SENTENCE_END as SENTENCE_END,
)
from kbserver.retrieval.context import (
    EMPTY,
    _by_lead,
    _json_bytes,
    _shortenings,
    compose,
    compose_text,
)
from kbserver.retrieval.spoken.form import lead, spoken_form_of
from kbserver.types import Hit, Passage

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=400)


def hit(text, number=0, **more):
    return Hit(Passage(id=f"id-{number}", text=text, **more), 0.9 - number / 100)


def worded(one):
    return replace(one, spoken_form=spoken_form_of(one.passage))


def composed(*hits, context=2000, answer=4000, speak=True):
    return compose(
        hits, max_context_bytes=context, max_answer_bytes=answer, speak=speak
    )


def test_a_line_for_each_passage_best_first():
    context = composed(hit("First thing."), hit("Second thing.", 1))
    assert context.text == "- First thing.\n- Second thing."
    assert [passage.id for passage in context.passages] == ["id-0", "id-1"]


def test_the_context_is_written_to_be_heard_and_the_passages_stay_as_they_were():
    context = composed(
        hit("It costs **£36** a month, see https://www.example.com/prices/list?x=1.")
    )
    assert "36 pounds" in context.text
    assert "*" not in context.text and "http" not in context.text
    assert context.passages[0].content == "It costs £36 a month, see example.com."
    assert "£36" in composed(hit("It costs £36."), speak=False).text


def test_what_does_not_fit_is_cut_at_the_end_of_a_sentence():
    context = composed(
        hit("One two three. Four five six. Seven eight nine."), context=40
    )
    assert context.text == "- One two three. Four five six."
    assert context.passages[0].content == "One two three. Four five six."


def test_an_abbreviation_ends_no_sentence():
    context = composed(
        hit(
            "Bring proof. A photo card, e.g. a passport or a licence, will do for this."
        ),
        context=40,
    )
    assert context.text == "- Bring proof."


def test_a_passage_of_which_no_sentence_fits_is_left_out_and_the_next_one_may_fit():
    context = composed(hit("a" * 300), hit("Short.", 1), context=100)
    assert context.text == "- Short."


def test_of_many_sentences_as_many_are_kept_as_fit():
    sentences = [f"It costs £{number} on day {number}." for number in range(1, 40)]
    for count in (1, 7, 20, 38):
        whole = "- " + " ".join(
            one.replace("£", "").replace(" on", " pounds on")
            for one in sentences[:count]
        )
        whole = whole.replace("1 pounds on day 1.", "1 pound on day 1.", 1)
        for spare in (0, 20):
            context = composed(
                hit(" ".join(sentences)), context=len(whole) + 1 + spare, answer=10_000
            )
            assert context.text == whole


def test_a_text_that_is_cut_ends_as_if_nothing_had_followed():
    text = "Bring a passport, a letter, etc. and be in time for it. The desk is closed at noon."
    assert (
        composed(hit(text, title="Check-in"), context=60).text
        == "- Check-in: Bring a passport, a letter, et cetera."
    )
    assert (
        composed(hit("Wait 5 min. then call. We pick up."), context=20).text
        == "- Wait 5 minutes."
    )


def test_a_title_that_only_the_part_cut_off_repeats_is_said():
    one = hit(
        "Plans. Basic and Plus are the ones we have at this time.", title="Plans, Basic"
    )
    assert (
        composed(one).text
        == "- Plans. Basic and Plus are the ones we have at this time."
    )
    assert composed(one, context=40).text == "- Plans, Basic: Plans."


@pytest.mark.parametrize("speak", [True, False])
def test_what_was_worked_out_before_changes_no_answer_of_the_demo_corpora(
    demo_passages, speak
):
    chance = random.Random(0)
    for context, answer in ((2600, 5300), (900, 5300), (400, 900)):
        for _ in range(100):
            hits = [Hit(passage, 0.5) for passage in chance.sample(demo_passages, 3)]
            assert composed(
                *map(worded, hits), context=context, answer=answer, speak=speak
            ) == composed(*hits, context=context, answer=answer, speak=speak)


@given(
    st.lists(texts, max_size=4),
    st.integers(100, 800),
    st.integers(200, 2000),
    st.booleans(),
)
def test_nor_that_of_any_text(contents, context, answer, speak):
    hits = [hit(text, number, title="About £5") for number, text in enumerate(contents)]
    said = composed(*map(worded, hits), context=context, answer=answer, speak=speak)
    assert said == composed(*hits, context=context, answer=answer, speak=speak)


def test_a_passage_that_a_handler_put_in_its_place_is_said_itself():
    known = worded(hit("It costs £36."))
    other = replace(known, passage=replace(known.passage, text="It costs £38."))
    assert composed(other).text == "- It costs 38 pounds."
    assert composed(replace(known, score=0.1)).text == "- It costs 36 pounds."


SENTENCES = st.lists(
    st.sampled_from(
        [
            "It costs £30/month.",
            "Plans.",
            "Bring a letter, etc. and be in time.",
            "Wait 5 min. then call 0800 555 0100!",
            "(Open Mon–Fri 9am–5pm.)",
            "Is it?",
        ]
    ),
    min_size=1,
    max_size=8,
)


@given(SENTENCES, st.integers(0, 60), st.integers(20, 400), st.booleans())
def test_a_passage_is_cut_to_as_many_sentences_as_fit(sentences, title, context, speak):
    text = " ".join(sentences)
    one = hit(text, title=text[:title])
    starts = [text[: end.start()] for end in SENTENCE_END.finditer(text)]
    longest_first = [
        composed(
            replace(one, passage=replace(one.passage, text=start)), speak=speak
        ).text
        for start in reversed([*starts, text])
    ]
    wanted = next((line for line in longest_first if len(line.encode()) < context), "")
    assert composed(one, context=context, speak=speak).text == wanted
    assert composed(worded(one), context=context, speak=speak).text == wanted


@given(st.text(st.characters(codec=None)))
def test_bytes_of_json_are_counted_right(text):
    assert _json_bytes(text) == len(
        json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
    )


@given(
    st.lists(texts, max_size=5),
    st.integers(100, 3000),
    st.integers(200, 5000),
    st.booleans(),
)
def test_both_limits_hold_whatever_the_text(
    contents, context_bytes, answer_bytes, speak
):
    hits = [hit(text, number) for number, text in enumerate(contents)]
    context = compose(
        hits,
        max_context_bytes=context_bytes,
        max_answer_bytes=answer_bytes,
        speak=speak,
    )
    results = [
        {"id": one.id, "content": one.content, "score": round(one.score, 4)}
        for one in context.passages
    ]
    assert len(context.text.encode()) <= context_bytes
    assert (
        len(
            json.dumps(
                [context.text, results], ensure_ascii=False, separators=(",", ":")
            ).encode()
        )
        <= answer_bytes + 8
    )
    assert bool(context.text) == bool(context.passages)
    assert all(one.content for one in context.passages)


def test_a_fixed_text_stands_in_both_places():
    context = compose_text(
        "Please **hold**. I will ask.", id="fallback", score=0.0, max_context_bytes=20
    )
    assert context.text == "Please hold."
    assert (context.passages[0].id, context.passages[0].content) == (
        "fallback",
        "Please hold.",
    )
    assert compose_text("", id="fallback", score=0.0, max_context_bytes=20) == EMPTY


def test_nothing_found_gives_an_empty_text():
    assert composed() == EMPTY


words = st.lists(st.sampled_from(("Red", "Light", "Red light.", "It is", "a.", "&")))


@given(words, words, words)
def test_texts_are_grouped_by_their_leads_as_if_each_were_asked_for_its_own(
    title, heading, content
):
    passage = Passage("1", "", " ".join(title), (" ".join(heading),))
    shortenings = _shortenings(" ".join(content))
    grouped = groupby(shortenings, key=partial(lead, passage))
    assert list(_by_lead(shortenings, passage)) == [list(group) for _, group in grouped]


@given(words, st.integers(1, 60))
def test_of_a_text_the_longest_beginning_of_whole_sentences_that_fits_is_said(
    text, most
):
    whole = " ".join(text)
    context = compose_text(whole, id="1", score=1.0, max_context_bytes=most)
    fitting = [one for one in (whole, *_shortenings(whole)) if len(one) <= most]
    assert context.text == next(iter(fitting), "")
