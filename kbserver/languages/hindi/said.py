"""How Hindi signs are said: names by CLDR, but the rupee without its country."""

from __future__ import annotations

from kbserver.languages.signs import Name, Signs, said_by
from kbserver.types import Cells


def _same(name: str) -> Name:
    return Name(name, name)


RUPEE = Name("रुपया", "रुपए")
UNITS = {
    "%": _same("प्रतिशत"),
    "kWh": Name("किलोवॉट घंटा", "किलोवॉट घंटे"),
    "kW": _same("किलोवॉट"),
    "W": _same("वॉट"),
    "KB": _same("किलोबाइट"),
    "kB": _same("किलोबाइट"),
    "MB": _same("मेगाबाइट"),
    "GB": _same("गीगाबाइट"),
    "TB": _same("टेराबाइट"),
    "Kbps": _same("किलोबिट प्रति सेकंड"),
    "kbps": _same("किलोबिट प्रति सेकंड"),
    "Mbps": _same("मेगाबिट प्रति सेकंड"),
    "Gbps": _same("गीगाबिट प्रति सेकंड"),
    "MHz": _same("मेगाहर्ट्ज़"),
    "GHz": _same("गीगाहर्ट्ज़"),
    "km": _same("किलोमीटर"),
    "कि.मी.": _same("किलोमीटर"),
    "cm": _same("सेंटीमीटर"),
    "mm": _same("मिलीमीटर"),
    "m²": _same("वर्ग मीटर"),
    "kg": _same("किलोग्राम"),
    "mg": _same("मिलीग्राम"),
    "ml": _same("मिलीलीटर"),
    "°C": _same("डिग्री सेल्सियस"),
}
CURRENCIES = {
    "₹": RUPEE,
    "रु.": RUPEE,
    "रु": RUPEE,
    "Rs.": RUPEE,
    "Rs": RUPEE,
    "INR": RUPEE,
    "$": _same("डॉलर"),
    "USD": _same("डॉलर"),
    "€": _same("यूरो"),
    "EUR": _same("यूरो"),
    "£": _same("पाउंड"),
}
SIGNS = Signs(
    units=UNITS,
    currencies=CURRENCIES,
    per="प्रति",
    to="से",
    ampersand="और",
    months=tuple(
        "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर".split()
    ),
    weekdays=tuple("सोमवार मंगलवार बुधवार गुरुवार शुक्रवार शनिवार रविवार".split()),
    short_months={
        "जन": 1,
        "फ़र": 2,
        "जुल": 7,
        "अग": 8,
        "सित": 9,
        "अक्टू": 10,
        "नव": 11,
        "दिस": 12,
    },
    short_weekdays={
        "सोम": 0,
        "मंगल": 1,
        "बुध": 2,
        "गुरु": 3,
        "शुक्र": 4,
        "शनि": 5,
        "रवि": 6,
    },
    date="{day} {month} {year}",
    singular="[1१]",
    magnitudes={"हज़ार": "", "हजार": "", "लाख": "", "करोड़": ""},
    oclock="बजे",
    abbreviations={"डॉ.": "डॉक्टर", "डॉ॰": "डॉक्टर"},
    before_a_number={"नं.": "नंबर"},
)
CELLS = Cells(
    yes="हाँ",
    no="नहीं",
    not_answered="कोई उत्तर नहीं",
    months=SIGNS.months,
    weekdays=SIGNS.weekdays,
    day_of_month="{day} {month}",
    hours="{days} {opens} से {closes}",
    closed="{days} बंद",
    joint=" और ",
    facts={
        "telephone": "फ़ोन",
        "email": "ईमेल",
        "checkinTime": "आने का समय",
        "checkoutTime": "जाने का समय",
        "openingHours": "खुलने का समय",
        "openingHoursSpecification": "खुलने का समय",
        "specialOpeningHoursSpecification": "खुलने का विशेष समय",
        "petsAllowed": "पालतू जानवर ला सकते हैं",
        "smokingAllowed": "धूम्रपान कर सकते हैं",
        "numberOfRooms": "कमरों की संख्या",
        "currenciesAccepted": "मान्य मुद्राएँ",
        "paymentAccepted": "भुगतान के तरीके",
        "areaServed": "सेवा का क्षेत्र",
        "servesCuisine": "खाना",
        "acceptsReservations": "बुकिंग होती है",
        "address": "पता",
        "startDate": "शुरू",
        "endDate": "अंत",
        "doorTime": "प्रवेश का समय",
    },
)
SAID = said_by(SIGNS)
