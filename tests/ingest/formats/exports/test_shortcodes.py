import pytest

from kbserver.ingest.formats.exports.shortcodes import (
    closed_names,
    with_sections,
    without_shortcodes,
)


@pytest.fixture
def named():
    return []


@pytest.fixture
def leave_out(named):
    def leave_out(kind, name):
        named.append((kind, name))
        return ""

    return leave_out


def test_a_titled_pair_is_a_section_and_an_untitled_one_only_its_text(named, leave_out):
    text = '[tabs][tab title="Delivery &amp; pick-up"]It takes 2 days.[/tab][/tabs]'
    said = with_sections(text, leave_out)
    assert "<summary>Delivery &amp; pick-up</summary>" in said
    assert "It takes 2 days." in said and "[" not in said
    assert said.count("<details>") == said.count("</details>") == 1
    assert named == []


@pytest.mark.parametrize("text", ['[price id="7"]', "[gallery]"])
def test_what_shows_something_by_itself_is_named(text, named, leave_out):
    assert with_sections(f"A room is {text}.", leave_out) == "A room is ."
    assert named == [("shortcode", text[1:-1].split()[0])]


def test_a_bare_name_is_a_shortcode_only_where_wordpress_wrote_the_text(
    named, leave_out
):
    assert with_sections("See [price_list].", leave_out) == "See [price_list]."
    assert with_sections("See [price_list].", leave_out, is_raw=True) == "See ."
    assert with_sections("so [sic]", leave_out, is_raw=True) == "so [sic]"
    assert named == [("shortcode", "price_list")]


def test_what_only_members_see_is_left_out_with_all_pairs_in_it(named, leave_out):
    text = "Free. [members_only]Paid [members_only]twice[/members_only] more.[/members_only] End."
    assert with_sections(text, leave_out) == "Free.  End."
    assert named == [("members-only part", "members_only")]


def test_links_and_footnotes_of_markdown_stay(named, leave_out):
    text = "[call us](tel:5) and [a note]: here"
    assert with_sections(text, leave_out) == text and named == []


def test_a_piece_of_a_text_says_the_title_before_it(named, leave_out):
    page = '[tab title="Delivery"]It takes 2 days.[/tab]'
    closed = closed_names(page)
    assert closed == {"tab"}
    said = without_shortcodes(page, closed, leave_out)
    assert said == "Delivery: It takes 2 days." and named == []
