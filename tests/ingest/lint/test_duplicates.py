from kbserver.ingest.lint.duplicates import near_duplicates
from kbserver.types import Passage
from tests.ingest.lint.folders import lint


def test_near_duplicates_across_documents_are_found(tmp_path):
    text = (
        "If the light is red, check that the grey cable sits firmly in the wall "
        "and wait for five minutes{end}."
    )
    found = lint(
        tmp_path,
        {
            "a.md": f"# Red light\n\n{text.format(end='')}\n",
            "b.md": f"# No light\n\n{text.format(end=' or more')}\n",
            "c.md": "# Blue\n\nIf the light is blue, all is well and nothing is left to do.\n",
        },
    )
    assert [(one.kind, one.source, one.other) for one in found] == [
        ("near-duplicate", "b.md", "a.md")
    ]


SENTENCE = (
    "Check that the grey cable sits firmly in the wall and wait for five minutes then."
)


def passage(text: str, source: str) -> Passage:
    return Passage(f"id of {source}", text, source=source)


def test_a_document_with_two_copies_of_a_passage_is_reported_once():
    passages = [passage(SENTENCE, source) for source in ("a.md", "b.md", "b.md")]
    [found] = near_duplicates(passages)
    assert (found.source, found.other) == ("b.md", "a.md")


def test_copies_within_one_document_are_left_alone():
    assert list(near_duplicates([passage(SENTENCE, "a.md")] * 2)) == []


def test_short_passages_are_left_alone():
    short = "Nine to five on every working day."
    passages = [passage(short, "a.md"), passage(short, "b.md")]
    assert list(near_duplicates(passages)) == []


def test_half_of_the_words_are_no_copy():
    half = " ".join(SENTENCE.split()[:8])
    other = f"{half} otherwise call the desk and ask for a new one by post"
    passages = [passage(SENTENCE, "a.md"), passage(other, "b.md")]
    assert list(near_duplicates(passages)) == []


def test_the_boilerplate_of_many_pages_is_no_copy_of_each():
    passages = [passage(SENTENCE, f"{number}.md") for number in range(60)]
    found = list(near_duplicates(passages))
    assert 0 < len(found) < 60 * 5
    assert {one.source for one in found} <= {f"{number}.md" for number in range(52)}
