"""How Spanish signs are said: names by CLDR, abbreviations by the RAE."""

from __future__ import annotations

from kbserver.languages.signs import Name, Signs, said_by
from kbserver.types import Cells


def _regular(name: str) -> Name:
    return Name(name, f"{name}s")


UNITS = {
    "%": Name("por ciento", "por ciento"),
    "kWh": Name("kilovatio hora", "kilovatios hora"),
    "kW": _regular("kilovatio"),
    "MW": _regular("megavatio"),
    "W": _regular("vatio"),
    "kB": _regular("kilobyte"),
    "MB": _regular("megabyte"),
    "GB": _regular("gigabyte"),
    "TB": _regular("terabyte"),
    "kbit": _regular("kilobit"),
    "Mbit": _regular("megabit"),
    "Mb": _regular("megabit"),
    "Gbit": _regular("gigabit"),
    "Gb": _regular("gigabit"),
    "MHz": _regular("megahercio"),
    "GHz": _regular("gigahercio"),
    "km": _regular("kilómetro"),
    "m": _regular("metro"),
    "cm": _regular("centímetro"),
    "mm": _regular("milímetro"),
    "m²": Name("metro cuadrado", "metros cuadrados"),
    "km²": Name("kilómetro cuadrado", "kilómetros cuadrados"),
    "m³": Name("metro cúbico", "metros cúbicos"),
    "kg": _regular("kilogramo"),
    "g": _regular("gramo"),
    "mg": _regular("miligramo"),
    "l": _regular("litro"),
    "ml": _regular("mililitro"),
    "°C": Name("grado Celsius", "grados Celsius"),
    "h": _regular("hora"),
    "min": _regular("minuto"),
    "s": _regular("segundo"),
}
CURRENCIES = {
    "€": _regular("euro"),
    "EUR": _regular("euro"),
    "cts": _regular("céntimo"),
    "$": Name("dólar", "dólares"),
    "USD": Name("dólar estadounidense", "dólares estadounidenses"),
    "£": Name("libra", "libras"),
    "GBP": Name("libra esterlina", "libras esterlinas"),
    "CHF": Name("franco suizo", "francos suizos"),
    "₹": _regular("rupia"),
}
SIGNS = Signs(
    units=UNITS,
    currencies=CURRENCIES,
    per="por",
    to="a",
    ampersand="y",
    months=tuple(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
        "diciembre".split()
    ),
    weekdays=tuple("lunes martes miércoles jueves viernes sábado domingo".split()),
    short_months={
        "ene": 1,
        "feb": 2,
        "abr": 4,
        "ago": 8,
        "sept": 9,
        "sep": 9,
        "oct": 10,
        "nov": 11,
        "dic": 12,
    },
    short_weekdays={
        "lun": 0,
        "mar": 1,
        "mié": 2,
        "jue": 3,
        "vie": 4,
        "sáb": 5,
        "dom": 6,
    },
    date="{day} de {month} de {year}",
    day_is_first=False,
    singular="1",
    magnitudes={"millón": "de ", "millones": "de ", "mil": ""},
    oclock="h(?:oras?)?",
    abbreviations={
        "p. ej.": "por ejemplo",
        "aprox.": "aproximadamente",
        "EE. UU.": "Estados Unidos",
        "Uds.": "ustedes",
        "Ud.": "usted",
        "Sra.": "señora",
        "Sr.": "señor",
    },
    before_a_number={
        "n.º": "número",
        "núm.": "número",
        "pág.": "página",
        "tel.": "teléfono",
        "máx.": "máximo",
        "mín.": "mínimo",
    },
    closing=frozenset({"aprox.", "EE. UU.", "Uds.", "Ud."}),
)
CELLS = Cells(
    yes="sí",
    no="no",
    not_answered="sin respuesta",
    months=SIGNS.months,
    weekdays=SIGNS.weekdays,
    day_of_month="{day} de {month}",
    of_year="{month} de {year}",
    decimal=",",
    group=".",
    hours="{days} {opens} a {closes}",
    closed="{days} cerrado",
    joint=" y ",
    facts={
        "telephone": "Teléfono",
        "email": "Correo electrónico",
        "checkinTime": "Hora de entrada",
        "checkoutTime": "Hora de salida",
        "openingHours": "Horario",
        "openingHoursSpecification": "Horario",
        "specialOpeningHoursSpecification": "Horario especial",
        "petsAllowed": "Se admiten mascotas",
        "smokingAllowed": "Se permite fumar",
        "numberOfRooms": "Número de habitaciones",
        "currenciesAccepted": "Monedas aceptadas",
        "paymentAccepted": "Formas de pago",
        "areaServed": "Zona",
        "servesCuisine": "Cocina",
        "acceptsReservations": "Acepta reservas",
        "address": "Dirección",
        "startDate": "Comienzo",
        "endDate": "Fin",
        "doorTime": "Apertura de puertas",
    },
)
SAID = said_by(SIGNS)
