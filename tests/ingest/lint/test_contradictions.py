import pytest

from tests.ingest.lint.folders import lint


def test_one_slot_with_two_values_is_a_contradiction(tmp_path):
    [found] = lint(
        tmp_path,
        {
            "bills.md": "# Bills\n\nA paper bill costs £2.25 a month on top of your plan.\n",
            "faq.md": "# Paper\n\nA paper bill costs £2.50 a month on top of your plan.\n",
            "other.md": "# Post\n\nA paper letter costs £4.00 for each page we send to you.\n",
        },
    )
    assert found.kind == "contradiction" and {found.source, found.other} == {
        "bills.md",
        "faq.md",
    }
    assert "£2.25" in found.said and "£2.50" in found.said


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Our support desk is open until 6 pm on working days.",
            "Our support desk is open until 8 pm on working days.",
        ),
        (
            "Call the fault line on 0800 555 0100 at any hour.",
            "Call the fault line on 0800 555 0199 at any hour.",
        ),
        (
            "You must give 30 days notice before you leave broadband.",
            "You must give 14 days notice before you leave broadband.",
        ),
        (
            "We are open from 9 to 5 on Monday.",
            "We are open from 10am until 6pm on Monday.",
        ),
        ("Call us on 01632 960 001.", "Call us on 01632 960 002."),
        ("The day ticket costs $12.", "The day ticket costs $14."),
        (
            "Ticket|Adult|Child\n-|-|-\nDay|$12|$6\nWeek|$60|$30",
            "Ticket|Adult|Child\n-|-|-\nDay|$14|$6\nYear|$90|$40",
        ),
        (
            "Late payment adds 2% interest to the unpaid balance.",
            "Late payment adds 5% interest to the unpaid balance.",
        ),
    ],
)
def test_times_numbers_durations_and_percentages_are_compared_too(tmp_path, one, other):
    assert [
        found.kind
        for found in lint(
            tmp_path, {"a.md": f"# A\n\n{one}\n", "b.md": f"# B\n\n{other}\n"}
        )
    ] == ["contradiction"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "A paper bill costs £2.25 a month on your plan.",
            "A paper bill costs £2.25 a month on your plan.",
        ),  # same
        (
            "The router costs £60 if you do not send it back.",
            "The set-top box costs £80 if it was lost in a fire.",
        ),
        ("It costs £5.", "It costs £7."),  # nothing says what
        (
            "We are open 9am to 5pm on Monday.",
            "We are open from 9:00 a.m. until 5 p.m. on Monday.",
        ),  # same
        (
            "A ride takes 3 to 5 days of your time there.",
            "A ride takes 4 to 6 days of your time there.",
        ),  # no hours
        (
            "A visit costs £40, £55 or £70 by distance of your home.",
            "A visit costs £45, £50 or £75 by distance of your home.",
        ),
    ],
)
def test_what_may_well_be_two_things_is_left_alone(tmp_path, one, other):
    found = lint(tmp_path, {"a.md": f"# A\n\n{one}\n", "b.md": f"# B\n\n{other}\n"})
    assert [one for one in found if one.kind == "contradiction"] == []


def test_two_pages_of_one_template_do_not_contradict_each_other(tmp_path):
    page = (
        "# {name}\n\n## Check-out\n\nThe latest check-out time is {time}.\n\n"
        "## Parking\n\nThere is room for cars.\n"
    )
    found = lint(
        tmp_path,
        {
            "acorn.md": page.format(name="Acorn House", time="10 am"),
            "bellevue.md": page.format(name="The Bellevue", time="11 am"),
        },
    )
    assert found == []


def test_rows_of_one_sheet_are_made_to_differ(tmp_path):
    sheet = (
        "plan,price\nSmall plan for one person,£20 a month\n"
        "Small plan for one person,£25 a month\n"
    )
    assert lint(tmp_path, {"plans.csv": sheet}) == []


def test_the_second_value_of_a_pair_is_reported_once(tmp_path):
    text = "A paper bill costs {} a month on top of your plan.\n"
    found = lint(
        tmp_path,
        {
            "a.md": f"# A\n\n{text.format('£2')}\n## Again\n\n{text.format('£2')}",
            "b.md": f"# B\n\n{text.format('£3')}",
        },
    )
    assert [one.kind for one in found if one.kind == "contradiction"] == [
        "contradiction"
    ]


def test_the_finding_names_both_values_and_sentences(tmp_path):
    [found] = lint(
        tmp_path,
        {
            "a.md": "# A\n\nThe day ticket costs $12.\n",
            "b.md": "# B\n\nThe day ticket costs $14.\n",
        },
    )
    assert found.said == (
        "price $12 or $14? The day ticket costs $12. ↔ The day ticket costs $14."
    )
