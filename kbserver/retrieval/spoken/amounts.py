"""Prices, quantities with their units, ranges and fractions in the form a person says. Numbers stay digits."""

from __future__ import annotations

import re

_CURRENCIES = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_CODES = {
    "USD": "US$", "CAD": "C$", "AUD": "A$", "NZD": "NZ$", "GBP": "£", "EUR": "€", "INR": "₹", "JPY": "¥",
}  # fmt: skip
_COUNTRIES = {
    "US": "US ", "USD": "US ", "C": "Canadian ", "CA": "Canadian ", "CAD": "Canadian ", "A": "Australian ",
    "AU": "Australian ", "AUD": "Australian ", "NZ": "New Zealand ", "NZD": "New Zealand ", "HK": "Hong Kong ",
}  # fmt: skip
_MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
}
_PERIODS = {
    "month": "month", "mo": "month", "mth": "month", "year": "year", "yr": "year", "week": "week", "wk": "week",
    "day": "day", "hour": "hour", "hr": "hour", "h": "hour", "minute": "minute", "min": "minute", "night": "night",
    "second": "second", "sec": "second",
}  # fmt: skip
_SUFFIXES = {
    "pcm": "month",
    "pm": "month",
    "pw": "week",
    "pa": "year",
    "pp": "person",
    "pppn": "person per night",
}
_EACH = {
    "GB": "gigabyte", "MB": "megabyte", "kWh": "kilowatt hour", "km": "kilometre", "kg": "kilogram",
} | {word: word for word in (
    "adult", "agent", "bag", "call", "child", "customer", "device", "employee", "guest", "head", "household", "item",
    "kilometre", "licence", "license", "line", "member", "message", "mile", "order", "page", "passenger", "person",
    "property", "room", "seat", "shift", "text", "ticket", "transaction", "trip", "unit", "user", "visit",
)}  # fmt: skip
_UNITS = {
    "KB": "kilobyte", "kB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte", "PB": "petabyte",
    "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte", "TiB": "tebibyte", "Gb": "gigabit", "Mb": "megabit",
    "kbps": "kilobit per second", "Kbps": "kilobit per second", "Mbps": "megabit per second",
    "Gbps": "gigabit per second", "kbit/s": "kilobit per second", "Mbit/s": "megabit per second",
    "Gbit/s": "gigabit per second", "Mb/s": "megabit per second", "Gb/s": "gigabit per second",
    "kB/s": "kilobyte per second", "KB/s": "kilobyte per second", "MB/s": "megabyte per second",
    "GB/s": "gigabyte per second", "%": "percent", "MBps": "megabyte per second", "fps": "frame per second",
    "Hz": "hertz", "kHz": "kilohertz", "KHz": "kilohertz", "MHz": "megahertz", "GHz": "gigahertz",
    "mm": "millimetre", "cm": "centimetre", "km": "kilometre", "m²": "square metre", "km²": "square kilometre",
    "cm²": "square centimetre", "m³": "cubic metre", "cm³": "cubic centimetre", "sq m": "square metre",
    "sqm": "square metre", "sq ft": "square foot", "sq ft.": "square foot", "ft²": "square foot", "ft": "foot",
    "yd": "yard", "mi": "mile", "km/h": "kilometre per hour", "kph": "kilometre per hour", "mph": "mile per hour",
    "m/s": "metre per second", "kg": "kilogram", "mg": "milligram", "mcg": "microgram", "µg": "microgram",
    "μg": "microgram", "g": "gram", "lb": "pound", "lbs": "pound", "oz": "ounce", "ml": "millilitre",
    "mL": "millilitre", "cl": "centilitre", "dl": "decilitre", "°C": "degree Celsius", "ºC": "degree Celsius",
    "℃": "degree Celsius", "°F": "degree Fahrenheit", "ºF": "degree Fahrenheit", "℉": "degree Fahrenheit",
    "°": "degree", "kW": "kilowatt", "kWh": "kilowatt hour", "MWh": "megawatt hour", "Wh": "watt hour", "W": "watt",
    "V": "volt", "kV": "kilovolt", "mV": "millivolt", "mA": "milliamp", "mAh": "milliamp hour", "dB": "decibel",
    "kcal": "kilocalorie", "MP": "megapixel", "px": "pixel", "ms": "millisecond", "sec": "second", "secs": "second",
    "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "wk": "week", "wks": "week",
    "mth": "month", "mths": "month", "mos": "month", "yr": "year", "yrs": "year",
}  # fmt: skip
_PLURALS = {unit: unit for unit in ("percent", "hertz", "kilohertz", "megahertz", "gigahertz")} | {
    "foot": "feet", "square foot": "square feet", "degree Celsius": "degrees Celsius",
    "degree Fahrenheit": "degrees Fahrenheit",
}  # fmt: skip
_NO_PRICE_AFTER = (
    ".",
    "$",
    "£",
    "€",
    "₹",
    "¥",
    "_",
    "=",
    "\\",
)  # what then follows is code

_FRACTIONS = {
    "½": "half", "¼": "quarter", "⅓": "third", "⅛": "eighth", "¾": "three quarters", "⅔": "two thirds",
    "⅜": "three eighths", "⅝": "five eighths", "⅞": "seven eighths",
}  # fmt: skip
_WRITTEN_FRACTIONS = {"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔"}

# Patterns begin with a character class for speed (see `telephone`) and never go back into a number.
_REST = r"(?:[0-9]{0,2}(?:,[0-9]{3})++|[0-9]*+)(?:\.[0-9]++)?+"
_NUMBER = rf"[0-9]{_REST}"
_START = rf"[0-9](?<![\w.,:$£€₹¥–—-][0-9])(?<![$£€₹¥][ ][0-9])(?<!24/7){_REST}"
_DASH = r"[ ]?[-–—][ ]?"
_SIGNED = r"(?:\$|£|€|₹|¥|US\$|CA?\$|AU?\$|NZ\$|HK\$)"

_DIGIT = re.compile(r"[0-9½¼¾⅓⅔⅛⅜⅝⅞]")
_SIGN = re.compile(r"[$£€₹¥¢]")
_AN = re.compile(r"\b[Aa]n? $")
_NOUN_FOLLOWS = re.compile(r" [a-z]|-[a-z]")

_MINUS = re.compile(
    rf"[-−](?<![^\s(].)(?<![0-9] .)(?:(?=[$£€][0-9]|{_NUMBER} ?(?:%|°|º|℃|℉|dB))|(?<=−)(?=[0-9]))"
)
_COMMA_CENTS = re.compile(
    r"(€ ?[0-9]+|[0-9](?<![\w.,].)[0-9]*+(?=,[0-9]+ ?€)),([0-9]{2})(?![0-9]|,[0-9])"
)
_SIGN_BEHIND = re.compile(rf"({_START}) ?€(?! ?[0-9])")
_CODE = re.compile("|".join(_CODES))
_CODE_BEFORE = re.compile(
    rf"({'|'.join(_CODES)})(?<!\w{{4}}) ?({_NUMBER})"
    r"(?!\w|[.,:/-][0-9]| [0-9]{3}(?![0-9])| ?%| (?:\w+ )?(?:dollars?|pounds?|euros?|cents?|penny|pence|percent|to)\b)"
)
_CODE_BEHIND = re.compile(rf"({_START}) ?({'|'.join(_CODES)})\b")
_PRICE = re.compile(
    rf"""(?P<sign>{_SIGNED})[ ]?(?P<amount>{_NUMBER})(?:{_DASH}[$£€₹¥]?(?P<upper>{_NUMBER}))?
    (?:[ ](?P<word>[Tt]housand|[Mm]illion|[Bb]illion|[Tt]rillion)\b|[ ]?(?P<magnitude>k|K|m|M|bn|b|tn)\b)?
    (?:[ ](?P<code>USD|CAD|AUD|NZD)\b)?
    (?P<each>(?:[ ]?/[ ]?[A-Za-z]{{1,11}}\b)+)?(?:[ ]?(?P<suffix>{"|".join(_SUFFIXES)})\b)?
    (?!\w|[%\}}]|[-–.,:/][0-9]|[ ][0-9]{{3}}(?![0-9])|/\w|[ ](?:dollar|pound|euro|cent)s?\b)""",
    re.VERBOSE,
)
_PENCE = re.compile(r"[0-9](?<![\w.,:$£€/-].)(?:[0-9]?p(?![\w-])|[0-9]*+ ?¢)")

_QUANTITY = re.compile(
    rf"""(?P<amount>{_START})(?:(?P<dash>{_DASH})(?P<upper>{_NUMBER}))?
    (?:(?P<gap>[ -]?)(?P<unit>%|sq\.?[ ](?:m\b|ft\b\.?)|[°º](?:[ ]?[CF]\b)?|℃|℉|[A-Za-zµμ]{{1,5}}+(?:[²³]|/[sh]\b)?)
    (?:/(?P<period>[a-z]+)\b)?(?![\w²³°%]|[/-][A-Za-z])(?:\.(?=[ ][a-z]))?|(?!\w|[-–—.,:/][0-9]))""",
    re.VERBOSE,
)
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_COUNTED = re.compile(
    r" (?:business |working |calendar )?(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|people|persons"
    r"|guests|adults|children|items|pages|times|points|characters|digits|letters|percent"
    r"|January|February|March|April|May|June|July|August|September|October|November|December)\b"
)

_WRITTEN_FRACTION = re.compile(
    r"[123](?<![\w./,:-].)/[234](?= (?:of|an?|the|price|hours?|days?|years?|miles?|inch|inches|cups?|pints?|teaspoons?"
    r"|tablespoons?|litres?|liters?|pounds?|ounces?|full)\b)"
)
_FRACTION = re.compile(rf"(?:(?<![\w.,])([0-9]+) ?)?([{''.join(_FRACTIONS)}])(?!\w)")
_VULGAR = re.compile(f"[{''.join(_FRACTIONS)}]")
_DIMENSIONS = re.compile(
    r"([1-9](?<![\w.,/$£€-].)[0-9]*+(?:\.[0-9]+)?)((?:(?: ?x ?|×)[1-9][0-9]*+(?:\.[0-9]+)?)+)(?!\d|[.,:/-][0-9])"
)
_BY = re.compile(r" ?[x×] ?")
_TIMES = re.compile(
    r"([0-9](?<![\w.,/$£€-].)[0-9]*+(?:\.[0-9]+)?)[x×](?= (?:faster|slower|more|less|larger|bigger|smaller|longer|cheaper"
    r"|higher|lower|better|as|the|a|an|per|daily|weekly|monthly)\b|[,;!?)]|\.(?![0-9])|$)"
)


def amounts_said(text: str) -> str:
    """Return English text with amounts as they are said: `£30/month` → `30 pounds a month`, `10–15 GB`, `½`.

    What could be something else (`$1.299`, `5m`, `5g`, `1/2`) stays as it is.
    """
    if not _DIGIT.search(text):
        return text
    if "/" in text:
        text = _WRITTEN_FRACTION.sub(lambda part: _WRITTEN_FRACTIONS[part[0]], text)
    if not text.isascii() and _VULGAR.search(text):
        text = _FRACTION.sub(_fraction, text)
    text = _MINUS.sub("minus ", text)
    if "x" in text or "×" in text:
        text = _TIMES.sub(
            r"\1 times",
            _DIMENSIONS.sub(lambda size: size[1] + _BY.sub(" by ", size[2]), text),
        )
    if _CODE.search(text):
        text = _CODE_BEHIND.sub(_code_behind, _CODE_BEFORE.sub(_code_before, text))
    if _SIGN.search(text):
        if "€" in text:
            text = _SIGN_BEHIND.sub(r"€\1", _COMMA_CENTS.sub(r"\1.\2", text))
        text = _PRICE.sub(_price, text)
    return _QUANTITY.sub(_quantity, _PENCE.sub(_pence, text))


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _from_to(lower: str, upper: str | None) -> str:
    return f"{lower} to {upper}" if upper else lower


def _fraction(match: re.Match[str]) -> str:
    name = _FRACTIONS[match[2]]
    if match[1]:
        return f"{match[1]} and {name if ' ' in name else 'an ' + name if name[0] == 'e' else 'a ' + name}"
    return name if " " in name else f"one {name}"


def _code_before(price: re.Match[str]) -> str:
    return f"{_CODES[price[1]]}{price[2]}"


def _code_behind(price: re.Match[str]) -> str:
    return f"{_CODES[price[2]]}{price[1]}"


def _pence(price: re.Match[str]) -> str:
    singular, plural = ("penny", "pence") if price[0][-1] == "p" else ("cent", "cents")
    number = price[0].rstrip("p¢ ")
    return f"{number} {singular if number == '1' else plural}"


def _before_noun(amount: re.Match[str]) -> bool:
    """Whether the amount stands between an article and a noun, as in `a 30 pound fee`."""
    text, start = amount.string, amount.start()
    return bool(
        _AN.search(text[max(0, start - 4) : start])
        and _NOUN_FOLLOWS.match(text, amount.end())
    )


def _price(price: re.Match[str]) -> str:
    amount, upper, magnitude = (
        price["amount"],
        price["upper"],
        price["word"] or price["magnitude"],
    )
    start, cents = price.start(), amount.partition(".")[2]
    each = _each(price["each"], price["suffix"])
    before = price.string[max(0, start - 2) : start]
    if (
        each is None
        or before[-1:].isalnum()
        or before[-1:] in _NO_PRICE_AFTER
        or before == "= "
    ):
        return price[0]
    if len(cents) > 2 and not (amount[0] == "0" or magnitude):
        return price[0]  # €1.299 may be a thousand and more
    if upper and not (_value(amount) < _value(upper) or magnitude):
        return price[0]
    adjective = _before_noun(price)
    one, many, cent, plural_cents = _CURRENCIES[price["sign"][-1]]
    country = _COUNTRIES.get(price["code"] or price["sign"][:-1], "")
    if magnitude:
        number = f"{_from_to(amount, upper)} {_MAGNITUDES.get(magnitude.lower(), magnitude.lower())}"
    elif upper:
        number = _from_to(amount, upper)
    elif len(cents) == 2:
        return (
            _with_cents(amount, country, adjective, (one, many, cent, plural_cents))
            + each
        )
    else:
        number = amount
    return f"{number} {country}{one if number == '1' or adjective else many}{each}"


def _with_cents(
    amount: str, country: str, adjective: bool, names: tuple[str, str, str, str]
) -> str:
    """`45 dollars and 50 cents`; before a noun `45 dollar and 50 cent`."""
    one, many, cent, cents = names
    whole, _, rest = amount.partition(".")
    major = f"{whole} {country}{one if whole == '1' or adjective else many}"
    minor = f"{int(rest)} {cent if rest == '01' or (adjective and cent == 'cent') else cents}"
    return major if rest == "00" else minor if whole == "0" else f"{major} and {minor}"


def _each(each: str | None, suffix: str | None) -> str | None:
    """` a month`, ` per user`, ` per user per month`; "" if nothing is written, None if it is no known word."""
    words = [word.strip() for word in (each or "").split("/")[1:]]
    said = [_PERIODS.get(word) or _EACH.get(word) for word in words] + (
        [_SUFFIXES[suffix]] if suffix else []
    )
    if len(said) == 1 and said[0] in _PERIODS:
        return f" {_a(said[0])}"
    return None if None in said else "".join(f" per {word}" for word in said)


def _a(period: str) -> str:
    return f"an {period}" if period == "hour" else f"a {period}"


def _quantity(quantity: re.Match[str]) -> str:
    amount, _, upper, gap, unit, period = quantity.groups()
    name = _UNITS.get((unit or "").replace("° ", "°").replace("sq.", "sq"))
    if not name or (period and period not in _PERIODS):
        return _range(quantity) if upper else quantity[0]
    if unit in ("g", "W", "V") and (unit == "g") == (not gap) and _value(amount) < 10:
        return quantity[
            0
        ]  # 5g is a network more often than a weight, 5 W 42nd St an address
    if upper and _value(amount) >= _value(upper):
        return quantity[0]
    one = (amount == "1" and not upper) or gap == "-" or _before_noun(quantity)
    each = f" {_a(_PERIODS[period])}" if period else ""
    return f"{_from_to(amount, upper)} {name if one else _plural(name)}{each}"


def _range(numbers: re.Match[str]) -> str:
    """Only a range that rises: 3–1 is a score, 2019–24 a season. A hyphen needs to be between years or count things."""
    lower, dash, upper = numbers["amount"], numbers["dash"], numbers["upper"]
    end = numbers.end("upper")
    sure = (
        dash in "–—"
        or (_YEAR.fullmatch(lower) and _YEAR.fullmatch(upper))
        or _COUNTED.match(numbers.string, end)
    )
    if not sure or _value(lower) >= _value(upper):
        return numbers[0]
    return _from_to(lower, upper) + numbers.string[end : numbers.end()]


def _plural(unit: str) -> str:
    head, per, tail = unit.partition(" per ")
    return _PLURALS.get(head) or f"{head}s{per}{tail}"
