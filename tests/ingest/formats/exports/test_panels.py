import pytest


def lines(document):
    return [
        ("# " if block.kind == "heading" else "") + block.text
        for block in document.blocks
        if block.text
    ]


EXPECTED = ["# Monthly", "You pay 39 dollars.", "# Yearly", "You pay 359 dollars."]

TABS = {
    "aria": (
        "<div role=tablist><button role=tab id=t1 aria-controls=p1>Monthly</button>"
        "<button role=tab aria-controls=p2>Yearly</button></div>"
        "<div role=tabpanel id=p1><p>{0}</p></div>"
        "<div role=tabpanel id=p2 hidden><p>{1}</p></div>"
    ),
    "Bootstrap": (
        '<ul class=nav><li><a data-bs-toggle=tab href="#p1">Monthly</a></li>'
        '<li><a data-bs-toggle=tab href="#p2">Yearly</a></li></ul>'
        "<div class=tab-content><div id=p1><p>{0}</p></div><div id=p2 "
        'style="display: none"><p>{1}</p></div></div>'
    ),
    "Docusaurus": (
        "<div><ul role=tablist><li role=tab>Monthly</li><li role=tab>Yearly</li></ul>"
        "<div><div role=tabpanel><p>{0}</p></div>"
        "<div role=tabpanel hidden><p>{1}</p></div></div></div>"
    ),
    "Material": (
        "<div class=tabbed-set><div class=tabbed-labels><label>Monthly</label>"
        "<label>Yearly</label></div><div class=tabbed-content>"
        "<div class=tabbed-block><p>{0}</p></div>"
        "<div class=tabbed-block><p>{1}</p></div></div></div>"
    ),
}


@pytest.mark.parametrize("name", TABS)
def test_each_panel_is_said_with_its_label(read, name):
    tabs = TABS[name].format("You pay 39 dollars.", "You pay 359 dollars.")
    [document] = read("a.html", f"<main><h1>Gym</h1>{tabs}</main>")
    assert lines(document) == EXPECTED


@pytest.mark.parametrize(
    "item",
    [
        '<h3>Do you ship?</h3><div class="faq-answer" style="display:none">{}</div>',
        '<div class="faq-q">Do you ship?</div><div class="faq-a" hidden>{}</div>',
        '<button>Do you ship?</button><div class="panel" style="display: none;">{}</div>',
        "<dl><dt>Do you ship?</dt><dd style='display:none'>{}</dd></dl>",
    ],
)
def test_an_answer_that_starts_closed_is_said_below_its_question(read, item):
    answer = item.format("<p>Yes, in nine days.</p>")
    [document] = read("a.html", f"<main><h1>Help</h1><p>All of it.</p>{answer}</main>")
    assert lines(document) == ["All of it.", "# Do you ship?", "Yes, in nine days."]


def test_what_no_label_opens_stays_unsaid(read):
    page = (
        '<main><h1>A</h1><p>Seen.</p><div class="content" hidden>Unseen.</div></main>'
    )
    [document] = read("a.html", page)
    assert lines(document) == ["Seen."]
