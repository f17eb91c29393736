"""Times, opening hours, weekdays and dates as they are said."""

from __future__ import annotations

import re

MONTHS = """
    January February March April May June
    July August September October November December
""".split()
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FULL_MONTH = {month[:3]: month for month in MONTHS}
DAYS_OF_WEEK = """
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday
""".split()
_FULL_DAY = {day[:3]: day for day in DAYS_OF_WEEK}

# Names by their first three letters. What is looked back at stands behind them for speed (see
# `phone_numbers`).
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
    rf"{_ANY_DAY}(?:(?:\.? ?[-–—/,&+] ?|\.? "
    r"|\.? (?:to|and|or|through|thru|until) "
    rf"|, (?:and|or) ){_ANY_DAY})+"
)
# As signs write them: MON-FRI, mon–fri, Mo-Fr 9-17, M–F 9–5.
_SIGN_DAY = rf"(?:{'|'.join(_FULL_DAY)})"
_MOST_DAYS = 14  # of one list
_SIGN_DAYS = re.compile(
    rf"\b(?i:({_SIGN_DAY})((?: ?[-–—&/,] ?{_SIGN_DAY}){{1,{_MOST_DAYS}}}))\b(?![-–—/&])"
)
_MAYBE_SIGN_DAYS = re.compile(r"[-–—&/,] ?(?:(?i:mo|tu|we|th|fr|sa|su)|F)")
_SIGN_DAY_NAME = re.compile(rf"\b(?i:{_SIGN_DAY})\b")
_SHORT_DAYS = {day[:2]: day for day in DAYS_OF_WEEK} | {"M": "Monday", "F": "Friday"}
_SHORT_DAY = r"(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_SHORT_RUN = re.compile(
    rf"\b(?:{_SHORT_DAY}(?: ?[-–—,/&+] ?{_SHORT_DAY}){{1,{_MOST_DAYS}}}"
    r"|M ?[-–—] ?F)\b(?=:? [0-9])"
    rf"|(?:(?<=[;|] )|(?<=, )){_SHORT_DAY}\b(?=:? [0-9]{{1,2}}[:.][0-9]{{2}}(?![0-9]))"
)
_SHORT_NAME = re.compile(r"[A-Z][a-z]?")
_DAY_COMMA = re.compile(r" ?, ?")
_DAY_NAME = re.compile(rf"{_ANY_DAY}\.?")
_DAY_BEFORE_TIME = re.compile(
    rf"{_DAY}\.?(?=: "
    r"| (?:from |at )?[0-9]{1,2}"
    rf"(?:[:.][0-9][0-9]| ?[ap]\.?m| ?[-–]|(?:st|nd|rd|th)? {_MONTH})"
    rf"|,? {_ANY_MONTH} [0-9]"
    rf"|, [0-9]{{1,2}} {_MONTH})"
)
_DAY_DASH = re.compile(r"\.? ?[-–—] ?")
_DAY_AND = re.compile(r"\.? ?[&/+] ?")
_NO_NAME = r"(?![\w@&'’/.-]\w| [A-Z][a-z])"
_SURE_DAY = re.compile(
    r"[TF](?<![\w@&./-].)"
    r"(?:(?<=T)ues?|(?<=T)hu(?:rs?)?|(?<=F)ri)\b" + _NO_NAME + r"(?:\.(?= [a-z0-9]))?"
)
# Each of these is a word as well: the sun, it sat, they wed.
_MAYBE_DAY = re.compile(rf"{_DAY}(?:\.(?= [a-z0-9]))?")
_BEFORE_A_DAY = re.compile(
    r"(?:\b(?:on|every|each|until|till|since"
    r"|except|excluding|only|closed|open"
    r"|next|last|this|other|first|second|third|fourth|[1-5](?:st|nd|rd|th))|:) $",
    re.IGNORECASE,
)
_IS_A_NAME = re.compile(
    r"\b(?:plan|tariff|product|name|item|model|package|brand|title|room|option|type|rate"
    r"|offer|edition|version|series|category|card|cabin|boat)s?: $",
    re.IGNORECASE,
)  # of a column in which no days stand
_LONGEST_BEFORE = 11  # characters that `_BEFORE_A_DAY` and `_BEFORE_A_MONTH` may match
_AFTER_A_DAY = re.compile(
    r" (?:closed|open|only|off|mornings?"
    r"|afternoons?|evenings?|nights?|noon|all day)\b"
)
_NAME_FOLLOWS = re.compile(r"\.? [A-Z][a-z]")
_CELL_ENDS = re.compile(r"[,;)]|\.?$")

_SURE_MONTH = re.compile(
    r"[FASONDJ](?<![\w@&./-].)"
    r"(?:(?<=F)eb|(?<=A)pr|(?<=A)ug|(?<=S)ept?"
    r"|(?<=O)ct|(?<=N)ov|(?<=D)ec|(?<=J)u[ln])\b"
    + _NO_NAME
    + r"(?:\.(?= [a-z0-9]|[,;)]))?"
)
_MAYBE_MONTH = re.compile(
    r"[JM](?<![\w@&./-].)(?:(?<=J)an|(?<=M)ar)\b"
    + _NO_NAME
    + r"(?:\.(?= [a-z0-9]|[,;)]))?"
)
_BEFORE_A_MONTH = re.compile(
    r"(?:\b(?:in|until|till|since|before|after|early|late|mid|every|during|of))[ -]$",
    re.IGNORECASE,
)
_FULL_DATE = (
    rf"(?:(?:{'|'.join(MONTHS)}) [0-9]{{1,2}}(?:st|nd|rd|th)?(?:, [0-9]{{4}})?"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:{'|'.join(MONTHS)})(?: [0-9]{{4}})?)"
)
_DATE_RANGE = re.compile(rf"({_FULL_DATE}) ?[-–—] ?(?={_FULL_DATE})")
_MAYBE_DATE_RANGE = re.compile(rf"[-–—] ?(?={_FULL_DATE})")
_MONTH_RANGE = re.compile(rf"({_ANY_MONTH})\.? ?[-–—] ?({_ANY_MONTH})")
_MONTH_THEN_NUMBER = re.compile(
    rf"{_MONTH}\.?(?= [0-9]{{1,4}}(?:st|nd|rd|th)?(?![\w:]))"
)
_NUMBER_THEN_MONTH = re.compile(
    r"([0-9](?<![\w.,:-][0-9])[0-9]?(?:st|nd|rd|th)? )"
    rf"({_MONTH})(?:\.(?= (?:[0-9]{{4}}|[a-z])|[,;)]))?"
)
_DATE = re.compile(
    _START
    + r"[0-9]{0,3}([-./])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2})"
    + r"(?![\w/-]|[.:][0-9])"
)
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_NUMERIC_DATE = re.compile(r"([0-9]{1,2})[-./]([0-9]{1,2})[-./]((?:19|20)[0-9]{2})")

_HALF = r" ?([AaPp])(?:m|M|\. ?[mM])\b\.?"
_TIME = rf"(?:[:.]([0-9]{{2}}))?(?:{_HALF})?"
_CLOCK = re.compile(r"[0-9](?::[0-9]{2}| ?[AaPp](?:m|M|\. ?[mM])\b)")
_TIME_RANGE = re.compile(
    rf"({_START}[0-9]?){_TIME}"
    r"( ?[-–—] ?| (?:to|and|until|till|or) )"
    rf"([0-9]{{1,2}}){_TIME}{_END}(?! to [0-9])"
)
_TIME_OF_DAY = re.compile(rf"({_START}[0-9]?)(?:[:.]([0-9]{{2}}))?{_HALF}(?!\w)")
_24_HOUR_TIME = re.compile(rf"({_START}[0-9]):([0-5][0-9]){_END}")
_RATIO = re.compile(
    r"\b(?:ratio|aspect|scale|scored?|verse"
    r"|chapter|odds|screen|display|monitor"
    r"|format|widescreen|resolution|Genesis"
    r"|Exodus|Psalms?|Isaiah|Matthew|Mark|Luke"
    r"|John|Acts|Romans)\b"
)
_NEAR = 14  # characters around a time that may say what it is
_HOURS_OF_DAY = re.compile(rf"day([:,]? )([0-9]{{1,2}}) ?[-–—] ?([0-9]{{1,2}}){_END}")
_TWO_STOPS = re.compile(r"( [ap]\.m\.)\.(?!\.)")


def verbalise_dates(text: str) -> str:
    """Return English text with times and dates as they are said: `Mon–Fri 9am`, `2026-11-22`.

    A date whose day and month could be exchanged (03/04/2026) and a time of day that could be
    either half (9:30) stay as they are.
    """
    if _MAYBE_SIGN_DAYS.search(text):
        text = _SHORT_RUN.sub(_short_run, text)
        text = _SIGN_DAYS.sub(_sign_days, text)
    text = _DAYS.sub(_day_run, text)
    text = _DAY_BEFORE_TIME.sub(_full_day, text)
    text = _SURE_DAY.sub(_full_day, text)
    text = _MAYBE_DAY.sub(_maybe_day, text)
    text = _MONTH_THEN_NUMBER.sub(_full_month, text)
    text = _MONTH_RANGE.sub(_month_range, text)
    text = _NUMBER_THEN_MONTH.sub(_number_then_month, text)
    text = _SURE_MONTH.sub(_full_month, text)
    text = _MAYBE_MONTH.sub(_maybe_month, text)
    if _MAYBE_DATE_RANGE.search(text):
        text = _DATE_RANGE.sub(r"\1 to ", text)
    text = _ALWAYS_OPEN.sub(_always_open, text)
    text = _DATE.sub(_date, text)
    if _CLOCK.search(text):
        text = _TIME_RANGE.sub(_time_range, text)
        text = _TIME_OF_DAY.sub(_time_of_day, text)
        text = _24_HOUR_TIME.sub(_24_hour_time, text)
        text = _TWO_STOPS.sub(r"\1", text)
    return _HOURS_OF_DAY.sub(r"day\1\2 to \3", text)


def _always_open(match: re.Match[str]) -> str:
    every_day = match[1] is not None
    if every_day:
        return "24 hours a day, every day of the year"
    return "24 hours a day, 7 days a week"


def _full_day(day: re.Match[str]) -> str:
    return _FULL_DAY[day[0][:3]]


def _maybe_day(day: re.Match[str]) -> str:
    """Say a day that may be another word if what stands around it tells."""
    text, end = day.string, day.end()
    before = text[max(0, day.start() - _LONGEST_BEFORE) : day.start()]
    if _AFTER_A_DAY.match(text, end):
        return _full_day(day)
    if not _BEFORE_A_DAY.search(before) or _NAME_FOLLOWS.match(text, end):
        return day[0]
    if before.endswith(": "):
        is_cell = _CELL_ENDS.match(text, end) is not None
        if not is_cell or _IS_A_NAME.search(before):
            return day[0]
    return _full_day(day)


def _maybe_month(month: re.Match[str]) -> str:
    text = month.string
    before = text[max(0, month.start() - _LONGEST_BEFORE) : month.start()]
    if not _BEFORE_A_MONTH.search(before):
        return month[0]
    return _full_month(month)


def _short_run(run: re.Match[str]) -> str:
    days = _DAY_COMMA.sub(", ", _DAY_DASH.sub(" to ", run[0]))
    days = _DAY_AND.sub(" and ", days)
    return _SHORT_NAME.sub(lambda day: _SHORT_DAYS[day[0]], days)


def _sign_days(run: re.Match[str]) -> str:
    """Say `MON-FRI`; days as prose writes them are left to `_DAYS`."""
    written = run[0]
    only_dashes = not re.search(r"[&/,]", written)
    if not written.isupper() and not (written.islower() and only_dashes):
        return written
    days = _DAY_DASH.sub(" to ", written)
    days = _DAY_AND.sub(" and ", days)
    return _SIGN_DAY_NAME.sub(lambda day: _FULL_DAY[day[0].title()], days)


def _day_run(run: re.Match[str]) -> str:
    days = _DAY_DASH.sub(" to ", run[0])
    days = _DAY_AND.sub(" and ", days)
    return _DAY_NAME.sub(_full_day, days)


def _full_month(month: re.Match[str]) -> str:
    return _FULL_MONTH[month[0][:3]]


def _month_range(months: re.Match[str]) -> str:
    first, last = months.groups()
    return f"{_FULL_MONTH[first[:3]]} to {_FULL_MONTH[last[:3]]}"


def _number_then_month(date: re.Match[str]) -> str:
    number, month = date.groups()
    return number + _FULL_MONTH[month[:3]]


def _date(date: re.Match[str]) -> str:
    written = date[0]
    iso = _ISO_DATE.fullmatch(written)
    if iso:
        return _day_of_month(iso[1], int(iso[2]), int(iso[3])) or written
    numeric = _NUMERIC_DATE.fullmatch(written)
    if not numeric:
        return written
    first, second, year = int(numeric[1]), int(numeric[2]), numeric[3]
    if first > 12 or first == second:
        return _day_of_month(year, second, first) or written
    if second > 12:
        return _day_of_month(year, first, second, month_first=True) or written
    return written


def _day_of_month(
    year: str, month: int, day: int, *, month_first: bool = False
) -> str | None:
    """Say a date; None if no calendar has it."""
    if not 1 <= month <= 12 or int(year) < 1000:
        return None
    if not 1 <= day <= _MONTH_DAYS[month - 1]:
        return None
    name = MONTHS[month - 1]
    if month_first:
        return f"{name} {day}, {year}"
    return f"{day} {name} {year}"


def _is_on_the_clock(hour: str, minute: str | None) -> bool:
    return 1 <= int(hour) <= 12 and int(minute or 0) <= 59


def _bare(hour: str, minute: str | None) -> str | None:
    """Say `9` or `9:30`; None if no clock shows it."""
    if not _is_on_the_clock(hour, minute):
        return None
    if minute in (None, "00"):
        return hour
    return f"{hour}:{minute}"


def _time(hour: str, minute: str | None, half: str | None) -> str | None:
    """Say `9 a.m.` or `9:30 p.m.`, without a half `9` or `9:30`; None if no clock shows it."""
    if half is None:
        return _bare(hour, minute)
    number = _bare(str(int(hour)), minute)
    if number is None:
        return None
    return f"{number} {half.lower()}.m."


def _time_of_day(time: re.Match[str]) -> str:
    hour, minute, half = time.groups()
    return _time(hour, minute, half) or time[0]


def _24_hour(hour: str, minute: str) -> str:
    number = int(hour)
    if number in (0, 24) and minute == "00":
        return "midnight"
    if number == 12 and minute == "00":
        return "noon"
    half = "a"
    if 12 <= number < 24:
        half = "p"
    return _time(str(number % 12 or 12), minute, half) or f"{hour}:{minute}"


def _24_hour_time(time: re.Match[str]) -> str:
    hour, minute = time.groups()
    sure = hour[0] == "0" or 12 < int(hour) < 24
    if not sure or _is_a_ratio(time):
        return time[0]
    return _24_hour(hour, minute)


def _is_a_ratio(time: re.Match[str]) -> bool:
    """Tell whether it may be a ratio, a score or a verse: `aspect ratio 16:10`."""
    text = time.string
    around = text[max(0, time.start() - _NEAR) : time.end() + _NEAR]
    return _RATIO.search(around) is not None


def _time_range(match: re.Match[str]) -> str:
    hour, minute, half, between, last_hour, last_minute, last_half = match.groups()
    joint = " to "
    if between.strip().isalpha():
        joint = f" {between.strip()} "
    if half or last_half:
        return _range_with_halves(match, joint)
    two_times = bool(minute and last_minute) and match[0].count(":") == 2
    if not two_times or max(int(hour), int(last_hour)) > 24:
        return match[0]
    if max(int(minute), int(last_minute)) > 59:
        return match[0]
    if max(int(hour), int(last_hour)) > 12 or "0" in (hour[0], last_hour[0]):
        return _24_hour(hour, minute) + joint + _24_hour(last_hour, last_minute)
    return f"{_bare(hour, minute)}{joint}{_bare(last_hour, last_minute)}"


def _range_with_halves(match: re.Match[str], joint: str) -> str:
    """Say a range of which at least one end has its half of the day."""
    hour, minute, half, _, last_hour, last_minute, last_half = match.groups()
    is_range = joint == " to "
    if not last_half and not is_range:
        return match[0]
    first = _time(hour, minute, half)
    if not half and minute and not is_range:
        first = f"{hour}:{minute}"
    last = _time(last_hour, last_minute, last_half)
    if first is None or last is None:
        return match[0]
    return first + joint + last
