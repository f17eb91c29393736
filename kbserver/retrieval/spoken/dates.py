"""Times, opening hours, weekdays and dates in the form a person says."""

from __future__ import annotations

import re

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FULL_MONTH = {month[:3]: month for month in _MONTHS}
_FULL_DAY = {
    day[:3]: day
    for day in (
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    )
}

# Names by their first three letters; what is looked back at stands behind them for speed (see `telephone`).
_MONTH_STEM = rf"(?:{'|'.join(_FULL_MONTH)})(?<!\w{{4}})"
_MONTH = _MONTH_STEM + r"(?<!May)(?:(?<=Sep)t)?\b"
_ANY_MONTH = (
    _MONTH_STEM + r"(?:(?<=Sep)t|uary|ruary|ch|il|[ey]|ust|tember|ober|ember)?\b"
)
_DAY_STEM = rf"(?:{'|'.join(_FULL_DAY)})(?<!\w{{4}})"
_DAY = _DAY_STEM + r"(?:(?<=[TW][ue][ed])s|(?<=Thu)rs?)?\b"
_ANY_DAY = _DAY_STEM + r"(?:[a-z]{0,3}day|(?<=[TW][ue][ed])s|(?<=Thu)rs?)?\b"
_START = r"[0-9](?<![\w.:,$£€/-][0-9])"
_END = r"(?!\w|[:.,/][0-9]| ?[-–—] ?[0-9]| ?%)"

_ALWAYS_OPEN = re.compile(r"24[/x]7(?<![\w.:,$£€/-]....)(/365)?\b")
_DAYS = re.compile(
    rf"{_ANY_DAY}(?:(?:\.? ?[-–—/,&] ?|\.? (?:to|and|or|through|thru|until) |, (?:and|or) ){_ANY_DAY})+"
)
_DAY_NAME = re.compile(rf"{_ANY_DAY}\.?")
_DAY_BEFORE_TIME = re.compile(
    rf"{_DAY}\.?(?=: | (?:from |at )?[0-9]{{1,2}}(?:[:.][0-9][0-9]| ?[ap]\.?m| ?[-–]|(?:st|nd|rd|th)? {_MONTH})"
    rf"|,? {_ANY_MONTH} [0-9]|, [0-9]{{1,2}} {_MONTH})",
)
_DAY_DASH = re.compile(r"\.? ?[-–—] ?")
_DAY_AND = re.compile(r" ?[&/] ?")
_SURE_DAY = re.compile(r"T(?<!\wT)(?:ues|hurs?)\b(?:\.(?= [a-z0-9]))?")

_MONTH_RANGE = re.compile(rf"({_ANY_MONTH})\.? ?[-–—] ?({_ANY_MONTH})")
_MONTH_THEN_NUMBER = re.compile(
    rf"{_MONTH}\.?(?= [0-9]{{1,4}}(?:st|nd|rd|th)?(?![\w:]))"
)
_NUMBER_THEN_MONTH = re.compile(
    rf"([0-9](?<![\w.,:-][0-9])[0-9]?(?:st|nd|rd|th)? )({_MONTH})(?:\.(?= (?:[0-9]{{4}}|[a-z])|[,;)]))?"
)
_DATE = re.compile(
    _START + r"[0-9]{0,3}([-./])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})(?![\w/-]|[.:][0-9])"
)
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]((?:19|20)[0-9]{2})")

_HALF = r" ?([AaPp])(?:m|M|\. ?[mM])\b\.?"
_TIME = rf"(?:[:.]([0-9]{{2}}))?(?:{_HALF})?"
_CLOCK = re.compile(r"[0-9](?::[0-9]{2}| ?[AaPp](?:m|M|\. ?[mM])\b)")
_TIME_RANGE = re.compile(
    rf"({_START}[0-9]?){_TIME}( ?[-–—] ?| (?:to|and|until|till|or) )([0-9]{{1,2}}){_TIME}{_END}"
)
_TIME_OF_DAY = re.compile(rf"({_START}[0-9]?)(?:[:.]([0-9]{{2}}))?{_HALF}(?!\w)")
_24_HOUR_TIME = re.compile(rf"({_START}[0-9]):([0-5][0-9]){_END}")
_HOURS_OF_DAY = re.compile(rf"day([:,]? )([0-9]{{1,2}}) ?[-–—] ?([0-9]{{1,2}}){_END}")
_TWO_STOPS = re.compile(r"( [ap]\.m\.)\.(?!\.)")


def moments_said(text: str) -> str:
    """Return English text with times and dates as they are said: `Mon–Fri 9am–17:30`, `2026-11-22`.

    A date whose day and month could be exchanged (03/04/2026) and a time of day that could be either half
    (9:30) stay as they are.
    """
    text = _SURE_DAY.sub(
        _full_day, _DAY_BEFORE_TIME.sub(_full_day, _DAYS.sub(_day_run, text))
    )
    text = _MONTH_RANGE.sub(
        _month_range,
        _MONTH_THEN_NUMBER.sub(lambda month: _FULL_MONTH[month[0][:3]], text),
    )
    text = _NUMBER_THEN_MONTH.sub(lambda date: date[1] + _FULL_MONTH[date[2][:3]], text)
    text = _DATE.sub(_date, _ALWAYS_OPEN.sub(_always, text))
    if _CLOCK.search(text):
        text = _TIME_OF_DAY.sub(_time_of_day, _TIME_RANGE.sub(_time_range, text))
        text = _TWO_STOPS.sub(r"\1", _24_HOUR_TIME.sub(_24_hour_time, text))
    return _HOURS_OF_DAY.sub(r"day\1\2 to \3", text)


def _always(match: re.Match[str]) -> str:
    return (
        "24 hours a day, every day of the year"
        if match[1]
        else "24 hours a day, 7 days a week"
    )


def _full_day(day: re.Match[str]) -> str:
    return _FULL_DAY[day[0][:3]]


def _day_run(run: re.Match[str]) -> str:
    return _DAY_NAME.sub(
        _full_day, _DAY_AND.sub(" and ", _DAY_DASH.sub(" to ", run[0]))
    )


def _month_range(months: re.Match[str]) -> str:
    return f"{_FULL_MONTH[months[1][:3]]} to {_FULL_MONTH[months[2][:3]]}"


def _date(date: re.Match[str]) -> str:
    if iso := _ISO_DATE.fullmatch(date[0]):
        return _day_of_month(iso[1], int(iso[2]), int(iso[3])) or date[0]
    if numeric := _NUMERIC_DATE.fullmatch(date[0]):
        first, second = int(numeric[1]), int(numeric[2])
        if first > 12 or first == second:
            return _day_of_month(numeric[3], second, first) or date[0]
        if second > 12:
            return _day_of_month(numeric[3], first, second, month_first=True) or date[0]
    return date[0]


def _day_of_month(
    year: str, month: int, day: int, *, month_first: bool = False
) -> str | None:
    if not (
        1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1] and 1000 <= int(year)
    ):
        return None
    name = _MONTHS[month - 1]
    return f"{name} {day}, {year}" if month_first else f"{day} {name} {year}"


def _time_of_day(time: re.Match[str]) -> str:
    return _time(time[1], time[2], time[3]) or time[0]


def _time(hour: str, minute: str | None, half: str) -> str | None:
    """`9 a.m.` or `9:30 p.m.`; None if no clock shows it."""
    if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
        return None
    return (
        f"{int(hour)}{'' if minute in (None, '00') else f':{minute}'} {half.lower()}.m."
    )


def _24_hour(hour: str, minute: str) -> str:
    number = int(hour)
    if number in (0, 24) and minute == "00":
        return "midnight"
    if number == 12 and minute == "00":
        return "noon"
    return (
        _time(str(number % 12 or 12), minute, "p" if 12 <= number < 24 else "a")
        or f"{hour}:{minute}"
    )


def _24_hour_time(time: re.Match[str]) -> str:
    sure = time[1][0] == "0" or 12 < int(time[1]) < 24
    return _24_hour(time[1], time[2]) if sure else time[0]


def _time_range(match: re.Match[str]) -> str:
    hour, minute, half, between, last_hour, last_minute, last_half = match.groups()
    joint = f" {between.strip()} " if between.strip().isalpha() else " to "
    if half or last_half:
        whole = (
            f"{hour}:{minute}" if minute and joint != " to " else _bare(hour, minute)
        )
        first = _time(hour, minute, half) if half else whole
        last = (
            _time(last_hour, last_minute, last_half)
            if last_half
            else _bare(last_hour, last_minute)
        )
        if first and last and (last_half or joint == " to "):
            return first + joint + last
    elif (
        minute
        and last_minute
        and match[0].count(":") == 2
        and max(int(hour), int(last_hour)) <= 24
    ):
        if max(int(minute), int(last_minute)) > 59:
            return match[0]
        if max(int(hour), int(last_hour)) > 12 or hour[0] == "0":
            return _24_hour(hour, minute) + joint + _24_hour(last_hour, last_minute)
        return f"{_bare(hour, minute)}{joint}{_bare(last_hour, last_minute)}"
    return match[0]


def _bare(hour: str, minute: str | None) -> str | None:
    if not 1 <= int(hour) <= 12 or int(minute or 0) > 59:
        return None
    return hour if minute in (None, "00") else f"{hour}:{minute}"
