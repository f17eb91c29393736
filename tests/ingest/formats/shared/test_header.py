import pytest

from kbserver.ingest.formats.shared.header import (
    header_height,
    is_unit,
    is_value,
    is_year,
)


@pytest.mark.parametrize(
    ("rows", "height"),
    [
        ([["Size", "1-3 days", "8+ days"], ["Van", "$70", "$50"]], 1),
        ([["Type", "2025", "2026"], ["Student", "20", "22"]], 1),
        ([["Service", "", "Price"], ["Cut", "long", "$48"], ["Dye", "", "$70"]], 1),
        ([["Plan", "Price", "Price"], ["A", "$5", "$6"]], 1),
        ([["Room", "Floor 1", "Floor 2"], ["A", "bath", "hall"]], 1),
        ([["Plan", "Since"], ["A", "May"]], 1),
        ([["Monday", "9 to 5"], ["Sunday", "closed"]], 0),
        ([["Monday", "closed"], ["Sunday", "closed"]], 0),
        ([["Standard", "2 days"], ["Express", "1 day"]], 0),
        ([["Zone", "1 kg", "5 kg"], ["Inland", "5", "8"], ["Islands", "9", "15"]], 1),
        ([["Course", "8:00", "18:00"], ["Yoga", "$9", "$14"]], 1),
        ([["Van", "1 kg", "5 kg"], ["Truck", "2 kg", "9 kg"]], 0),
        ([["Van", "$1", "$5"], ["Truck", "2", "9"]], 0),
        ([["Monday", "8:00", "18:00"], ["Sunday", "closed", "closed"]], 0),
        ([["Van", "$70"], ["Truck", "$120"]], 0),
        ([["A", "1", "2"], ["B", "3", "4"]], 0),
        ([["A", "2024", "2025"], ["B", "2025", "2026"]], 0),
        ([["Plan", "word " * 13], ["a", "5"]], 0),
        ([["Plan", "Price"]], 0),
        (
            [
                ["Activity", "Weekday", "", "Weekend", ""],
                ["", "Adult", "Child", "Adult", "Child"],
                ["Pool", "6", "3", "8", "4"],
            ],
            2,
        ),
        (
            [
                ["Activity", "Weekday", "Weekday"],
                ["Activity", "Adult", "Child"],
                ["Pool", "6", "3"],
            ],
            2,
        ),
        ([["Name", "Town", ""], ["Ann", "Ulm", "Bonn"], ["Bob", "Ulm", "Kiel"]], 0),
    ],
)
def test_rows_that_name_columns_are_counted(rows, height):
    assert header_height(rows) == height


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("$70", True), ("70 €", True), ("CHF 75.00", True), ("1,900 kr", True),
        ("12.5%", True), ("2026-03-05", True), ("9:05 AM", True), ("-3", True),
        ("5 kg", True), ("20 m²", True), ("$39¹", True), ("1-3 days", False),
        ("8+ days", False), ("9 to 5", False), ("KL-0420", False), ("", False),
    ],
)  # fmt: skip
def test_a_value_is_a_number_with_its_sign_and_nothing_more(cell, expected):
    assert is_value(cell) is expected


GROUPED = [["Bath", "Weekday", "Weekday"], ["", "Adult", "Child"], ["Pool", "6", "3"]]


@pytest.mark.parametrize(
    ("rows", "known", "height"),
    [
        (GROUPED, 1, 2),
        (GROUPED, 3, 3),
        ([["Plan", "Basic", "Basic"], ["Export", "✗", "✓"], ["Users", "1", "5"]], 1, 1),
        ([["Plan", "Price"]], 1, 1),
    ],
)
def test_below_a_header_of_groups_another_row_names_the_columns(rows, known, height):
    assert header_height(rows, known) == height


def test_units_and_years():
    assert all(map(is_unit, ["kg", "(m)", "[€]", "m²", "USD", "°C", "kWh"]))
    assert not any(map(is_unit, ["Weight", "31 kg", "", "plan"]))
    assert is_year("2026") and not is_year("1500") and not is_year("20260")
