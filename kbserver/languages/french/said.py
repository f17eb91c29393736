"""How French signs are said: names by CLDR, abbreviations by the Imprimerie nationale."""

from __future__ import annotations

from kbserver.languages.signs import Name, Signs, said_by
from kbserver.types import Cells


def _regular(name: str) -> Name:
    return Name(name, f"{name}s")


UNITS = {
    "%": Name("pour cent", "pour cent"),
    "kWh": Name("kilowatt-heure", "kilowatt-heures"),
    "kW": _regular("kilowatt"),
    "MW": _regular("mégawatt"),
    "W": _regular("watt"),
    "ko": _regular("kilooctet"),
    "Mo": _regular("mégaoctet"),
    "MB": _regular("mégaoctet"),
    "Go": _regular("gigaoctet"),
    "GB": _regular("gigaoctet"),
    "To": _regular("téraoctet"),
    "TB": _regular("téraoctet"),
    "kbit": _regular("kilobit"),
    "Mbit": _regular("mégabit"),
    "Mb": _regular("mégabit"),
    "Gbit": _regular("gigabit"),
    "Gb": _regular("gigabit"),
    "MHz": Name("mégahertz", "mégahertz"),
    "GHz": Name("gigahertz", "gigahertz"),
    "km": _regular("kilomètre"),
    "m": _regular("mètre"),
    "cm": _regular("centimètre"),
    "mm": _regular("millimètre"),
    "m²": Name("mètre carré", "mètres carrés"),
    "km²": Name("kilomètre carré", "kilomètres carrés"),
    "m³": Name("mètre cube", "mètres cubes"),
    "kg": _regular("kilogramme"),
    "g": _regular("gramme"),
    "mg": _regular("milligramme"),
    "l": _regular("litre"),
    "ml": _regular("millilitre"),
    "°C": Name("degré Celsius", "degrés Celsius"),
    "h": _regular("heure"),
    "min": _regular("minute"),
    "s": _regular("seconde"),
}
CURRENCIES = {
    "€": _regular("euro"),
    "EUR": _regular("euro"),
    "ct": _regular("centime"),
    "$": _regular("dollar"),
    "USD": Name("dollar des États-Unis", "dollars des États-Unis"),
    "£": Name("livre sterling", "livres sterling"),
    "GBP": Name("livre sterling", "livres sterling"),
    "CHF": Name("franc suisse", "francs suisses"),
    "₹": _regular("roupie"),
}
SIGNS = Signs(
    units=UNITS,
    currencies=CURRENCIES,
    per="par",
    to="à",
    ampersand="et",
    months=tuple(
        "janvier février mars avril mai juin juillet août septembre octobre novembre "
        "décembre".split()
    ),
    weekdays=tuple("lundi mardi mercredi jeudi vendredi samedi dimanche".split()),
    short_months={
        "janv": 1,
        "févr": 2,
        "avr": 4,
        "juil": 7,
        "sept": 9,
        "oct": 10,
        "nov": 11,
        "déc": 12,
    },
    short_weekdays={
        "lun": 0,
        "mar": 1,
        "mer": 2,
        "jeu": 3,
        "ven": 4,
        "sam": 5,
        "dim": 6,
    },
    date="{day} {month} {year}",
    first="1er",
    singular=r"[01](?:,[0-9]+)?",
    oclock="h(?:eures?| ?[0-5][0-9])?",
    hour_minute="{hour} {name} {minute}",
    abbreviations={
        "p. ex.": "par exemple",
        "c.-à-d.": "c’est-à-dire",
        "env.": "environ",
        "Mme": "Madame",
    },
    before_a_number={
        "n°": "numéro",
        "tél.": "téléphone",
        "max.": "maximum",
        "min.": "minimum",
    },
)
CELLS = Cells(
    yes="oui",
    no="non",
    not_answered="sans réponse",
    months=SIGNS.months,
    weekdays=SIGNS.weekdays,
    day_of_month="{day} {month}",
    decimal=",",
    group=" ",
    hours="{days} {opens} à {closes}",
    closed="{days} fermé",
    joint=" et ",
    facts={
        "telephone": "Téléphone",
        "email": "E-mail",
        "checkinTime": "Arrivée",
        "checkoutTime": "Départ",
        "openingHours": "Horaires d’ouverture",
        "openingHoursSpecification": "Horaires d’ouverture",
        "specialOpeningHoursSpecification": "Horaires exceptionnels",
        "petsAllowed": "Animaux acceptés",
        "smokingAllowed": "Fumeurs acceptés",
        "numberOfRooms": "Nombre de chambres",
        "currenciesAccepted": "Devises acceptées",
        "paymentAccepted": "Moyens de paiement",
        "areaServed": "Zone desservie",
        "servesCuisine": "Cuisine",
        "acceptsReservations": "Réservation possible",
        "address": "Adresse",
        "startDate": "Début",
        "endDate": "Fin",
        "doorTime": "Ouverture des portes",
    },
)
SAID = said_by(SIGNS)
