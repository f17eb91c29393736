from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.validity import Validity, ValidityWriter, parse_validity


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def validity_of(folder, *metadata) -> Validity | None:
    writer = ValidityWriter()
    for one in metadata:
        writer.add(one)
    writer.write(folder)
    return Validity.open(folder)


def test_a_day_is_valid_until_it_ends(tmp_path):
    validity = validity_of(tmp_path, {"valid_until": "2025-12-31"}, {})
    assert validity.rows(at("2025-12-31T23:59:59.9")).tolist() == [0, 1]
    assert validity.rows(at("2026-01-01T00:00:00")).tolist() == [1]


def test_a_day_is_valid_from_its_first_second(tmp_path):
    validity = validity_of(tmp_path, {"valid_from": "2025-12-31"}, {})
    assert validity.rows(at("2025-12-30T23:59:59")).tolist() == [1]
    assert validity.rows(at("2025-12-31T00:00:00")).tolist() == [0, 1]


def test_times_may_have_a_zone(tmp_path):
    validity = validity_of(
        tmp_path,
        {"valid_until": "2025-06-01T18:00:00+02:00", "valid_from": "2025-06-01 15:00"},
    )
    assert validity.rows(at("2025-06-01T14:59:59")).tolist() == []
    assert validity.rows(at("2025-06-01T15:59:59")).tolist() == [0]
    assert validity.rows(at("2025-06-01T16:00:00")).tolist() == []


def test_asking_in_any_order_gives_the_same(tmp_path):
    metadata = [
        {"valid_from": f"2025-01-{day:02}", "valid_until": f"2025-01-{day + 3:02}"}
        for day in range(1, 20)
    ]
    validity = validity_of(tmp_path, *metadata)
    moments = [
        at(f"2025-01-{day:02}T12:00:00") for day in (9, 1, 30, 9, 5, 4, 5, 25, 2)
    ]
    for moment in moments:
        wanted = [
            r
            for r, one in enumerate(metadata)
            if parse_validity(one)[0] <= moment < parse_validity(one)[1]
        ]
        assert validity.rows(moment).tolist() == wanted


def test_passages_without_dates_need_no_columns(tmp_path):
    assert validity_of(tmp_path, {}, {"valid_from": None}) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [date(2025, 12, 31), "2025-12-31", " 2025-12-31 "])
def test_dates_are_read_as_yaml_and_json_give_them(value):
    assert parse_validity({"valid_until": value})[1] == at("2026-01-01T00:00:00")


@pytest.mark.parametrize(
    "value",
    [
        *("soon", "31.12.2025", "", "2025-13-01", "0000-01-01", "10000-01-01"),
        *("2025-01-01T24:00", "2025-06-30T23:59:60", "2025-01-01T00:00+24:00"),
        *(20, 10**5000, float("nan"), True, ["2025-12-31"], {}, b"2025-12-31"),
        *("2025-01-01\ud800", "x" * 1_000_000),
    ],
    ids=lambda value: (
        f"{type(value).__name__} {str(value)[:12]!a}"
        if value != 10**5000
        else "endless"
    ),
)
def test_a_date_that_cannot_be_read_is_named(value):
    with pytest.raises(ValueError, match="valid_until is .*write an ISO date") as error:
        parse_validity({"valid_until": value})
    assert len(str(error.value)) < 200


ZONES = st.integers(-24 * 60 + 1, 24 * 60 - 1).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)


@given(
    st.dates() | st.datetimes(timezones=st.none() | ZONES),
    st.booleans(),
)
def test_every_moment_of_the_calendar_can_be_written(moment, as_text):
    value = moment.isoformat() if as_text else moment
    first, after = parse_validity({"valid_from": value, "valid_until": value})
    wanted_s = (datetime(1, 1, 1) - datetime(1970, 1, 1)).total_seconds()
    if isinstance(moment, datetime):
        wanted_s += (moment.replace(tzinfo=None) - datetime(1, 1, 1)).total_seconds()
        wanted_s -= (moment.utcoffset() or timedelta()).total_seconds()
        assert abs(first - wanted_s) <= 1 and after == first
    else:
        wanted_s += (moment.toordinal() - 1) * 86_400.0
        assert (first, after) == (wanted_s, wanted_s + 86_400)
    columns = np.array([first, after], dtype=np.int64)  # they fit
    assert columns.tolist() == [first, after]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("valid_until", "9999-12-31"),
        ("valid_until", date(9999, 12, 31)),
        ("valid_until", "9999-12-31T23:59:59-12:00"),
        ("valid_from", "0001-01-01"),
        ("valid_from", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_the_first_and_the_last_day_of_the_calendar_can_be_written(key, value):
    first, after = parse_validity({key: value})
    assert first < 0 < after
    assert first < 1_700_000_000 < after
