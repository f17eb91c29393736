from kbserver.ingest.formats.exports.left_out import HOLE, LeftOut, without_holes


def test_things_are_counted_by_kind_with_some_of_their_names():
    left_out = LeftOut()
    for name in ("price_list", "rooms", "price_list", "map", "weather"):
        assert left_out.add("shortcode", name) == ""
    left_out.add("comment")
    shortcodes, comments = left_out.notes()
    assert "5 shortcodes (price_list, rooms, map, …)" in shortcodes
    assert shortcodes.startswith("not spoken") and comments == "left out 1 comment"


def test_the_sentence_that_misses_a_value_is_left_out_and_its_neighbours_stay():
    line = f"- Breakfast is at seven. It costs {HOLE} a day. Children eat free."
    words = without_holes(line).split()
    assert words == "- Breakfast is at seven. Children eat free.".split()


def test_a_cell_that_misses_a_value_is_left_out_and_the_others_stay():
    assert "Monday" in (row := without_holes(f"| Monday | {HOLE} |"))
    assert HOLE not in row


def test_a_heading_stays_without_the_value():
    assert without_holes(f"## Fees {HOLE}") == "## Fees "


def test_a_line_of_nothing_else_is_none():
    assert without_holes(f"> It costs {HOLE}.") == ""
    assert without_holes("It costs $5.") == "It costs $5."
