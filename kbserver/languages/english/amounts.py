"""Prices, quantities with their units, ranges and fractions as they are said.

Numbers stay digits.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class _Currency(NamedTuple):
    singular: str
    plural: str
    cent: str
    cents: str


_CURRENCIES = {
    "$": _Currency("dollar", "dollars", "cent", "cents"),
    "£": _Currency("pound", "pounds", "penny", "pence"),
    "€": _Currency("euro", "euros", "cent", "cents"),
    "₹": _Currency("rupee", "rupees", "paisa", "paise"),
    "¥": _Currency("yen", "yen", "sen", "sen"),
}
_CODES = {
    "USD": "US$",
    "CAD": "C$",
    "AUD": "A$",
    "NZD": "NZ$",
    "GBP": "£",
    "EUR": "€",
    "INR": "₹",
    "JPY": "¥",
}
_COUNTRIES = {
    "US": "US ",
    "USD": "US ",
    "C": "Canadian ",
    "CA": "Canadian ",
    "CAD": "Canadian ",
    "A": "Australian ",
    "AU": "Australian ",
    "AUD": "Australian ",
    "NZ": "New Zealand ",
    "NZD": "New Zealand ",
    "HK": "Hong Kong ",
}
_MAGNITUDES = {
    "k": "thousand",
    "m": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
}
_PERIODS = {
    "month": "month",
    "mo": "month",
    "mth": "month",
    "year": "year",
    "yr": "year",
    "week": "week",
    "wk": "week",
    "day": "day",
    "hour": "hour",
    "hr": "hour",
    "h": "hour",
    "minute": "minute",
    "min": "minute",
    "night": "night",
    "second": "second",
    "sec": "second",
}
_AN_BEFORE = ("hour", "eighth")
_SUFFIXES = {
    "pcm": "month",
    "pm": "month",
    "pw": "week",
    "pa": "year",
    "pp": "person",
    "pppn": "person per night",
}
_COUNTED_FOR = """
    adult agent bag call child customer device employee guest head
    household item kilometre licence license line member message
    mile order page passenger person property room seat shift text
    ticket transaction trip unit user visit
""".split()
_EACH = {
    "GB": "gigabyte",
    "MB": "megabyte",
    "kWh": "kilowatt hour",
    "km": "kilometre",
    "kg": "kilogram",
} | {word: word for word in _COUNTED_FOR}
_UNITS = {
    "KB": "kilobyte",
    "kB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "PB": "petabyte",
    "KiB": "kibibyte",
    "MiB": "mebibyte",
    "GiB": "gibibyte",
    "TiB": "tebibyte",
    "Gb": "gigabit",
    "Mb": "megabit",
    "kbps": "kilobit per second",
    "Kbps": "kilobit per second",
    "Mbps": "megabit per second",
    "Gbps": "gigabit per second",
    "kbit/s": "kilobit per second",
    "Mbit/s": "megabit per second",
    "Gbit/s": "gigabit per second",
    "Mb/s": "megabit per second",
    "Gb/s": "gigabit per second",
    "kB/s": "kilobyte per second",
    "KB/s": "kilobyte per second",
    "MB/s": "megabyte per second",
    "GB/s": "gigabyte per second",
    "%": "percent",
    "MBps": "megabyte per second",
    "fps": "frame per second",
    "Hz": "hertz",
    "kHz": "kilohertz",
    "KHz": "kilohertz",
    "MHz": "megahertz",
    "GHz": "gigahertz",
    "mm": "millimetre",
    "cm": "centimetre",
    "km": "kilometre",
    "m²": "square metre",
    "km²": "square kilometre",
    "cm²": "square centimetre",
    "m³": "cubic metre",
    "cm³": "cubic centimetre",
    "sq m": "square metre",
    "sqm": "square metre",
    "sq ft": "square foot",
    "sq ft.": "square foot",
    "ft²": "square foot",
    "ft": "foot",
    "yd": "yard",
    "mi": "mile",
    "km/h": "kilometre per hour",
    "kph": "kilometre per hour",
    "mph": "mile per hour",
    "m/s": "metre per second",
    "kg": "kilogram",
    "mg": "milligram",
    "mcg": "microgram",
    "µg": "microgram",
    "μg": "microgram",
    "g": "gram",
    "lb": "pound",
    "lbs": "pound",
    "oz": "ounce",
    "ml": "millilitre",
    "mL": "millilitre",
    "cl": "centilitre",
    "dl": "decilitre",
    "°C": "degree Celsius",
    "ºC": "degree Celsius",
    "℃": "degree Celsius",
    "°F": "degree Fahrenheit",
    "ºF": "degree Fahrenheit",
    "℉": "degree Fahrenheit",
    "°": "degree",
    "kW": "kilowatt",
    "kWh": "kilowatt hour",
    "MWh": "megawatt hour",
    "Wh": "watt hour",
    "W": "watt",
    "V": "volt",
    "kV": "kilovolt",
    "mV": "millivolt",
    "mA": "milliamp",
    "mAh": "milliamp hour",
    "dB": "decibel",
    "kcal": "kilocalorie",
    "MP": "megapixel",
    "px": "pixel",
    "ms": "millisecond",
    "sec": "second",
    "secs": "second",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "wk": "week",
    "wks": "week",
    "mth": "month",
    "mths": "month",
    "mos": "month",
    "yr": "year",
    "yrs": "year",
}
_PLURALS = {
    "percent": "percent",
    "hertz": "hertz",
    "kilohertz": "kilohertz",
    "megahertz": "megahertz",
    "gigahertz": "gigahertz",
    "foot": "feet",
    "square foot": "square feet",
    "degree Celsius": "degrees Celsius",
    "degree Fahrenheit": "degrees Fahrenheit",
}
_NO_PRICE_AFTER = tuple(".$£€₹¥_=\\")  # what then follows is code

_FRACTIONS = {
    "½": "half",
    "¼": "quarter",
    "⅓": "third",
    "⅛": "eighth",
    "¾": "three quarters",
    "⅔": "two thirds",
    "⅜": "three eighths",
    "⅝": "five eighths",
    "⅞": "seven eighths",
}
_WRITTEN_FRACTIONS = {"1/2": "½", "1/4": "¼", "3/4": "¾", "1/3": "⅓", "2/3": "⅔"}

# Patterns begin with a character class for speed (see `phone_numbers`) and never go back into a
# number.
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
    r"[-−](?<![^\s(].)(?<![0-9] .)"
    rf"(?:(?=[$£€][0-9]|{_NUMBER} ?(?:%|°|º|℃|℉|dB))|(?<=−)(?=[0-9]))"
)
_COMMA_CENTS = re.compile(
    r"(€ ?[0-9]+|[0-9](?<![\w.,].)[0-9]*+(?=,[0-9]+ ?€)),([0-9]{2})(?![0-9]|,[0-9])"
)
_SIGN_BEHIND = re.compile(rf"({_START}) ?€(?! ?[0-9])")
_CODE = re.compile("|".join(_CODES))
_CODE_BEFORE = re.compile(
    rf"({'|'.join(_CODES)})(?<!\w{{4}}) ?({_NUMBER})"
    r"(?!\w|[.,:/-][0-9]| [0-9]{3}(?![0-9])| ?%"
    r"| (?:\w+ )?(?:dollars?|pounds?|euros?|cents?|penny|pence|percent|to)\b)"
)
_CODE_BEHIND = re.compile(rf"({_START}) ?({'|'.join(_CODES)})\b")
_PRICE = re.compile(
    rf"""(?P<sign>{_SIGNED})[ ]?
    (?P<amount>{_NUMBER})
    (?:{_DASH}[$£€₹¥]?(?P<upper>{_NUMBER}))?
    (?:[ ](?P<word>[Tt]housand|[Mm]illion|[Bb]illion|[Tt]rillion)\b
      |[ ]?(?P<magnitude>k|K|m|M|bn|b|tn)\b)?
    (?:[ ](?P<code>USD|CAD|AUD|NZD)\b)?
    (?P<each>(?:[ ]?/[ ]?[A-Za-z]{{1,11}}\b)+)?
    (?:[ ]?(?P<suffix>{"|".join(_SUFFIXES)})\b)?
    (?!\w|[%\}}]|[-–.,:/][0-9]|[ ][0-9]{{3}}(?![0-9])|/\w
      |[ ](?:dollar|pound|euro|cent)s?\b)""",
    re.VERBOSE,
)
_PENCE = re.compile(r"[0-9](?<![\w.,:$£€/-].)(?:[0-9]?p(?![\w-])|[0-9]*+ ?¢)")

_QUANTITY = re.compile(
    rf"""(?P<amount>{_START})
    (?:(?P<dash>{_DASH})(?P<upper>{_NUMBER}))?
    (?:(?P<gap>[ -]?)
       (?P<unit>%
         |sq\.?[ ](?:m\b|ft\b\.?)
         |[°º](?:[ ]?[CF]\b)?|℃|℉
         |[A-Za-zµμ]{{1,5}}+(?:[²³]|/[sh]\b)?)
       (?:/(?P<period>[a-z]+)\b)?
       (?![\w²³°%]|[/-][A-Za-z0-9])
       (?:\.(?=[ ][a-z]))?
      |(?!\w|[-–—.,:/][0-9]))""",
    re.VERBOSE,
)
_ALSO_NAMES = ("W", "V", "g", "h")
_NAME_FOLLOWS = re.compile(r"\.? (?:[A-Z][a-z]|[0-9]+(?:st|nd|rd|th)\b)")
_NAMING = re.compile(
    r"\b(?:size|seat|row|room|gate|bus|line"
    r"|route|platform|model|type|unit|apt\.?"
    r"|suite|flat|block|zone|class|section"
    r"|exit|bay|lane|number|no\.|level|floor"
    r"|part|filter|kit|ward|grade|step|series|box|stop|track|door|house) $",
    re.IGNORECASE,
)
_LONGEST_NAMING = 12  # characters that `_NAMING` may match
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_COUNTED = re.compile(
    r" (?:business |working |calendar )?"
    r"(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?"
    r"|people|persons|guests|adults|children|items|pages|times|points"
    r"|characters|digits|letters|percent"
    r"|January|February|March|April|May|June"
    r"|July|August|September|October|November|December)\b"
)

_WRITTEN_FRACTION = re.compile(
    r"[123](?<![\w./,:-].)/[234]"
    r"(?= (?:of|an?|the|price|hours?|days?|years?|miles?|inch|inches|cups?"
    r"|pints?|teaspoons?|tablespoons?|litres?|liters?|pounds?|ounces?|full)\b)"
)
_FRACTION = re.compile(rf"(?:(?<![\w.,])([0-9]+) ?)?([{''.join(_FRACTIONS)}])(?!\w)")
_VULGAR = re.compile(f"[{''.join(_FRACTIONS)}]")
_DIMENSIONS = re.compile(
    r"([1-9](?<![\w.,/$£€-].)(?<![0-9] .)[0-9]*+(?:\.[0-9]+)?)"
    r"((?:(?: [x×] |[x×])[1-9][0-9]*+(?:\.[0-9]+)?)+)"
    r"(?!\d|[.,:/-][0-9])"
)
_UNIT_BEHIND = re.compile(r" ?([A-Za-zµμ]{1,10})\b")
_LENGTHS = ("mm", "cm", "km", "ft", "yd", "px")
_COUNTED_BY_TIMES = """
    seconds minutes hours days weeks months tablets pills capsules
    sachets drops bottles cans packs people persons sets reps
""".split()
_BY = re.compile(r" ?[x×] ?")
_TIMES = re.compile(
    r"([0-9](?<![\w.,/$£€-].)[0-9]*+(?:\.[0-9]+)?)[x×]"
    r"(?= (?:faster|slower|more|less|larger|bigger|smaller|longer|cheaper"
    r"|higher|lower|better|as|the|a|an|per|daily|weekly|monthly)\b"
    r"|[,;!?)]|\.(?![0-9])|$)"
)


_OTHER_GROUPS = re.compile(
    r"[0-9](?<![\w.,'’:/-][0-9])[0-9]{0,2}+"
    r"(?:(?:\.[0-9]{3})++(?=,[0-9]{2}(?![\w.,]*[0-9]))"
    r"|(?:[ \u00a0\u202f][0-9]{3})++(?=,[0-9]{2}(?![\w.,]*[0-9]))"
    r"|(?:['’][0-9]{3})++(?=(?:[.,][0-9]{2})?(?![\w.,'’]*[0-9])))"
    r"(?:[.,]([0-9]{2}))?"
)
_GROUP_MARK = re.compile(r"[.'’ \u00a0\u202f]")
_MAYBE_HEADER = re.compile(r": ?[-−]?[0-9]")
_HEADER = re.compile(
    rf"[ _]?\(?(?<=[ (_])(?:in )?(?P<currency>[$£€₹¥]|(?i:{'|'.join(_CODES)}))\)?: ?"
    rf"(?P<price>{_NUMBER})(?P<comma>,[0-9]{{2}})?(?=[,;.]?(?:\s|$))(?! [$€£¥₹])"
    rf"| \((?P<unit>[^()\s]{{1,6}})\): ?(?P<amount>[-−]?{_NUMBER})(?=[,;.]?(?:\s|$))"
)


def verbalise_amounts(text: str) -> str:
    """Return English text with amounts as they are said: `£30/month` → `30 pounds a month`.

    What could be something else (`$1.299`, `5m`, `5g`, `1/2`) stays as it is.
    """
    if not _DIGIT.search(text):
        return text
    text = _OTHER_GROUPS.sub(_with_commas, text)
    if _MAYBE_HEADER.search(text):
        text = _HEADER.sub(_under_header, text)
    if "/" in text:
        text = _WRITTEN_FRACTION.sub(lambda part: _WRITTEN_FRACTIONS[part[0]], text)
    if not text.isascii() and _VULGAR.search(text):
        text = _FRACTION.sub(_fraction, text)
    text = _MINUS.sub("minus ", text)
    if "x" in text or "×" in text:
        text = _DIMENSIONS.sub(_dimensions, text)
        text = _TIMES.sub(r"\1 times", text)
    if _CODE.search(text):
        text = _CODE_BEFORE.sub(_code_before, text)
        text = _CODE_BEHIND.sub(_code_behind, text)
    if _SIGN.search(text):
        if "€" in text:
            text = _COMMA_CENTS.sub(r"\1.\2", text)
            text = _SIGN_BEHIND.sub(r"€\1", text)
        text = _PRICE.sub(_price, text)
    text = _PENCE.sub(_pence, text)
    return _QUANTITY.sub(_quantity, text)


def _with_commas(number: re.Match[str]) -> str:
    """Write `2.310,00`, `2 310,00` and `2'310.00` as `2,310.00`."""
    cents = number[1]
    whole = number[0]
    if cents:
        whole = whole[:-3]
    grouped = _GROUP_MARK.sub(",", whole)
    if cents:
        return f"{grouped}.{cents}"
    return grouped


def _under_header(cell: re.Match[str]) -> str:
    """Take a currency or unit from a column's name to its number: `Price (EUR): 34`."""
    if cell["price"]:
        sign = cell["currency"].upper()
        cents = (cell["comma"] or "").replace(",", ".")
        price = f"{_CODES.get(sign, sign)}{cell['price']}{cents}"
        if cell.string.endswith(tuple(".;,"), 0, cell.start()):
            return f" {price}"  # the column is called by its currency alone
        return f": {price}"
    if cell["unit"] not in _UNITS:
        return cell[0]
    return f": {cell['amount']} {cell['unit']}"


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _from_to(lower: str, upper: str | None) -> str:
    if upper is None:
        return lower
    return f"{lower} to {upper}"


def _fraction(match: re.Match[str]) -> str:
    """Say `½` as `one half`, `2½` as `2 and a half`."""
    whole, sign = match.groups()
    name = _FRACTIONS[sign]
    is_plural = " " in name  # three quarters
    if not is_plural and whole:
        name = _a(name)
    elif not is_plural:
        name = f"one {name}"
    if whole:
        return f"{whole} and {name}"
    return name


def _a(noun: str) -> str:
    if noun in _AN_BEFORE:
        return f"an {noun}"
    return f"a {noun}"


def _dimensions(size: re.Match[str]) -> str:
    """Say `60 x 40 cm` as `60 by 40 cm`, and two doses, `2 x 500 mg`, as `2 times 500 mg`."""
    unit = _UNIT_BEHIND.match(size.string, size.end())
    joint = " by "
    if unit and unit[1] not in _LENGTHS:
        if unit[1] in _UNITS or unit[1] in _COUNTED_BY_TIMES:
            joint = " times "
    return size[1] + _BY.sub(joint, size[2])


def _code_before(price: re.Match[str]) -> str:
    return f"{_CODES[price[1]]}{price[2]}"


def _code_behind(price: re.Match[str]) -> str:
    return f"{_CODES[price[2]]}{price[1]}"


def _pence(price: re.Match[str]) -> str:
    singular, plural = "cent", "cents"
    if price[0].endswith("p"):
        singular, plural = "penny", "pence"
    number = price[0].rstrip("p¢ ")
    if number == "1":
        return f"1 {singular}"
    return f"{number} {plural}"


def _is_adjective(amount: re.Match[str]) -> bool:
    """Tell whether the amount stands between an article and a noun, as in `a 30 pound fee`."""
    text, start, end = amount.string, amount.start(), amount.end()
    before = text[max(0, start - 4) : start]
    return bool(_AN.search(before) and _NOUN_FOLLOWS.match(text, end))


def _price(price: re.Match[str]) -> str:
    amount, upper = price["amount"], price["upper"]
    magnitude = price["word"] or price["magnitude"]
    each = _each(price["each"], price["suffix"])
    if each is None or not _may_be_a_price(price):
        return price[0]
    cents = amount.partition(".")[2]
    if len(cents) > 2 and not amount.startswith("0") and not magnitude:
        return price[0]  # €1.299 may be a thousand and more
    if upper and not magnitude and _value(amount) >= _value(upper):
        return price[0]
    country = _COUNTRIES.get(price["code"] or price["sign"][:-1], "")
    currency = _CURRENCIES[price["sign"][-1]]
    adjective = _is_adjective(price)
    if len(cents) == 2 and not magnitude and not upper:
        return _with_cents(amount, country, adjective, currency) + each
    number = _from_to(amount, upper)
    if magnitude:
        word = magnitude.lower()
        number += f" {_MAGNITUDES.get(word, word)}"
    name = currency.plural
    if number == "1" or adjective:
        name = currency.singular
    return f"{number} {country}{name}{each}"


def _may_be_a_price(price: re.Match[str]) -> bool:
    """Tell whether what stands before the sign can stand before a price."""
    start = price.start()
    before = price.string[max(0, start - 2) : start]
    last = before[-1:]
    return not (last.isalnum() or last in _NO_PRICE_AFTER or before == "= ")


def _with_cents(amount: str, country: str, adjective: bool, currency: _Currency) -> str:
    """`45 dollars and 50 cents`; before a noun `45 dollar and 50 cent`."""
    whole, _, rest = amount.partition(".")
    name = currency.plural
    if whole == "1" or adjective:
        name = currency.singular
    cents_name = currency.cents
    if rest == "01" or (adjective and currency.cent == "cent"):
        cents_name = currency.cent
    major = f"{whole} {country}{name}"
    minor = f"{int(rest)} {cents_name}"
    if rest == "00":
        return major
    if whole == "0":
        return minor
    return f"{major} and {minor}"


def _each(each: str | None, suffix: str | None) -> str | None:
    """Say what a price is for: ` a month`, ` per user`, ` per user per month`.

    "" if nothing is written, None if it is no known word.
    """
    said: list[str] = []
    for written in (each or "").split("/")[1:]:
        word = written.strip()
        name = _PERIODS.get(word) or _EACH.get(word)
        if name is None:
            return None
        said.append(name)
    if suffix is not None:
        said.append(_SUFFIXES[suffix])
    if len(said) == 1 and said[0] in _PERIODS:
        return f" {_a(said[0])}"
    return "".join(f" per {name}" for name in said)


def _quantity(quantity: re.Match[str]) -> str:
    amount, _, upper, gap, unit, period = quantity.groups()
    name = _UNITS.get((unit or "").replace("° ", "°").replace("sq.", "sq"))
    if not name or (period and period not in _PERIODS):
        if upper:
            return _range(quantity)
        return quantity[0]
    if _may_be_a_name(quantity):
        return quantity[0]
    if upper and _value(amount) >= _value(upper):
        return quantity[0]
    is_one = amount == "1" and not upper
    if not is_one and gap != "-" and not _is_adjective(quantity):
        name = _plural(name)
    said = f"{_from_to(amount, upper)} {name}"
    if period:
        said += f" {_a(_PERIODS[period])}"
    return said


def _may_be_a_name(quantity: re.Match[str]) -> bool:
    """Tell whether it may be a name: 5g is a network, 118 W 42nd a house, size 10 W a shoe."""
    amount, gap, unit = quantity["amount"], quantity["gap"], quantity["unit"]
    if unit not in _ALSO_NAMES:
        return False
    text = quantity.string
    if gap and _NAME_FOLLOWS.match(text, quantity.end()):
        return True
    before = text[max(0, quantity.start() - _LONGEST_NAMING) : quantity.start()]
    if _NAMING.search(before):
        return True
    if _value(amount) >= 10:
        return False
    if unit == "g":
        return not gap
    return unit in ("W", "V") and bool(gap)


def _range(numbers: re.Match[str]) -> str:
    """Say a range that rises: 3–1 is a score, 2019–24 a season.

    A hyphen needs to be between years, or before what is counted.
    """
    lower, dash, upper = numbers["amount"], numbers["dash"], numbers["upper"]
    end = numbers.end("upper")
    years = _YEAR.fullmatch(lower) and _YEAR.fullmatch(upper)
    sure = dash in "–—" or years or _COUNTED.match(numbers.string, end)
    if not sure or _value(lower) >= _value(upper):
        return numbers[0]
    if _is_local_number(lower, upper) and not _COUNTED.match(numbers.string, end):
        return numbers[0]
    rest = numbers.string[end : numbers.end()]
    return f"{lower} to {upper}{rest}"


def _is_local_number(lower: str, upper: str) -> bool:
    """Tell whether a range may be a telephone number: 867–5309."""
    return len(lower) == 3 and len(upper) == 4 and "," not in lower + upper


def _plural(unit: str) -> str:
    head, per, tail = unit.partition(" per ")
    if head in _PLURALS:
        return _PLURALS[head]
    return f"{head}s{per}{tail}"
