import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import not_spoken
from kbserver.ingest.formats.exports.wikitext import Wikitext, is_not_meant
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import parse_html
from kbserver.ingest.formats.shared.structure import html_blocks

NAMES = {"file": 6, "category": 14, "kategorie": 14, "help": 12}


def page(text):
    return Wikitext(text, "Parking", NAMES)


def lines(text):
    root = parse_html(page(text).html)
    if root is None:
        return []
    settle(root)
    return [
        ("# " if block.kind == "heading" else "") + block.text
        for block in html_blocks(root)
    ]


SAID = {
    "headings": ("== Fees ==\nNine.\n=== Bus ===\nTwo.", "# Fees|Nine.|# Bus|Two."),
    "emphasis": ("'''Parking''' is ''not'' '''''free'''''.", "Parking is not free."),
    "lines of one paragraph": ("One\ntwo.\n\nThree.", "One two.|Three."),
    "lists": (
        "* Bus\n** line 4\n* Tram\n\n# Go in\n# Pay",
        "- Bus|- line 4|- Tram|1. Go in|2. Pay",
    ),
    "definitions": ("; Fine: 30 dollars\n; Bus\n: Line 4", "Fine: 30 dollars|Bus: Line 4"),
    "links": (
        "See [[Gate|the gate]], [[North gate]], [[:Help:Lift]], [[bus]]es"
        " and [https://a.example our page].",
        "See the gate, North gate, Help:Lift, buses and our page.",
    ),
    "links without words": ("Open.[[de:Parken]] [https://a.example]", "Open."),
    "a table": (
        '{| class="wikitable"\n|+ Fees\n! Car !! Day !! Week\n|-\n| Small || $14 || $60\n'
        '|-\n| rowspan="2" | Large\n| $20\n| $90\n|-\n| $21 || $95\n|}',
        "Fees|Car: Small; Day: $14; Week: $60.|Car: Large; Day: $20; Week: $90."
        "|Car: Large; Day: $21; Week: $95.",
    ),
    "a table with lists in a cell": (
        "{|\n! Day !! Open\n|-\n| Monday\n|\n* 9 to 12\n* 1 to 5\n|-\n| Friday || 9 to 2\n|}",
        "Day: Monday; Open: 9 to 12 1 to 5.|Day: Friday; Open: 9 to 2.",
    ),
    "yes and no in a table": (
        "{|\n! Plan !! Lift\n|-\n| Small || {{no}}\n|-\n| Large || {{yes|from 9}}\n|}",
        "Plan: Small; Lift: no.|Plan: Large; Lift: from 9.",
    ),
    "a footnote": (
        "It costs $14<ref name=n>at the north gate</ref> a day and $9<ref name=n/> a night.",
        "It costs $14 a day (at the north gate) and $9 a night (at the north gate).",
    ),
    "a footnote by a template": ("It is $14{{efn|in May}}.", "It is $14 (in May)."),
    "sources": (
        "It costs $14.<ref>{{cite web|url=x}}</ref><ref>https://a.example</ref>"
        "<ref>Smith, ''Cars'', p. 12</ref>\n<references />",
        "It costs $14.",
    ),
    "struck-out text": ("<s>$12</s> <del>$13</del> {{strike|$15}} $14", "$14"),
    "raised and lowered": ("20 m<sup>3</sup> of CO<sub>2</sub>", "20 m³ of CO2"),
    "comments": ("A.\n<!-- never\nsay -->\nB.<!-- open", "A. B."),
    "what is shown as it is written": (
        "<nowiki>[[a]] '''b'''</nowiki> and <code>c</code>",
        "[[a]] '''b''' and c",
    ),
    "code": ("Type:\n<syntaxhighlight lang=sh>a | b {{c}}</syntaxhighlight>", "Type:|a | b {{c}}"),
    "magic words": ("__NOTOC__{{DISPLAYTITLE:x}}{{PAGENAME}} is free.", "Parking is free."),
    "templates that dress a text": (
        "{{lang|de|Parken}} is {{nowrap|30&nbsp;cents}}, {{abbr|max.|at most}} 9.",
        "Parken is 30 cents, max. 9.",
    ),
    "a caption": ("[[File:a.jpg|thumb|200px|The north gate]]\nOpen.", "The north gate|Open."),
    "no caption": ("Open [[File:a.jpg|20px|sign]] daily.", "Open daily."),
    "included elsewhere": (
        "<noinclude>A.</noinclude><includeonly>B.</includeonly>", "A."
    ),
    "braces without an end": ("A {{b and c}.", "A {{b and c}."),
    "a table without an end": ("{|\n| a || b", "a: b."),
    "lines that begin with a blank": (" Adult 24\n Child 12", "Adult 24\nChild 12"),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_wikitext_is_said_as_its_reader_sees_it(name):
    text, expected = SAID[name]
    assert "|".join(lines(text)) == expected


@pytest.mark.parametrize(
    ("text", "said", "what"),
    [
        (
            "The limit is {{convert|2|m|ft}}. Pay {{fee|{{year}}}} at night. Open daily.",
            ["Open daily."],
            "3 templates ({{convert}}, {{year}}, {{fee}})",
        ),
        ("{{Infobox car\n| seats = 4\n}}\nOpen.", ["Open."], "1 template ({{Infobox car}})"),
        ("{{Notice|x}} '''Parking''' is free.", ["Parking is free."], "1 template ({{Notice}})"),
        ("* {{fee}} a day\n* Open", ["- Open"], "1 template ({{fee}})"),
        ("== Fees {{new}} ==\nNine.", ["# Fees", "Nine."], "1 template ({{new}})"),
        ("It is <math>x^2</math>. Open.", ["Open."], "1 formula"),
        ("<gallery>\nFile:a.jpg|The gate\n</gallery>", ["- The gate"], "1 picture (a.jpg)"),
        ("Open.[[File:Plan.png]]", ["Open."], "1 picture (Plan.png)"),
    ],
)  # fmt: skip
def test_what_only_the_wiki_knows_is_named_and_its_sentence_is_not_said(
    text, said, what
):
    assert lines(text) == said
    instead = "write in the text what callers need"
    assert page(text).notes() == (not_spoken(what, instead),)


def test_a_long_footnote_stands_below_the_text():
    note = "Only " + "very " * 50 + "late."
    assert lines(f"It is $14.<ref>{note}</ref>\n\nMore.") == [
        "It is $14.",
        "More.",
        note,
    ]


def test_categories_are_gathered_and_not_said():
    read = page("Open.[[Category:Cars]] [[Kategorie:Fees|F]]")
    assert read.categories == ["Cars", "Fees"]
    assert lines("Open.[[Category:Cars]]") == ["Open."]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{Draft}} Nine.", "{{Draft}}"),
        ("{{Under construction|May}}", "{{Under construction}}"),
        ("Nine. [[Category:Internal only]]", "category Internal only"),
        ("{{Note|Staff}} [[Category:Staff]]", ""),
    ],
)
def test_a_page_says_that_it_is_not_meant_for_callers(text, reason):
    assert page(text).withheld == reason


def test_a_title_says_that_a_page_is_not_meant_for_callers():
    assert is_not_meant("Prices/Archive")
    assert is_not_meant("Prices/Summer/draft")
    assert not is_not_meant("Archive")
    assert not is_not_meant("24/7 support")


PIECES = (
    "{{ }} {{{ }}} [[ ]] [ ] | || ! !! {| |} |- |+ = == ''' '' * # ; : <ref> </ref> <ref/>"
    " <!-- --> <nowiki> </nowiki> <pre> </pre> <s> </s> ---- File: Category: yes | a 5 \n \n"
)


@given(st.lists(st.sampled_from(PIECES.split(" ")), max_size=40).map("".join))
def test_any_wikitext_gives_html_without_marks_of_our_own(text):
    assert not set("\ue000\ue001\ue002\ue003") & set(page(text).html)


@given(st.text(max_size=200))
def test_any_text_gives_html(text):
    assert not set("\ue000\ue001\ue002\ue003") & set(page(text).html)


@pytest.mark.parametrize(
    "piece",
    [
        *("{{", "{{{", "}}", "{{a|", "[[", "[[a|", "[http://a "),
        *("<!--", "<pre>", "<ref>", "<nowiki>"),
        *("'''''a ", "{|\n", "|-\n", "==", "*#;:"),
    ],
)
def test_much_of_a_mark_without_its_end_takes_little_time(piece):
    assert page(piece * 20_000).html is not None
