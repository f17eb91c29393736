import pytest

from kbserver.ingest.formats.shared.signs import is_sign, spoken_boxes, spoken_marks


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("☐ Kitchen", "Kitchen: no"),
        ("☒ Wheelchair access", "Wheelchair access: yes"),
        ("Kitchen ☐", "Kitchen: no"),
        ("- [x] Label printed", "- Label printed: yes"),
        ("2. [ ] Refund tested.", "2. Refund tested: no."),
        ("Smoking: ☐ yes ☒ no", "Smoking: no"),
        ("Yes ☐ No ☒", "No"),
        ("Pets: ☐ yes ☐ no", "Pets: not answered"),
        ("☑ Wifi ☐ Pool ☒ Sauna", "Wifi: yes; Pool: no; Sauna: yes"),
        ("✓ Free parking", "Free parking"),
        ("❌ Pets", "Pets: no"),
        ("✗ No pets", "No pets"),
        ("- ✅ Breakfast ❌ Dinner", "- Breakfast: yes; Dinner: no"),
        ("☐ One\n☑ Two", "One: no\nTwo: yes"),
        ("✓", "yes"),
        ("see ✓ there", "see ✓ there"),
        ("[1] a source", "[1] a source"),
    ],
)
def test_boxes_ticks_and_crosses_say_yes_or_no(written, said):
    assert spoken_boxes(written) == said


NAMES = ["Feature", "Free", "Pro"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([["A", "x", "x"], ["B", "", "x"]], [["A", "yes", "yes"], ["B", "no", "yes"]]),
        ([["A", "-", "✓"], ["B", "x", "✓"]], [["A", "no", "yes"], ["B", "yes", "yes"]]),
        ([["A", "x", "✓"], ["B", "✓", "x"]], [["A", "no", "yes"], ["B", "yes", "no"]]),
        ([["A", "✗", "✓ (5 GB)"]], [["A", "no", "yes (5 GB)"]]),
        ([["A", "●", "○"], ["B", "●", "●"]], [["A", "yes", "no"], ["B", "yes", "yes"]]),
        ([["A", "Y", "TRUE"], ["B", "N", ""]], [["A", "yes", "yes"], ["B", "no", ""]]),
        ([["A", "X", "L"], ["B", "M", "S"]], [["A", "X", "L"], ["B", "M", "S"]]),
        ([["A", "$5", "-"], ["B", "$6", "$7"]], [["A", "$5", "-"], ["B", "$6", "$7"]]),
        (
            [["A", "x", "x"], ["Price", "", "$5"]],
            [["A", "yes", "yes"], ["Price", "", "$5"]],
        ),
    ],
)
def test_marks_in_a_table_say_yes_or_no(rows, said):
    assert spoken_marks(NAMES, rows) == said


def test_an_x_below_no_name_stays_an_x():
    assert spoken_marks(["", "", ""], [["10", "x", "20"]]) == [["10", "x", "20"]]
    assert spoken_marks([], [["10", "x", "20"]]) == [["10", "x", "20"]]


def test_a_sign_is_one_character():
    assert is_sign(" ✔️ ") and is_sign("x") and not is_sign("xx") and not is_sign("")
