import json

from hypothesis import given
from hypothesis import strategies as st

from kbserver.retrieval.context import EMPTY, compose, compose_text, lead, without_near_duplicates
from kbserver.types import Hit, Passage

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=400)


def hit(text, number=0, **more):
    return Hit(Passage(id=f"id-{number}", text=text, **more), 0.9 - number / 100)


def composed(*hits, context=2000, answer=4000, speak=True):
    return compose(hits, max_context_bytes=context, max_answer_bytes=answer, speak=speak)


def test_a_line_for_each_passage_best_first():
    context = composed(hit("First thing."), hit("Second thing.", 1))
    assert context.text == "- First thing.\n- Second thing."
    assert [passage.id for passage in context.passages] == ["id-0", "id-1"]


def test_the_context_is_written_to_be_heard_and_the_passages_stay_as_they_were():
    context = composed(hit("It costs **£36** a month, see https://www.example.com/prices/list?x=1."))
    assert "36 pounds" in context.text
    assert "*" not in context.text and "http" not in context.text
    assert context.passages[0].content == "It costs £36 a month, see example.com."
    assert "£36" in composed(hit("It costs £36."), speak=False).text


def test_title_and_nearest_heading_lead_in_unless_the_text_says_so_itself():
    passage = Passage(id="a", text="Hold the button.", title="Your router", heading_path=("Resets", "Factory reset"))
    assert lead(passage, passage.text) == "Your router, Factory reset"
    assert lead(Passage(id="a", text="x", title="Opening hours"), "Opening hours are 9 to 5.") == ""
    assert lead(Passage(id="a", text="x", title="Same", heading_path=("Same",)), "Other.") == "Same"
    both = Passage(id="a", text="x", title="Plans & prices", heading_path=("Plans and prices",))
    assert lead(both, "Other.") == "Plans & prices"


def test_near_duplicates_are_not_repeated():
    text = "You can cancel at any time with thirty days of notice by calling our team."
    kept = without_near_duplicates([hit(text), hit(text.replace("our", "the"), 1), hit("Bills come monthly.", 2)])
    assert [one.passage.id for one in kept] == ["id-0", "id-2"]


def test_what_does_not_fit_is_cut_at_the_end_of_a_sentence():
    context = composed(hit("One two three. Four five six. Seven eight nine."), context=40)
    assert context.text == "- One two three. Four five six."
    assert context.passages[0].content == "One two three. Four five six."


def test_an_abbreviation_ends_no_sentence():
    context = composed(hit("Bring proof. A photo card, e.g. a passport or a licence, will do for this."), context=40)
    assert context.text == "- Bring proof."


def test_a_passage_of_which_no_sentence_fits_is_left_out_and_the_next_one_may_fit():
    context = composed(hit("a" * 300), hit("Short.", 1), context=100)
    assert context.text == "- Short."


@given(st.lists(texts, max_size=5), st.integers(100, 3000), st.integers(200, 5000), st.booleans())
def test_both_limits_hold_whatever_the_text(contents, context_bytes, answer_bytes, speak):
    hits = [hit(text, number) for number, text in enumerate(contents)]
    context = compose(hits, max_context_bytes=context_bytes, max_answer_bytes=answer_bytes, speak=speak)
    results = [{"id": one.id, "content": one.content, "score": round(one.score, 4)} for one in context.passages]
    assert len(context.text.encode()) <= context_bytes
    assert (
        len(json.dumps([context.text, results], ensure_ascii=False, separators=(",", ":")).encode()) <= answer_bytes + 8
    )
    assert bool(context.text) == bool(context.passages)
    assert all(one.content for one in context.passages)


def test_a_fixed_text_stands_in_both_places():
    context = compose_text("Please **hold**. I will ask.", id="fallback", score=0.0, max_context_bytes=20)
    assert context.text == "Please hold."
    assert (context.passages[0].id, context.passages[0].content) == ("fallback", "Please hold.")
    assert compose_text("", id="fallback", score=0.0, max_context_bytes=20) == EMPTY


def test_nothing_found_gives_an_empty_text():
    assert composed() == EMPTY
