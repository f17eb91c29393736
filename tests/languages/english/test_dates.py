"""Times and dates are said in full where they are certain, and left where they are not."""

from __future__ import annotations

import datetime
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages.english.dates import verbalise_dates
from kbserver.languages.english.verbalise import verbalise

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

SAID = [
    ("Closed on Sun and Mon.", "Closed on Sunday and Monday."),
    ("Day: Sat, Time: 9:30", "Day: Saturday, Time: 9:30"),
    ("mon-fri 9-5", "Monday to Friday 9 to 5"),
    ("M–F 9–5", "Monday to Friday 9 to 5"),
    ("Open Sat & Sun.", "Open Saturday and Sunday."),
    ("Tue., Thu.", "Tuesday, Thursday."),
    ("in Jan, until Mar. and in Dec", "in January, until March and in December"),
    ("12 Jan – 9 Mar 2026", "12 January to 9 March 2026"),
    ("Fri night, next Wed", "Friday night, next Wednesday"),
    ("1:01-0:00", "1:01 a.m. to midnight"),
    # times
    ("at 9:30am", "at 9:30 a.m."),
    ("9.30 am", "9:30 a.m."),
    ("9am. Then", "9 a.m. Then"),
    ("5 PM sharp", "5 p.m. sharp"),
    ("9:00 a.m.", "9 a.m."),
    ("17:00", "5 p.m."),
    ("until 17:30.", "until 5:30 p.m."),
    ("09:15", "9:15 a.m."),
    ("00:00", "midnight"),
    ("9am–5pm", "9 a.m. to 5 p.m."),
    ("9am - 5:30pm", "9 a.m. to 5:30 p.m."),
    ("9-5pm", "9 to 5 p.m."),
    ("09:00-17:30", "9 a.m. to 5:30 p.m."),
    ("10:00–16:00", "10 a.m. to 4 p.m."),
    ("12:00-14:00", "noon to 2 p.m."),
    ("between 10:00 and 17:00", "between 10 a.m. and 5 p.m."),
    ("9:30-5:30", "9:30 to 5:30"),
    ("8am to 8pm", "8 a.m. to 8 p.m."),
    ("open 24/7", "open 24 hours a day, 7 days a week"),
    # weekdays
    ("Mon–Fri", "Monday to Friday"),
    ("Mon. - Fri.", "Monday to Friday."),
    ("Monday-Friday", "Monday to Friday"),
    ("Sat & Sun", "Saturday and Sunday"),
    ("Sat/Sun", "Saturday and Sunday"),
    ("Mon, Wed and Fri", "Monday, Wednesday and Friday"),
    (
        "Mon–Fri 9am–5pm, Sat 10-2, Sun: closed",
        "Monday to Friday 9 a.m. to 5 p.m., Saturday 10 to 2, Sunday: closed",
    ),
    ("every Tues and Thurs", "every Tuesday and Thursday"),
    ("Fri, 22 Nov 2026", "Friday, 22 November 2026"),
    # dates
    ("2026-11-22", "22 November 2026"),
    ("by 2026-11-22.", "by 22 November 2026."),
    ("22/11/2026", "22 November 2026"),
    ("22.11.2026", "22 November 2026"),
    ("11/22/2026", "November 22, 2026"),
    ("04/04/2026", "4 April 2026"),
    ("Nov 22, 2026", "November 22, 2026"),
    ("22 Nov. 2026", "22 November 2026"),
    ("Sept 3", "September 3"),
    ("the 5th Dec", "the 5th December"),
    ("Jan–Mar", "January to March"),
    ("Day: Sun; Price: 5", "Day: Sunday; Price: 5"),
    (
        "Mo-Fr 8:00-17:00; Sa 9:00-12:00",
        "Monday to Friday 8 a.m. to 5 p.m.; Saturday 9 to 12",
    ),
    ("March–May", "March to May"),
]

LEFT_ALONE = [
    "by Jan Smit, Jan and Mar",
    "on Sun Valley Road",
    "Jun-ho, Dec/Bin",
    "sun and sat",
    "Genesis 14:12",
    "03/04/2026",
    "2026-13-01 and 2026-02-30",
    "2026-11",
    "2026-11-22T09:30:00Z",
    "9:30",
    "10:00",
    "12:45",
    "1:30:00",
    "25:00, 17:60 and 45:30",
    "John 3:16",
    "Plan: Sun; Price: 5. Room: Sat",
    "We 5 and so 9:00",
    "13 am",
    "a 16:9 screen",
    "I am here, as I am.",
    "The cat sat and the sun shone; they wed.",
    "Sat 3 exams, Sun is out, Mon ami.",
    "Sunny and Monique may march in Augusta.",
    "Mark and Jan went on a decision.",
    "1/2/24/7",
    "the 1st, 2nd and 3rd of May",
    "won 3–1 on aggregate",
    "IPv6 2001:db8::17:30",
]


@pytest.mark.parametrize(("written", "said"), SAID)
def test_a_certain_moment_is_said_in_full(written: str, said: str) -> None:
    assert verbalise(written) == said


@pytest.mark.parametrize("written", LEFT_ALONE)
def test_what_may_be_another_thing_stays(written: str) -> None:
    assert verbalise(written) == written


@given(st.dates(min_value=datetime.date(1000, 1, 1)))
def test_every_iso_date_names_its_day_month_and_year(day: datetime.date) -> None:
    said = verbalise(f"on {day.isoformat()}")
    assert said == f"on {day.day} {MONTHS[day.month - 1]} {day.year}"


@given(
    st.dates(min_value=datetime.date(1900, 1, 1), max_value=datetime.date(2099, 12, 31))
)
def test_a_numeric_date_is_said_only_if_its_day_is_certain(day: datetime.date) -> None:
    written = f"{day:%d/%m/%Y}"
    if day.day > 12 or day.day == day.month:
        assert verbalise(written) == f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    else:
        assert verbalise(written) == written


@given(st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99))
def test_a_day_that_no_calendar_has_stays(year: int, month: int, day: int) -> None:
    written = f"{year:04}-{month:02}-{day:02}"
    try:
        datetime.date(max(year, 1), month, day)
    except ValueError:
        assert month == 2 and day == 29 or verbalise_dates(written) == written


@given(st.text(st.sampled_from("0123456789:.-–/ apmMonTueJan,"), max_size=40))
def test_no_number_is_invented(text: str) -> None:
    numbers = {int(number) for number in re.findall(r"[0-9]+", text)}
    # the hours of a clock of twelve, and what stands for 24/7
    known = numbers | {number - 12 for number in numbers} | {12, 24, 7}
    said = {int(number) for number in re.findall(r"[0-9]+", verbalise_dates(text))}
    assert said <= known


@given(st.times())
def test_a_24_hour_time_is_said_with_the_same_hand_positions(
    time: datetime.time,
) -> None:
    said = verbalise(f"at {time:%H:%M}")
    if time.hour in (10, 11, 12):
        assert said == f"at {time:%H:%M}"
    elif (time.hour, time.minute) == (0, 0):
        assert said == "at midnight"
    else:
        clock = f"{(time.hour - 1) % 12 + 1}" + (
            f":{time.minute:02}" if time.minute else ""
        )
        assert said == f"at {clock} {'a' if time.hour < 12 else 'p'}.m."
