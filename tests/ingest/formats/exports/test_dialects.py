import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.ingest.blocks import not_spoken
from kbserver.ingest.formats.exports.dialects import _title, plain_markdown


def lines(document):
    return [
        ("# " if block.kind == "heading" else "") + block.text
        for block in document.blocks
        if block.text
    ]


SAID = {
    "a titled note of MkDocs": (
        '!!! warning "Bank holidays"\n    We are closed.\n\nMore.',
        ["# Bank holidays", "We are closed.", "More."],
    ),
    "one without a title": ("!!! note\n    Bring *ID*.", ["Note: Bring ID."]),
    "one that says it has none": ('!!! tip ""\n    Bring ID.', ["Tip: Bring ID."]),
    "one inside another": (
        '??? question "Pets?"\n\n    Yes.\n\n    !!! note "Cats"\n        Two at most.\n',
        ["# Pets?", "Yes.", "# Cats", "Two at most."],
    ),
    "tabs of MkDocs": (
        '=== "Small"\n\n    9 dollars.\n\n=== "Large"\n\n    12 dollars.\n',
        ["# Small", "9 dollars.", "# Large", "12 dollars."],
    ),
    "a container of Docusaurus": (
        ":::tip Parking\n\nOn level 3.\n\n:::\n\nMore.",
        ["# Parking", "On level 3.", "More."],
    ),
    "one with its title in brackets": (
        ":::note[Lift]\nUntil ten.\n:::",
        ["# Lift", "Until ten."],
    ),
    "a container of Quarto": (
        '::: {.callout-note title="Lift"}\nUntil ten.\n:::',
        ["# Lift", "Until ten."],
    ),
    "a callout of Obsidian": (
        "> [!faq]- Can I cancel?\n> Yes, by **noon**.\n\nMore.",
        ["# Can I cancel?", "Yes, by noon.", "More."],
    ),
    "a callout of GitHub": ("> [!NOTE]\n> Bring ID.", ["Note: Bring ID."]),
    "a note of MyST": (
        "```{warning} Ice\nMind the step.\n```",
        ["# Ice", "Mind the step."],
    ),
    "links of a wiki": (
        "See [[Shipping|the page]] and [[Rules/Returns#Damage]].",
        ["See the page and Returns, Damage."],
    ),
    "marks of Obsidian": (
        "The ==window== is 45 days. ^window\n\n#todo #policy\n\nAsk #sales for it.",
        ["The window is 45 days.", "Ask sales for it."],
    ),
    "raised and lowered": (
        "It costs $9^99^, 20 m^3^ of H~2~O.",
        ["It costs $9.99, 20 m³ of H2O."],
    ),
    "fields": (
        "fee:: 4 dollars\n\nIt is [due:: May].",
        ["fee: 4 dollars", "It is due: May."],
    ),
    "attributes": (
        "# Hours {#hours .big}\n\nOpen *daily*{: .x } until 8.\n{: .lead}",
        ["Open daily until 8."],
    ),
    "definitions": ("Deposit\n:   Two rents.", ["Deposit: Two rents."]),
    "a table of contents and abbreviations": (
        "* TOC\n{:toc}\n\n[TOC]\n\nThe ETA is nine.\n\n*[ETA]: estimated time",
        ["The ETA is nine."],
    ),
    "paired shortcodes": (
        "{{% notice info %}}\nNine to five.\n{{% /notice %}}\n\n"
        '{{< details "Pets?" >}}\nYes.\n{{< /details >}}\n',
        ["Info: Nine to five.", "# Pets?", "Yes."],
    ),
    "tabs and hints of GitBook": (
        '{% tabs %}\n{% tab title="Card" %}\nTwo days.\n{% endtab %}\n{% endtabs %}\n\n'
        '{% hint style="info" %}\nAsk us.\n{% endhint %}\n',
        ["# Card", "Two days.", "Ask us."],
    ),
    "imports of MDX": (
        "import X from './x';\nexport const a = {\n  b: 1,\n};\n\nOpen.",
        ["Open."],
    ),
    "components with props": (
        '<Accordion title="Where do I park?">\n    On level 3.\n</Accordion>\n\n'
        "<Faq question={'Pets?'} answer=\"Yes, two.\" />\n\n<Steps>\n  <Step title='In'>\n"
        "    Use your badge.\n  </Step>\n</Steps>\n",
        ["# Where do I park?", "On level 3.", "# Pets?", "Yes, two.", "# In"]
        + ["Use your badge."],
    ),
    "tabs of Docusaurus": (
        '<Tabs>\n  <TabItem value="a" label="Small">\n    9 dollars.\n  </TabItem>\n'
        '  <TabItem value="b" label="Large">\n    12 dollars.\n  </TabItem>\n</Tabs>\n',
        ["# Small", "9 dollars.", "# Large", "12 dollars."],
    ),
    "edits of CriticMarkup": (
        "It costs {--9--}{++12++} dollars, {~~soon~>now~~}.{>>ask Bob<<}",
        ["It costs 12 dollars, now."],
    ),
    "shortcodes of WordPress": (
        '[caption id="a" width="3"]The gate[/caption]\n\n[vc_row x="1"]Open.[/vc_row]',
        ["The gate", "Open."],
    ),
    "values of the front matter": (
        "---\nparams:\n  fee: 9\n---\nIt costs {{ page.fee }} dollars. Call {{ x }} now.",
        ["It costs 9 dollars."],
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_a_dialect_is_said_as_its_reader_sees_it(read, name):
    text, expected = SAID[name]
    [document] = read("a.md", text)
    assert lines(document) == expected


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("A. ![[Shipping#Costs]]", "1 embedded note (Shipping#Costs)"),
        ('A.\n\n--8<-- "fees.md"', '1 include (--8<-- "fees.md")'),
        ("A.\n\n```mermaid\na-->b\n```", "1 drawing or query (mermaid)"),
        ("A. Call {{ site.phone }}.", "1 templated sentence (site.phone)"),
        (
            "A.\n{% if x == 1 %}9{% else %}12{% endif %}",
            "1 conditional part of a template (if x == 1)",
        ),
        ("A.\n\n{% include fee.html %}", "1 template tag (include fee.html)"),
        ('A.\n\n{{< figure src="a.png" >}}', "1 shortcode (figure)"),
        ("A.\n\n<PriceTable />", "1 component (<PriceTable />)"),
        (
            "A.\n\n<Faq items={[1]} title='B' />",
            "1 coded component (<Faq items=…)",
        ),
    ],
)
def test_what_a_reader_sees_and_a_caller_does_not_is_named(read, text, what):
    [document] = read("a.md", text)
    assert document.notes == (not_spoken(what, "write in the text what callers need"),)
    assert lines(document)[0] == "A."


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("A. %% never refund Bob %%", "left out 1 comment"),
        ("A. {/* never */}\n\n{% comment %}x{% endcomment %}", "left out 2 comments"),
    ],
)
def test_comments_are_counted(read, text, note):
    [document] = read("a.md", text)
    assert document.notes == (note,)
    assert lines(document) == ["A."]


@pytest.mark.parametrize(
    "text",
    [
        "Use `{{ x }}` and `%% y %%` and ``==z==``.",
        '```\n!!! note "A"\n{{ x }} [[y]]\n```',
        "5 %% of 6 %% and a == b, C# and #1.",
        "An [x] and a [link](to) and a [note] and 10 ^2.",
        "Write to <Kim@acme.example>, 3 < 5.",
        "<TABLE><TR><TD>old</TD></TR></TABLE>",
    ],
)
def test_code_and_plain_signs_stay(text):
    assert plain_markdown(text, {}) == (text, ())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=300))
def test_any_text_gives_a_text(text):
    body, notes = plain_markdown(text, {})
    assert not set("\ue000\ue003") & (set(body) - set(text))
    assert all(note.startswith(("left out ", "not spoken: ")) for note in notes)


@given(
    st.lists(st.sampled_from("one two. three, 4.50 dollars (five) - six".split(" ")))
)
def test_plain_prose_stays_as_it_is(words):
    text = " ".join(words)
    assert plain_markdown(text, {}) == (text, ())


def test_a_long_argument_of_a_tag_is_read_once():
    assert _title("a" * 60_000) == ""
    assert _title("a" * 60_000 + " title = 'Pets'", only_named=True) == "Pets"
