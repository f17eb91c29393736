"""Plain English text in the form a person says it, so that any text-to-speech reads it right.

Conservative throughout: a wrong expansion is worse than none, so what is not sure stays as it is. Numbers
stay digits and acronyms capitals: every voice reads those.

Snapshots hold what it gives: whoever changes that raises `form.RULES`.
"""

from __future__ import annotations

import re

from kbserver.retrieval.spoken.amounts import amounts_said
from kbserver.retrieval.spoken.dates import moments_said
from kbserver.retrieval.spoken.phone_numbers import dictated

_DIGIT = re.compile(r"[0-9]")

_EMAIL = re.compile(r"([\w.+-](?<![\w.+-].)[\w.+-]*+@[\w-]+(?:\.[\w-]+)+)(?![\w@])")
# Endings that are no English word, so that a missing space after a full stop makes no host name.
_ENDING = r"\.(?:com|org|net|edu|gov|io|ai|dev|app|info|biz|eu|uk|ie|au|nz|ca|fr|example|co\.[a-z]{2})(?![\w@-])"
_ENDS_LIKE_A_HOST = re.compile(_ENDING)
_HOST = re.compile(
    rf"(?P<host>[A-Za-z0-9-](?<![\w@./-].)[A-Za-z0-9-]*+(?:\.[A-Za-z0-9-]+)*?{_ENDING}(?:\.[a-z]{{2}})?)(?!\.\w)"
    # one word of a path is said, a longer path is not
    r"(?:(?P<page>/[A-Za-z][A-Za-z-]{0,20})?/?(?=[.,;:!?)]*(?:\s|$))|[/:?#]\S*?(?=[.,;:!?)]*(?:\s|$)))"
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

_Rule = tuple[str, re.Pattern[str], str]
"""What the text must hold for the rule to be tried (any of these characters), what it looks for, what is said."""

_SIGNS: tuple[_Rule, ...] = (
    ("*", re.compile(r"\*(?<=[\w.)%€].)(?=[\s.,;:!?)]|$)"), ""),  # points to a footnote
    ("™®℠", re.compile(r"[™®℠]"), ""),
    ("→⇒➔➜", re.compile(r" ?[→⇒➔➜] ?"), ", then "),
    ("›»", re.compile(r" [›»] (?=\w)"), ", then "),
    (">", re.compile(r" > (?<=[A-Za-z0-9)]...)(?=[A-Z][a-z])"), ", then "),
)
_SYMBOLS: tuple[_Rule, ...] = (
    ("#", re.compile(r"#(?<![\w&/#].)(?=[0-9]{1,5}(?![\w-]|\.[0-9]))"), "number "),
    ("№", re.compile(r"№ ?(?=[0-9])"), "number "),
    ("§", re.compile(r"§ ?(?=[0-9])"), "section "),
    (">", re.compile(r">(?<![^\s(].)(?=[0-9][0-9,.]*(?: [a-z]| ?%))"), "more than "),
    ("<", re.compile(r"<(?<![^\s(].)(?=[0-9][0-9,.]*(?: [a-z]| ?%))"), "less than "),
    ("&", re.compile(r"T(?<!\wT)&Cs?\b"), "terms and conditions"),
    ("&", re.compile(r"&(?<=\s.)(?=\s)"), "and"),
    ("≥", re.compile(r"≥ ?(?=[$£€]?[0-9])"), "at least "),
    ("≤", re.compile(r"≤ ?(?=[$£€]?[0-9])"), "at most "),
    ("~≈", re.compile(r"[~≈](?<![^\s(].)(?:(?<=≈) )?(?=[$£€]?[0-9])"), "about "),
    ("±", re.compile(r"± ?(?=[$£€]?[0-9])"), "plus or minus "),
    ("+", re.compile(r"\+/[-−] ?(?=[$£€]?[0-9])"), "plus or minus "),
    ("©(", re.compile(r"(?:©|\([cC]\)) ?(?=(?:19|20)[0-9]{2})"), "copyright "),
    ("✓✔✅", re.compile(r": [✓✔✅]"), ": yes"),  # a table's cell
    ("✗✘❌", re.compile(r": [✗✘❌]"), ": no"),
)
_WRITTEN = {
    "e.g.": "for example,", "i.e.": "that is,", "a.k.a.": "also known as", "approx.": "approximately",
    "vs.": "versus", "incl.": "including", "excl.": "excluding", "w/o": "without", "n/a": "not applicable",
    "and/or": "and or",
}  # fmt: skip
_MAYBE_SHORT = re.compile(r"\.(?: ?[gek]\.|(?<=[xslc]\.))|/(?<=[wWnNd]/)[oOaA ]")
_ABBREVIATION = re.compile(
    r"(?<![\w./-])(e\. ?g\.|i\. ?e\.|a\. ?k\. ?a\.|(?:approx|vs|incl|excl)\.|w/o|n/a|and/or)(?:(?<=\.),)?(?![\w/-])",
    re.I,
)
_AND_SO_ON = re.compile(r"\betc\.(?= (?![A-Z])|[^\w\s])|\betc(?=\.(?:\s|$))")
_WITH = re.compile(r"(?<![\w/])w/ (?=[a-z])")

_BEFORE_NUMBER = {
    "max.": "maximum", "min.": "minimum", "ext.": "extension", "tel.": "telephone", "tel:": "telephone:",
    "approx": "approximately", "approx.": "approximately",
}  # fmt: skip
_ABBREVIATION_BEFORE_NUMBER = re.compile(
    r"(?:max|Max|min|Min|ext|Ext|tel|Tel|approx|Approx)(?:\.|(?<=el):|(?<=prox))"
    r"(?= ?(?:[($£€+]*[0-9]|plus [0-9]|[A-Z]{1,2}\$[0-9])) ?"
)
_NUMBERED = re.compile(
    r"No\.(?<=[\w,(] ...) ?(?=[0-9])"
)  # but not "Is it free? No. 5 days ..."
_VERSION = re.compile(r"[vV](?<![\w/.-].)(?=[0-9]+(?:\.[0-9]+)+(?![\w-]))")
_DOCTOR = re.compile(r"Dr(?<!\w..)\.? (?=[A-Z][a-z])")
_NO_DRIVE = re.compile(r"(?:[.!?:;] |\(|\b[a-z]+,? )$")  # Oak Dr. is a drive


def speakable(text: str) -> str:
    """Return the text with symbols, units, prices, numbers to dial, dates and times as a person says them.

    `Mon–Fri 9am–5pm, £30/month, 0800 555 0100` becomes `Monday to Friday 9 a.m. to 5 p.m., 30 pounds a month,
    0 8 0 0, 5 5 5, 0 1 0 0`. A second application changes nothing, but for strings of symbols nobody writes.

    Args:
        text: English on one line, without marks (see `plain`). Other languages have other words: leave them out.
    """
    if "@" in text:
        text = _EMAIL.sub(lambda address: _spelled_out(address[1]), text)
    if _ENDS_LIKE_A_HOST.search(text):
        text = _HOST.sub(_host, text)
    text = _by_rules(_SIGNS, text)
    if _MAYBE_SHORT.search(text):
        text = _WITH.sub(
            "with ", _AND_SO_ON.sub("et cetera", _ABBREVIATION.sub(_written_out, text))
        )
    if _DIGIT.search(text):
        text = _IP_ADDRESS.sub(
            lambda address: _spelled_out(address[0]), _VERSION.sub("version ", text)
        )
        text = _ABBREVIATION_BEFORE_NUMBER.sub(
            _before_number, _NUMBERED.sub("number ", dictated(text))
        )
    return _DOCTOR.sub(_doctor, _by_rules(_SYMBOLS, amounts_said(moments_said(text))))


def _by_rules(rules: tuple[_Rule, ...], text: str) -> str:
    for characters, written, said in rules:
        if any(character in text for character in characters):
            text = written.sub(said, text)
    return text


def _spelled_out(address: str) -> str:
    return " ".join(address.translate(_SAID_MARKS).split())


def _host(address: re.Match[str]) -> str:
    return _spelled_out(address["host"] + (address["page"] or ""))


def _written_out(short: re.Match[str]) -> str:
    return _as_cased(_WRITTEN[short[1].lower().replace(" ", "")], short[1])


def _before_number(short: re.Match[str]) -> str:
    if short.string[short.start() - 1 : short.start()].isalnum():
        return short[0]  # the end of a longer word
    return _as_cased(_BEFORE_NUMBER[short[0].strip().lower()], short[0]) + " "


def _as_cased(said: str, written: str) -> str:
    """`E.g.` opens a sentence, and so does what is said for it; capitals throughout (N/A) say nothing."""
    return (
        said[0].upper() + said[1:]
        if written[0].isupper() and not written.isupper()
        else said
    )


def _doctor(title: re.Match[str]) -> str:
    before = title.string[max(0, title.start() - 30) : title.start()]
    return "Doctor " if not before or _NO_DRIVE.search(before) else title[0]
