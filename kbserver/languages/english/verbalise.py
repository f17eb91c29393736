"""Written English → spoken English, so that any text-to-speech reads it right.

Conservative throughout: a wrong expansion is worse than none, so what is not sure stays as it is.
Numbers stay digits and acronyms capitals: every voice reads those.

Snapshots hold the results: raise `form.RULES` with every change of them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kbserver.languages.english.amounts import verbalise_amounts
from kbserver.languages.english.dates import verbalise_dates
from kbserver.languages.english.phone_numbers import spell_phone_numbers

_DIGIT = re.compile(r"[0-9]")

_EMAIL = re.compile(r"([\w.+-](?<![\w.+-].)[\w.+-]*+@[\w-]+(?:\.[\w-]+)+)(?![\w@])")
# Endings that are no English word, so that a missing space after a full stop makes no host name.
_ENDING = (
    r"\.(?:com|org|net|edu|gov|io|ai|dev|app|info|biz|eu|uk|ie|au|nz|ca|fr"
    r"|example|co\.[a-z]{2})(?![\w@-])"
)
_ENDS_LIKE_A_HOST = re.compile(_ENDING)
_HOST = re.compile(
    r"(?P<host>[A-Za-z0-9-](?<![\w@./-].)[A-Za-z0-9-]*+"
    rf"(?:\.[A-Za-z0-9-]+)*?{_ENDING}(?:\.[a-z]{{2}})?)(?!\.\w)"
    # one word of a path is said, a longer path is not
    r"(?:(?P<page>/[A-Za-z][A-Za-z-]{0,20})?/?(?=[.,;:!?)]*(?:\s|$))"
    r"|[/:?#]\S*?(?=[.,;:!?)]*(?:\s|$)))"
)
_IP_ADDRESS = re.compile(
    r"[0-9](?<![\w.-].)[0-9]{0,2}+(?:\.[0-9]{1,3}){3}(?![\w-]|\.[0-9])"
)
_SAID_MARKS = str.maketrans(
    {
        "@": " at ",
        ".": " dot ",
        "_": " underscore ",
        "-": " dash ",
        "+": " plus ",
        "/": " slash ",
    }
)


class _Rule(NamedTuple):
    characters: str
    """The rule is tried if the text holds any of these."""
    written: re.Pattern[str]
    said: str


_SIGNS: tuple[_Rule, ...] = (
    _Rule("*", re.compile(r"\*(?<=[\w.)%€].)(?=[\s.,;:!?)]|$)"), ""),  # of a footnote
    _Rule("™®℠", re.compile(r"[™®℠]"), ""),
    _Rule("→⇒➔➜", re.compile(r" ?[→⇒➔➜] ?"), ", then "),
    _Rule("›»", re.compile(r" [›»] (?=\w)"), ", then "),
    _Rule(">", re.compile(r" > (?<=[A-Za-z0-9)]...)(?=[A-Z][a-z])"), ", then "),
)
_SYMBOLS: tuple[_Rule, ...] = (
    _Rule("#", re.compile(r"#(?<![\w&/#].)(?=[0-9]{1,5}(?![\w-]|\.[0-9]))"), "number "),
    _Rule("№", re.compile(r"№ ?(?=[0-9])"), "number "),
    _Rule("§", re.compile(r"§ ?(?=[0-9])"), "section "),
    _Rule(
        ">", re.compile(r">(?<![^\s(].)(?=[0-9][0-9,.]*(?: [a-z]| ?%))"), "more than "
    ),
    _Rule(
        "<", re.compile(r"<(?<![^\s(].)(?=[0-9][0-9,.]*(?: [a-z]| ?%))"), "less than "
    ),
    _Rule("&", re.compile(r"T(?<!\wT)&Cs?\b"), "terms and conditions"),
    _Rule("&", re.compile(r"&(?<=\s.)(?=\s)"), "and"),
    _Rule("≥", re.compile(r"≥ ?(?=[$£€]?[0-9])"), "at least "),
    _Rule("≤", re.compile(r"≤ ?(?=[$£€]?[0-9])"), "at most "),
    _Rule("~≈", re.compile(r"[~≈](?<![^\s(].)(?:(?<=≈) )?(?=[$£€]?[0-9])"), "about "),
    _Rule("±", re.compile(r"± ?(?=[$£€]?[0-9])"), "plus or minus "),
    _Rule("+", re.compile(r"\+/[-−] ?(?=[$£€]?[0-9])"), "plus or minus "),
    _Rule("©(", re.compile(r"(?:©|\([cC]\)) ?(?=(?:19|20)[0-9]{2})"), "copyright "),
    _Rule("✓✔✅", re.compile(r": [✓✔✅]"), ": yes"),  # a table's cell
    _Rule("✗✘❌", re.compile(r": [✗✘❌]"), ": no"),
)
_WRITTEN = {
    "e.g.": "for example,",
    "i.e.": "that is,",
    "a.k.a.": "also known as",
    "approx.": "approximately",
    "vs.": "versus",
    "incl.": "including",
    "excl.": "excluding",
    "w/o": "without",
    "n/a": "not applicable",
    "and/or": "and or",
}
_MAYBE_ABBREVIATED = re.compile(r"\.(?: ?[gek]\.|(?<=[xslc]\.))|/(?<=[wWnNd]/)[oOaA ]")
_ABBREVIATION = re.compile(
    r"(?<![\w./-])"
    r"(e\. ?g\.|i\. ?e\.|a\. ?k\. ?a\.|(?:approx|vs|incl|excl)\.|w/o|n/a|and/or)"
    r"(?:(?<=\.),)?(?![\w/-])",
    re.IGNORECASE,
)
_AND_SO_ON = re.compile(r"\betc\.(?= (?![A-Z])|[^\w\s])|\betc(?=\.(?:\s|$))")
_WITH = re.compile(r"(?<![\w/])w/ (?=[a-z])")

_BEFORE_NUMBER = {
    "max.": "maximum",
    "min.": "minimum",
    "ext.": "extension",
    "tel.": "telephone",
    "tel:": "telephone:",
    "approx": "approximately",
    "approx.": "approximately",
}
_ABBREVIATION_BEFORE_NUMBER = re.compile(
    r"(?:max|Max|min|Min|ext|Ext|tel|Tel|approx|Approx)(?:\.|(?<=el):|(?<=prox))"
    r"(?= ?(?:[($£€+]*[0-9]|plus [0-9]|[A-Z]{1,2}\$[0-9])) ?"
)
# But not "Is it free? No. 5 days ...".
_NUMBERED = re.compile(r"No\.(?<=[\w,(] ...) ?(?=[0-9])")
_VERSION = re.compile(r"[vV](?<![\w/.-].)(?=[0-9]+(?:\.[0-9]+)+(?![\w-]))")
_DOCTOR = re.compile(r"Dr(?<!\w..)\.? (?=[A-Z][a-z])")
_NO_DRIVE = re.compile(r"(?:[.!?:;] |\(|\b[a-z]+,? )$")  # Oak Dr. is a drive


_DIRECTIONS = {
    "N": "North",
    "S": "South",
    "E": "East",
    "W": "West",
    "NE": "Northeast",
    "NW": "Northwest",
    "SE": "Southeast",
    "SW": "Southwest",
}
_STREETS = {
    "St": "Street",
    "Ave": "Avenue",
    "Rd": "Road",
    "Blvd": "Boulevard",
    "Dr": "Drive",
    "Ln": "Lane",
    "Ct": "Court",
    "Pl": "Place",
    "Pkwy": "Parkway",
    "Hwy": "Highway",
    "Sq": "Square",
    "Ter": "Terrace",
}
_DIRECTION = "|".join(sorted(_DIRECTIONS, key=len, reverse=True))
_STREET = (
    rf"(?:{'|'.join(_STREETS)})(?:\b\.?(?= [a-z0-9(]|[,;)]| (?:{_DIRECTION})\b)|\b)"
)
_STREET_WORDS = "Street|Avenue|Road|Boulevard|Drive|Lane|Court|Place|Way|Square"
_HOUSE = r"[0-9](?<![\w.,:/$£€-].)[0-9]{0,5}+[A-Z]?"
_ADDRESS = re.compile(
    rf"(?P<house>{_HOUSE}) (?P<direction>{_DIRECTION})\.? "
    r"(?P<name>(?:[A-Z][a-z]+|[0-9]{1,3}(?:st|nd|rd|th))(?: [A-Z][a-z]+){0,2}?) "
    rf"(?P<street>{_STREET}|{_STREET_WORDS})(?!\w)(?<!Dr(?=\. [A-Z]))"
)
_ADDRESS_BEHIND = re.compile(
    rf"(?P<house>{_HOUSE}) "
    r"(?P<name>(?:[A-Z][a-z]+|[0-9]{1,3}(?:st|nd|rd|th))(?: [A-Z][a-z]+){0,2}?) "
    rf"(?P<street>(?:{'|'.join(_STREETS)})\b\.?|{_STREET_WORDS}) "
    rf"(?P<direction>{_DIRECTION})(?![\w.])"
)
_PLACES = {
    "Rm": "room",
    "Bldg": "building",
    "Apt": "apartment",
    "Ste": "suite",
    "Hwy": "highway",
    "Rte": "route",
    "Dept": "department",
}
_PLACE = re.compile(
    rf"\b(?i:({'|'.join(_PLACES)}))\b\.? ?(?=[0-9]{{1,4}}[A-Z]?\b(?![.,:/-][0-9])|[A-Z]\b)"
)
_TIMETABLE = re.compile(
    r"([DdAa](?<!\w.)(?:(?<=[Dd])ep|(?<=[Aa])rr))\.? (?=[0-9]{1,2}[:.][0-9]{2}\b)"
)
_PROFESSOR = re.compile(r"Prof\. (?<!\w......)(?=[A-Z][a-z])")
_LIMIT = re.compile(
    r"([Mm](?:in|ax))(?:(?<=^...)|(?<=[(:;,] ...)|(?<=\bno ...)|(?<=\bthe ...)"
    r"|(?<=\ba ...))\. "
    r"(?=(?:fee|order|age|stay|charge|deposit"
    r"|height|weight|purchase|spend|amount"
    r"|booking|price|term|width|length"
    r"|load|speed|group|number)\b)"
)


def verbalise(text: str) -> str:
    """Return the text with symbols, units, prices, numbers, dates and times as they are said.

    `Mon–Fri 9am–5pm, £30/month, 0800 555 0100` becomes `Monday to Friday 9 a.m. to 5 p.m., 30
    pounds a month, 0 8 0 0, 5 5 5, 0 1 0 0`. A second application changes nothing in ordinary text.

    Args:
        text: English on one line, without markup (see `strip_markup`). Not for other languages.
    """
    if "@" in text:
        text = _EMAIL.sub(_email, text)
    if _ENDS_LIKE_A_HOST.search(text):
        text = _HOST.sub(_host, text)
    text = _apply(_SIGNS, text)
    if _MAYBE_ABBREVIATED.search(text):
        text = _ABBREVIATION.sub(_written_out, text)
        text = _AND_SO_ON.sub("et cetera", text)
        text = _WITH.sub("with ", text)
    if _DIGIT.search(text):
        text = _VERSION.sub("version ", text)
        text = _ADDRESS.sub(_address, text)
        text = _ADDRESS_BEHIND.sub(_address_behind, text)
        text = _TIMETABLE.sub(_departs_or_arrives, text)
        text = _IP_ADDRESS.sub(_ip_address, text)
        text = spell_phone_numbers(text)
        text = _NUMBERED.sub("number ", text)
        text = _ABBREVIATION_BEFORE_NUMBER.sub(_before_number, text)
    text = _PLACE.sub(_place, text)
    if "." in text:
        text = _PROFESSOR.sub("Professor ", text)
        text = _LIMIT.sub(_limit, text)
    text = verbalise_dates(text)
    text = verbalise_amounts(text)
    text = _apply(_SYMBOLS, text)
    return _DOCTOR.sub(_doctor, text)


def _apply(rules: tuple[_Rule, ...], text: str) -> str:
    for rule in rules:
        if any(character in text for character in rule.characters):
            text = rule.written.sub(rule.said, text)
    return text


def _spelled_out(address: str) -> str:
    return " ".join(address.translate(_SAID_MARKS).split())


def _email(address: re.Match[str]) -> str:
    return _spelled_out(address[1])


def _ip_address(address: re.Match[str]) -> str:
    return _spelled_out(address[0])


def _host(address: re.Match[str]) -> str:
    return _spelled_out(address["host"] + (address["page"] or ""))


def _written_out(abbreviation: re.Match[str]) -> str:
    written = abbreviation[1]
    said = _WRITTEN[written.lower().replace(" ", "")]
    return _as_cased(said, written)


def _before_number(abbreviation: re.Match[str]) -> str:
    written, start = abbreviation[0], abbreviation.start()
    before = abbreviation.string[start - 1 : start]
    ends_a_word = before.isalnum()
    if ends_a_word:
        return written
    said = _BEFORE_NUMBER[written.strip().lower()]
    return _as_cased(said, written) + " "


def _address(address: re.Match[str]) -> str:
    """Say `240 W Pine St` as `240 West Pine Street`."""
    direction = _DIRECTIONS[address["direction"]]
    return f"{address['house']} {direction} {address['name']} {_street(address)}"


def _address_behind(address: re.Match[str]) -> str:
    """Say `9 5th Ave NE` as `9 5th Avenue Northeast`."""
    direction = _DIRECTIONS[address["direction"]]
    return f"{address['house']} {address['name']} {_street(address)} {direction}"


def _street(address: re.Match[str]) -> str:
    written = address["street"].rstrip(".")
    return _STREETS.get(written, written)


def _place(place: re.Match[str]) -> str:
    written = place[1]
    said = _PLACES[written.capitalize()]
    if written[0].isupper():
        said = said.capitalize()
    return f"{said} "


def _departs_or_arrives(word: re.Match[str]) -> str:
    said = "departs" if word[1].lower() == "dep" else "arrives"
    return _as_cased(said, word[1]) + " "


def _limit(word: re.Match[str]) -> str:
    said = "minimum" if word[1].lower() == "min" else "maximum"
    return _as_cased(said, word[1]) + " "


def _as_cased(said: str, written: str) -> str:
    """Begin with a capital as `E.g.` does; capitals throughout (N/A) say nothing."""
    if written[0].isupper() and not written.isupper():
        return said[0].upper() + said[1:]
    return said


def _doctor(title: re.Match[str]) -> str:
    start = title.start()
    before = title.string[max(0, start - 30) : start]
    if not before or _NO_DRIVE.search(before):
        return "Doctor "
    return title[0]
