"""Prices, quantities and ranges as they are said; what could be something else stays."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.languages.english.amounts import verbalise_amounts
from kbserver.languages.english.verbalise import verbalise

SAID = [
    ("€1.299,00", "1,299 euros"),
    ("price eur: 39,90, size: M", "price: 39 euros and 90 cents, size: M"),
    ("price_gbp: 1250.00; weight_kg: 3", "price: 1250 pounds; weight_kg: 3"),
    ("Price in EUR: 20", "Price: 20 euros"),
    ("Net (g): 500", "Net: 500 grams"),
    ("6 x 330 ml", "6 times 330 millilitres"),
    ("a 1400 W motor", "a 1400 watt motor"),
    # prices
    ("$45.50", "45 dollars and 50 cents"),
    ("$45.00 due", "45 dollars due"),
    ("$1", "1 dollar"),
    ("$0.99", "99 cents"),
    ("£0.50", "50 pence"),
    ("£1.01", "1 pound and 1 penny"),
    ("€1,299", "1,299 euros"),
    ("$1,299.99", "1,299 dollars and 99 cents"),
    ("£30/month", "30 pounds a month"),
    ("£30 pm", "30 pounds a month"),
    ("$9.99/mo", "9 dollars and 99 cents a month"),
    ("$20/hr", "20 dollars an hour"),
    ("£5/user", "5 pounds per user"),
    ("$5/user/month", "5 dollars per user per month"),
    ("£0.28/kWh", "28 pence per kilowatt hour"),
    ("a $50 gift card", "a 50 dollar gift card"),
    ("a £30/month plan", "a 30 pound a month plan"),
    ("$10k", "10 thousand dollars"),
    ("$1.5m", "1.5 million dollars"),
    ("£2.25 billion package", "2.25 billion pounds package"),
    ("$15.2 Million", "15.2 million dollars"),
    ("$5-10", "5 to 10 dollars"),
    ("£10–£15/week", "10 to 15 pounds a week"),
    ("-$5", "minus 5 dollars"),
    ("45 €", "45 euros"),
    ("€45,50", "45 euros and 50 cents"),
    ("US$45", "45 US dollars"),
    ("45 CAD", "45 Canadian dollars"),
    ("GBP 30", "30 pounds"),
    ("50p", "50 pence"),
    ("1p", "1 penny"),
    ("15 ¢", "15 cents"),
    # units
    ("10GB", "10 gigabytes"),
    ("1 GB", "1 gigabyte"),
    ("a 10GB plan", "a 10 gigabyte plan"),
    ("10GB/month", "10 gigabytes a month"),
    ("5 GHz", "5 gigahertz"),
    ("2.4/5 GHz", "2.4/5 gigahertz"),
    ("67 Mbps", "67 megabits per second"),
    ("100 Mbit/s", "100 megabits per second"),
    ("1 Mbps", "1 megabit per second"),
    ("20 km at 50 km/h", "20 kilometres at 50 kilometres per hour"),
    ("5kg", "5 kilograms"),
    ("-5 °C", "minus 5 degrees Celsius"),
    ("17.8 ° C", "17.8 degrees Celsius"),
    ("90°", "90 degrees"),
    ("5 ft", "5 feet"),
    ("100 sq ft", "100 square feet"),
    ("20 m²", "20 square metres"),
    ("230V and 60 W", "230 volts and 60 watts"),
    ("a 5 min. walk", "a 5 minute walk"),
    ("30-min wait", "30 minute wait"),
    ("24 hrs", "24 hours"),
    ("500g", "500 grams"),
    ("20%", "20 percent"),
    ("99.9 % uptime", "99.9 percent uptime"),
    ("5-10%", "5 to 10 percent"),
    ("5–10 GB", "5 to 10 gigabytes"),
    # ranges, fractions, sizes
    ("10–15 days", "10 to 15 days"),
    ("3-5 business days", "3 to 5 business days"),
    ("2019–2024", "2019 to 2024"),
    ("(2003-2010)", "(2003 to 2010)"),
    ("200-1000 items", "200 to 1000 items"),
    ("pages 10–15", "pages 10 to 15"),
    ("1/2 cup", "one half cup"),
    ("2½ hours", "2 and a half hours"),
    ("2 1/2 hours", "2 and a half hours"),
    ("¾ of it", "three quarters of it"),
    ("10x15cm", "10 by 15 centimetres"),
    ("1920x1080", "1920 by 1080"),
    ("2x faster", "2 times faster"),
]

LEFT_ALONE = [
    "12 x12",
    "size 10 W",
    "118 W 42nd",
    "GSR 18V-55",
    "Contact (US): 5 people",
    "867–5309",
    "$HOME and {$1} and US$ only",
    "$1.299 or €1.299",
    "£6/thing",
    "Plan A4, 4K, 5G, 3D, H.264, MP3 and WPA2",
    "a 5g network",
    "10K runners, 5m",
    "1080p and 720p",
    "10 < 20 and 3–1",
    "2019–24",
    "pages 12-10 and 555-600",
    "1/2 and page 1/2",
    "0x10 and 3xyz",
    "100%25 and a%20b",
    "10.5.2",
    "5 people in 5 in 1",
    "COVID-19, B12, ISO-9001",
    "5 W Bulb",
    "720 GB-hours",
    "costs 45 dollars and 50 cents",
    "USD, GBP and EUR",
    "10-year plan",
    "12 of 15, 7 out of 10",
]


@pytest.mark.parametrize(("written", "said"), SAID)
def test_an_amount_is_said_with_its_unit(written: str, said: str) -> None:
    assert verbalise(written) == said


@pytest.mark.parametrize("written", LEFT_ALONE)
def test_what_may_be_another_thing_stays(written: str) -> None:
    assert verbalise(written) == written


@given(whole=st.integers(0, 9_999_999), cents=st.integers(0, 99))
def test_no_price_gains_or_loses_a_cent(whole: int, cents: int) -> None:
    said = (
        verbalise(f"It is ${whole:,}.{cents:02} today")
        .removeprefix("It is ")
        .removesuffix(" today")
    )
    dollars, found, rest = said.partition(" dollar")
    if not found:
        dollars, rest = "0", said
    digits = "".join(filter(str.isdigit, rest))
    assert (int(dollars.replace(",", "")), int(digits or 0)) == (whole, cents)


@given(
    st.integers(2, 999_999),
    st.sampled_from(["GB", "km", "kg", "%", "Mbps", "hrs", "kWh", "°C", "m²", "sq ft"]),
    st.booleans(),
)
def test_no_quantity_gains_or_loses_a_digit(
    amount: int, unit: str, grouped: bool
) -> None:
    written = f"{amount:,}" if grouped else str(amount)
    said = verbalise_amounts(f"It has {written} {unit} of it")
    assert said.startswith(f"It has {written} ")
    assert unit not in said
    assert re.findall(r"[0-9]", said) == re.findall(r"[0-9]", written)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_range_of_things_is_said_only_if_it_rises(lower: int, upper: int) -> None:
    said = verbalise_amounts(f"takes {lower}–{upper} days")
    if lower < upper:
        assert said == f"takes {lower} to {upper} days"
    else:
        assert said == f"takes {lower}–{upper} days"


@given(st.text(st.sampled_from("0123456789.,£$€/%-–x½ GBkmpday"), max_size=40))
def test_no_number_is_invented(text: str) -> None:
    numbers = {int(number) for number in re.findall(r"[0-9]+", text)}
    said = {int(number) for number in re.findall(r"[0-9]+", verbalise_amounts(text))}
    assert said <= numbers
