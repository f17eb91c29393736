import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.frontmatter import split_front_matter

EVERY_KEY = """\
---
title: Sale
valid_from: 2026-05-01
valid_until: 2026-05-31T18:00:00+02:00
supersedes: old.md
questions: is there a sale
pinned: yes
tags: a, b
price: 3.5
owner: {team: web}
empty:
---

Text."""


def test_front_matter_becomes_metadata_in_one_form(read):
    [document] = read("a.md", EVERY_KEY)
    assert document.title == "Sale"
    assert document.metadata == {
        "title": "Sale",
        "valid_from": "2026-05-01",
        "valid_until": "2026-05-31T18:00:00+02:00",
        "supersedes": ["old.md"],
        "questions": ["is there a sale"],
        "pinned": True,
        "tags": ["a", "b"],
        "price": 3.5,
        "owner": {"team": "web"},
        "folder": "",
    }


@pytest.mark.parametrize(
    ("front_matter", "reason"),
    [
        ("title: [a", "front matter, line 3"),
        ("ok: 1\n\tbad: 2", "front matter, line 3"),
        (
            "valid_until: 31/12/2026",
            "valid_until is '31/12/2026'; write a date like 2026-12-31",
        ),
        ("pinned: perhaps", "pinned is 'perhaps'; write true or false"),
        ("questions: {a: 1}", "questions is"),
        ("d: !!python/object/apply:os.system [echo]", "front matter, line 2"),
    ],
)
def test_front_matter_that_cannot_be_used_is_named(read, front_matter, reason):
    with pytest.raises(DocumentUnreadable) as caught:
        read("a.md", f"---\n{front_matter}\n---\nText.")
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize("key", ["other", "valid_from", "pinned", "tags", "draft"])
def test_front_matter_that_multiplies_itself_is_refused(read, key):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{one}: &{one} [{','.join([f'*{before}'] * 9)}]\n"
        for before, one in zip("abcdefg", "bcdefgh", strict=True)
    )
    bomb += f"{key}: *h\n"
    with pytest.raises(DocumentUnreadable, match="more than 1000 values"):
        read("a.md", f"---\n{bomb}---\nText.")


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nJust a rule.\n\n---\n\nMore.",
        "---\nnever closed",
        "--- dashes ---\n\nText.",
    ],
)
def test_a_rule_at_the_top_is_no_front_matter(read, text):
    [document] = read("a.md", text)
    said = " ".join(block.text for block in document.blocks)
    assert all(word in said for word in ("rule", "More") if word in text)
    assert set(document.metadata) == {"folder"}
    assert said.strip("- ")


def test_the_text_below_is_returned_without_the_block():
    assert split_front_matter("\n---\ntitle: A\n---\nText.", "a.md") == (
        {"title": "A"},
        "\nText.",
    )


def test_an_empty_block_is_taken_off():
    assert split_front_matter("---\n\n---\nText.", "a.md") == ({}, "\nText.")


@given(st.text(max_size=200))
def test_any_block_gives_metadata_or_a_reason(block):
    try:
        metadata, body = split_front_matter(f"---\n{block}\n---\nText.", "a.md")
    except DocumentUnreadable as exc:
        assert exc.reason
    else:
        assert body.endswith("Text.")
        assert all(isinstance(key, str) for key in metadata)


@given(st.text(max_size=200).filter(lambda text: not text.lstrip().startswith("---")))
def test_a_text_without_a_rule_at_the_top_is_all_body(text):
    assert split_front_matter(text, "a.md") == ({}, text)


@pytest.mark.parametrize(
    "title",
    [
        "Tours: what you need to know",
        "Don't worry: be happy",
        "[New] Tours: by night",
        "50% off: today",
        "@home: prices",
    ],
)
def test_a_title_with_a_colon_costs_nothing(read, title):
    [document] = read("a.md", f"---\nlayout: page\ntitle: {title}\n---\nBring water.")
    assert document.title == title
    assert [block.text for block in document.blocks] == ["Bring water."]


@pytest.mark.parametrize(
    "front_matter",
    [
        '+++\ntitle = "Hours"\ntags = ["a"]\ndraft = false\n[params]\nby = "Kim"\n+++\n',
        '{"title": "Hours", "tags": ["a"], "draft": false, "params": {"by": "Kim"}}\n',
        "---\ntitle: Hours\ntags: [a]\ndraft: false\nparams: {by: Kim}\n---\n",
    ],
)
def test_yaml_toml_and_json_say_the_same(read, front_matter):
    [document] = read("a.md", front_matter + "\nNine to five.")
    assert document.title == "Hours"
    assert document.metadata["tags"] == ["a"]
    assert document.metadata["params"] == {"by": "Kim"}
    assert [block.text for block in document.blocks] == ["Nine to five."]


@pytest.mark.parametrize(
    ("front_matter", "reason"),
    [
        ("---\ndraft: true\n---\n", "draft: true"),
        ("---\npublished: false\n---\n", "published: false"),
        ("---\nstatus: Archived\n---\n", "status: Archived"),
        ("---\nvisibility: internal\n---\n", "visibility: internal"),
        ("+++\ndraft = true\n+++\n", "draft: true"),
        ('{"draft": true}\n', "draft: true"),
    ],
)
def test_a_draft_is_withheld_and_named(read, front_matter, reason):
    with pytest.raises(DocumentUnreadable) as caught:
        read("a.md", front_matter + "It costs 500 dollars.")
    assert caught.value.reason == f"withheld, not meant for callers: {reason}"


def test_toml_that_is_none_is_named(read):
    with pytest.raises(DocumentUnreadable, match="not valid TOML"):
        read("a.md", "+++\ntitle = \n+++\nText.")


@pytest.mark.parametrize("text", ["+++\nnever closed", "{curly} words\nbelow"])
def test_other_marks_at_the_top_are_text(text):
    assert split_front_matter(text, "a.md") == ({}, text)


@pytest.mark.parametrize(
    "block",
    [
        "---\nexpiryDate: 2026-08-31\npublishDate: 2026-06-01T08:00:00+02:00\n---\n",
        "+++\nexpiryDate = 2026-08-31\npublishDate = 2026-06-01T08:00:00+02:00\n+++\n",
        '{"expiryDate": "2026-08-31", "publishDate": "2026-06-01T08:00:00+02:00"}\n',
    ],
)
def test_hugos_dates_are_the_validity_of_a_page(block):
    metadata, body = split_front_matter(f"{block}\nNine.", "a.md")
    assert metadata == {
        "valid_until": "2026-08-31T00:00:00",
        "valid_from": "2026-06-01T08:00:00+02:00",
    }
    assert body.strip() == "Nine."


def test_a_date_of_hugo_that_cannot_be_read_is_named():
    with pytest.raises(DocumentUnreadable, match="valid_until is 'soon'; write a date"):
        split_front_matter("---\nexpiryDate: soon\n---\nNine.", "a.md")


@pytest.mark.parametrize(
    "block",
    [
        "---\ndraft: true\n---\n",
        "+++\ndraft = true\n+++\n",
        '{"draft": true}\n',
        "---\npublished: false\n---\n",
        "---\npublish: false\n---\n",
        "---\nunlisted: true\n---\n",
        "---\nsearch:\n  exclude: true\n---\n",
        "Title: Fees\nStatus: draft\n",
    ],
)
@pytest.mark.parametrize("name", ["a.md", "a.mdx", "a.txt"])
def test_a_page_that_its_site_does_not_show_is_withheld(read, block, name):
    with pytest.raises(DocumentUnreadable, match="withheld, not meant for callers: "):
        read(name, f"{block}\nNine.")


def test_jekylls_folder_of_drafts_is_withheld(read):
    with pytest.raises(DocumentUnreadable, match="callers: in _drafts"):
        read("site/_drafts/fees.md", "---\ntitle: Fees\n---\nNine.")
    [document] = read("site/_drafts.md", "Nine.")
    assert document.blocks[0].text == "Nine."


def test_a_page_of_html_with_front_matter_is_read_as_its_site_shows_it(read):
    [document] = read(
        "a.html",
        "---\ntitle: Fees\nfee: 9\nexpiryDate: 2026-08-31\n---\n{% include head.html %}\n"
        "<p>It costs {{ page.fee }} dollars. Call {{ site.phone }}.</p>",
    )
    assert document.title == "Fees"
    assert [block.text for block in document.blocks] == ["It costs 9 dollars."]
    assert document.metadata["valid_until"] == "2026-08-31T00:00:00"
    assert document.notes == (
        "not spoken: 1 template tag (include head.html); "
        "write in the text what callers need",
        "not spoken: 1 templated sentence (site.phone); "
        "write in the text what callers need",
    )
    with pytest.raises(DocumentUnreadable, match="published: false"):
        read("a.html", "---\npublished: false\n---\n<p>Nine.</p>")
