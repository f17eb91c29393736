import pytest

from kbserver.ingest.lint.self_contained import dangling
from kbserver.types import Passage
from tests.ingest.lint.folders import lint


def test_a_passage_that_begins_with_what_came_before_cannot_stand_alone(tmp_path):
    long = "The light on the front of the router turns white after a while. " * 12
    found = lint(
        tmp_path,
        {
            "a.md": f"# Light\n\n{long}\n\n{'They must be held for ten seconds each time. ' * 14}\n"
        },
    )
    assert {one.kind for one in found} == {"cannot stand alone"}
    assert all(one.said.startswith("They must") for one in found) and found


def test_a_pointer_to_the_page_cannot_be_heard(tmp_path):
    found = lint(
        tmp_path,
        {"a.md": "# Prices\n\nThe price of a visit is shown in the table above.\n"},
    )
    assert [one.kind for one in found] == ["cannot stand alone"]
    assert (
        lint(
            tmp_path / "b",
            {
                "b.md": "# Staff\n\nThis plan includes calls. You can see here at noon.\n"
            },
        )
        == []
    )


def passage(text: str, *, position: int = 1, title: str = "T", path=()) -> Passage:
    return Passage("id", text, title, path, "a.md", position)


@pytest.mark.parametrize(
    "text",
    [
        "They must be held for ten seconds.",
        "- It is free.",
        "However, the price rises in May.",
        "As mentioned above, it is free.",
    ],
)
def test_a_beginning_that_refers_back_is_found(text):
    [found] = dangling([passage(text)])
    assert (found.kind, found.said) == ("cannot stand alone", text)


def test_the_first_passage_of_a_titled_document_explains_itself():
    text = "They must be held for ten seconds."
    assert list(dangling([passage(text, position=0)])) == []
    assert len(list(dangling([passage(text, position=0, title="")]))) == 1


def test_a_heading_explains_a_plural_but_no_person():
    path = ("Late fees",)
    assert list(dangling([passage("They are five pounds.", path=path)])) == []
    assert len(list(dangling([passage("She is in on Mondays.", path=path)]))) == 1


@pytest.mark.parametrize(
    "text",
    ["This plan includes calls.", "Those who move keep the number.", "Click Save."],
)
def test_a_beginning_that_names_its_thing_is_left_alone(text):
    assert list(dangling([passage(text)])) == []
