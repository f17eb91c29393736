"""What is said in German, French, Spanish and Hindi: by value, against CLDR, and for any text."""

import re
from datetime import date

import pytest
from babel import Locale
from babel.dates import get_day_names, get_month_names
from babel.numbers import get_currency_name
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages import PROFILES, profile
from kbserver.languages.french.said import SIGNS as FRENCH
from kbserver.languages.german.said import SIGNS as GERMAN
from kbserver.languages.hindi.said import SIGNS as HINDI
from kbserver.languages.spanish.said import SIGNS as SPANISH
from tests.test_pages import in_code, read, rows

SIGNS = {"german": GERMAN, "french": FRENCH, "spanish": SPANISH, "hindi": HINDI}
LOCALES = {"german": "de", "french": "fr", "spanish": "es", "hindi": "hi"}
CLDR_UNITS = {
    "%": "concentr-percent",
    "kWh": "energy-kilowatt-hour",
    "kW": "power-kilowatt",
    "MW": "power-megawatt",
    "W": "power-watt",
    "kB": "digital-kilobyte",
    "MB": "digital-megabyte",
    "GB": "digital-gigabyte",
    "TB": "digital-terabyte",
    "ko": "digital-kilobyte",
    "Mo": "digital-megabyte",
    "Go": "digital-gigabyte",
    "To": "digital-terabyte",
    "kbit": "digital-kilobit",
    "Mbit": "digital-megabit",
    "Gbit": "digital-gigabit",
    "MHz": "frequency-megahertz",
    "GHz": "frequency-gigahertz",
    "km": "length-kilometer",
    "m": "length-meter",
    "cm": "length-centimeter",
    "mm": "length-millimeter",
    "m²": "area-square-meter",
    "km²": "area-square-kilometer",
    "m³": "volume-cubic-meter",
    "kg": "mass-kilogram",
    "g": "mass-gram",
    "mg": "mass-milligram",
    "l": "volume-liter",
    "ml": "volume-milliliter",
    "°C": "temperature-celsius",
    "h": "duration-hour",
    "min": "duration-minute",
    "s": "duration-second",
}
SAID = {
    "german": (
        ("von 8:00–20:00 Uhr", "von 8:00 bis 20:00 Uhr"),
        ("Mo.–Fr. 8-20 Uhr", "Montag bis Freitag 8 bis 20 Uhr"),
        ("So 10:00–12:00 Uhr", "Sonntag 10:00 bis 12:00 Uhr"),
        ("33,90 ct/kWh", "33,90 Cent pro Kilowattstunde"),
        ("€ 39,99", "39,99 Euro"),
        ("5 Millionen €", "5 Millionen Euro"),
        ("50–100 Mbit/s", "50 bis 100 Megabit pro Sekunde"),
        ("45 €/qm", "45 Euro pro Quadratmeter"),
        ("3. Jan. 2026", "3. Januar 2026"),
        ("ca. 20 Min. warten", "circa 20 Minuten warten"),
        ("etwa 20 Min. Danach", "etwa 20 Minuten. Danach"),
        ("Strom, Gas usw. Danach", "Strom, Gas und so weiter. Danach"),
        ("Müller & Söhne", "Müller und Söhne"),
        ("−5 °C", "−5 Grad Celsius"),
        ("2026-12-31", "31. Dezember 2026"),
    ),
    "french": (
        ("de 8h à 20h", "de 8 heures à 20 heures"),
        ("lun.–ven. 9h–18h30", "lundi à vendredi 9 heures à 18 heures 30"),
        ("1 249,00 €", "1 249,00 euros"),
        ("0,99 €", "0,99 euro"),
        ("1,5 Go", "1,5 gigaoctet"),
        ("50 € / an", "50 euros par an"),
        ("01/01/2026", "1er janvier 2026"),
        ("env. 20 min", "environ 20 minutes"),
    ),
    "spanish": (
        ("lun–vie de 9:00 a 18:00 h", "lunes a viernes de 9:00 a 18:00 horas"),
        ("5 millones €", "5 millones de euros"),
        ("100 Mb/s.", "100 megabits por segundo."),
        ("p. ej. el Sr. García", "por ejemplo el señor García"),
        ("31/12/2026", "31 de diciembre de 2026"),
    ),
    "hindi": (
        ("₹1,499 प्रति माह", "1,499 रुपए प्रति माह"),
        ("₹499/माह", "499 रुपए प्रति माह"),
        ("₹5 लाख", "5 लाख रुपए"),
        ("रु. ५००", "५०० रुपए"),
        ("सोम–शुक्र 9–12 बजे", "सोमवार से शुक्रवार 9 से 12 बजे"),
        ("18% जीएसटी", "18 प्रतिशत जीएसटी"),
    ),
}
AS_WRITTEN = {
    "german": (
        "von 8:00 bis 20:00 Uhr",
        "0800 555 0142",
        "089/1234-5678",
        "am 31.12.",
        "Linie 1-4",
        "5G und 4K",
        "10 € 20",
        "IBAN DE89 3704 0044 0532 0130 00",
        "Version 3.5.1-2",
        "rund um die Uhr, 24/7",
        "31.02.2026",
        "5 Mio. €",
    ),
    "french": ("01 23 45 67 89", "5 millions €", "32/01/2026"),
    "spanish": ("900 555 010", "el 03/04/2026", "la 5G"),
    "hindi": ("15:30 बजे", "1800 555 0120", "*121# डायल करें", "₹5k"),
}
ANY = st.text(
    st.sampled_from("019५ .,:;–-/€₹$%°²ctkWhGMBmsUhrMoFrबजेरु.é&\u202f"), max_size=40
)


@pytest.mark.parametrize("language", SAID)
def test_signs_are_said_in_the_language(language):
    say = profile(language).said.say
    for written, said in SAID[language]:
        assert say(written) == said
        assert say(said) == said


@pytest.mark.parametrize("language", AS_WRITTEN)
def test_what_may_be_something_else_stays_as_it_is_written(language):
    for written in AS_WRITTEN[language]:
        assert profile(language).said.say(written) == written


@pytest.mark.parametrize("language", SIGNS)
def test_names_are_those_of_cldr(language):
    signs, locale = SIGNS[language], LOCALES[language]
    patterns = Locale.parse(locale)._data["unit_patterns"]
    for sign in signs.units.keys() & CLDR_UNITS.keys():
        name = patterns[CLDR_UNITS[sign]]["long"]
        one, other = (
            " ".join(name[count].replace("{0}", "").split())
            for count in ("one", "other")
        )
        assert signs.units[sign] == (one, other)
    months = get_month_names("wide", locale=locale)
    days = get_day_names("wide", locale=locale)
    assert signs.months == tuple(months[number] for number in range(1, 13))
    assert signs.weekdays == tuple(days[number] for number in range(7))
    for code in ("EUR", "USD", "CHF"):
        if code in signs.currencies and language != "hindi":
            assert signs.currencies[code] == tuple(
                get_currency_name(code, count=count, locale=locale) for count in (1, 2)
            )


@pytest.mark.parametrize("language", sorted({*SIGNS, "turkish", "none"}))
@given(text=ANY)
def test_no_digit_changes_its_value_appears_or_goes(language, text):
    """But the month of a date in numbers, which becomes a name, and the zero of a day."""
    if not re.search(r"\d+[./-]\d+[./-]\d+", text):
        said = profile(language).said.say(text)
        assert sorted(re.findall(r"\d+", said)) == sorted(re.findall(r"\d+", text))


@pytest.mark.parametrize("language", SIGNS)
@given(day=st.dates(min_value=date(1900, 1, 1), max_value=date(2999, 12, 31)))
def test_a_date_is_the_same_day_when_it_is_said(language, day):
    signs = SIGNS[language]
    mark = signs.date_mark
    said = profile(language).said.say(
        f"{day.day:02}{mark}{day.month:02}{mark}{day.year}"
    )
    numbers = [int(number) for number in re.findall(r"\d+", said)]
    if "/" in said:  # read both ways
        assert language == "spanish" and day.day <= 12
    else:
        assert numbers == [day.day, day.year]
        assert signs.months[day.month - 1] in said


@pytest.mark.parametrize("language", ("turkish", "arabic", "none", "russian", "dutch"))
def test_a_language_without_a_profile_changes_nothing(language):
    assert language not in PROFILES
    texts = ["$20", "10 %", "Mon–Fri 9am–5pm", "https://kbserver.example", "e.g."]
    texts += [text for texts in AS_WRITTEN.values() for text in texts]
    texts += [written for pairs in SAID.values() for written, _ in pairs]
    for text in texts:
        assert profile(language).said.say(text) == text


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("german", "Mo–Mi 8:00 Uhr", {"Montag", "Dienstag", "Mittwoch"}),
        ("german", "Montag bis Mittwoch", {"Dienstag"}),
        ("german", "31.12.2026", {"Dezember"}),
        ("french", "lun.–mer.", {"lundi", "mardi", "mercredi"}),
        ("hindi", "शनि–सोम", {"शनिवार", "रविवार", "सोमवार"}),
        ("turkish", "Mon–Fri", set()),
    ],
)
def test_days_that_are_meant_are_found(language, text, found):
    assert set(profile(language).said.days(text)) == found


def test_the_page_shows_what_is_said():
    table = rows(read("docs/languages.md"), "Written and said")
    shown = [[in_code(cell)[0] for cell in row[:3]] for row in table if len(row) == 4]
    assert len(shown) >= 3 * len(SIGNS)
    for language, written, said in shown:
        assert profile(language.lower()).said.say(written) == said
