import pytest

from kbserver.ingest.formats.exports import jsx
from kbserver.ingest.formats.exports.jsx import without_jsx


def read(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of a text without components, and those that were left out."""
    left: list[str] = []

    def leave_out(kind: str, tag: str) -> str:
        left.append(f"{kind}: {tag}")
        return ""

    found = without_jsx(text, leave_out)
    return [line for line in found.split("\n") if line.strip()], left


def summary(title: str) -> str:
    return f"<details><summary>{title}</summary>"


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ('"A &amp; b > c"', "A &amp;amp; b &gt; c"),
        ("{'It is open'}", "It is open"),
        ("{ `At 9` }", "At 9"),
        ('{"a } b"}', "a } b"),
        ("{1,200.50}", "1,200.50"),
        ("'spaced'", "spaced"),
    ],
)
def test_a_prop_s_text_is_said(value, title):
    found, left = read(f"<Card\n  icon title  = {value} text='Below.' />")
    assert found == [summary(title), "Below.", "</details>"]
    assert left == []


@pytest.mark.parametrize("code", ["{t('rent')}", "{`Hi ${name}`}", "{{a: '}'}.a}"])
def test_code_is_never_said(code):
    assert read(f"<Card title={code} />") == ([], ["component: <Card />"])
    found, left = read(f"<Card {{...rest}} title={code} text='Open.' />")
    assert (found, left) == (["Open."], ["coded component: <Card title=…"])


def test_a_component_around_texts_is_a_section_and_loses_its_indentation():
    text = (
        "<Tabs>\n    <Tab title='Rent' value='r'>\n        Due on the third.\n"
        "    </Tab>\n</Tabs>\n    code"
    )
    assert read(text) == (
        [summary("Rent"), "Due on the third.", "</details>", "    code"],
        [],
    )


def test_closing_a_component_closes_those_left_open_in_it():
    found, _ = read("<Box title='a'><Tab title='b'><Row>c</Box></Tab>d")
    opened = [summary("a"), summary("b"), "c"]
    assert found == [*opened, "</details>", "</details>", "d"]


@pytest.mark.parametrize(
    "text",
    ["a <B and c", "<BR/>", "<Summary>a</Summary>", "if x <Y {", "<Card title='"],
)
def test_what_is_no_whole_component_stays(text):
    assert read(text) == ([text], [])


def test_a_blank_written_as_code_is_a_blank():
    text = '<Box>Call{\' \'}us{ " " }{"x"}</Box>'
    assert read(text)[0] == ['Call us {"x"}']


def test_a_text_with_many_tags_without_an_end_is_no_mdx():
    text = "<Box <" * 101 + "<Card title='a' />"
    assert read(text) == ([text], [])
    assert read("<Box <" * 100 + "<Card title='a' />")[0][1:] == [
        summary("a"),
        "</details>",
    ]


def test_a_long_tag_is_looked_at_once(monkeypatch):
    looks = 0
    pattern = jsx._ATTRIBUTE

    class Counting:
        def match(self, *given):
            nonlocal looks
            looks += 1
            return pattern.match(*given)

    monkeypatch.setattr(jsx, "_ATTRIBUTE", Counting())
    assert read(f"<Card{' ' * 10_000}title='a' />")[0] == [summary("a"), "</details>"]
    assert read("<P {" * 100 + "}" * 100 + ">")[1] == []
    assert looks == 2
