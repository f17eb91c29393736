"""What a tick, a box, a truth value, a number and a month become in each language."""

import datetime as dt
from contextvars import copy_context

import pytest

from kbserver.ingest.cells import truth, write_cells
from kbserver.ingest.formats.exports.json_ld import json_ld_blocks
from kbserver.ingest.formats.shared.number_format import (
    plain_number,
    shown_moment,
    shown_number,
)
from kbserver.ingest.formats.shared.signs import spoken_boxes
from kbserver.ingest.formats.shared.table import Table, table_blocks
from kbserver.languages import PROFILES, profile

MOMENT = dt.datetime(2026, 12, 31)
FACTS = ({"telephone": "0800 555 0100", "petsAllowed": True},)


def in_language(language, call, *args):
    """Call a function as a process does that converts into a language."""

    def converted():
        write_cells(profile(language).cells)
        return call(*args)

    return copy_context().run(converted)


def rows_of(*rows):
    return [block.text for block in table_blocks(Table(rows, 1))]


@pytest.mark.parametrize(
    ("language", "yes", "no", "number", "day", "month"),
    [
        ("english", "yes", "no", "1,299.50 €", "December 31", "December 2026"),
        ("german", "ja", "nein", "1.299,50 €", "31. Dezember", "Dezember 2026"),
        ("french", "oui", "non", "1 299,50 €", "31 décembre", "décembre 2026"),
        ("spanish", "sí", "no", "1.299,50 €", "31 de diciembre", "diciembre de 2026"),
        ("hindi", "हाँ", "नहीं", "1,299.50 €", "31 दिसंबर", "दिसंबर 2026"),
        ("turkish", "✓", "✗", "1,299.50 €", "12-31", "2026-12"),
    ],
)
def test_cells_are_written_in_the_language(language, yes, no, number, day, month):
    assert in_language(language, truth, True) == yes
    assert in_language(language, truth, False) == no
    assert in_language(language, shown_number, 1299.5, "#,##0.00 €") == number
    assert in_language(language, shown_moment, MOMENT, 0.0, "dd/mm") == day
    assert in_language(language, shown_moment, MOMENT, 0.0, "mm/yyyy") == month
    table = ("Tarif", "Netz"), ("A", "✓"), ("B", "✗"), ("C", "–")
    assert in_language(language, rows_of, *table) == [
        f"Tarif: A; Netz: {yes}.",
        f"Tarif: B; Netz: {no}.",
        f"Tarif: C; Netz: {no}.",
    ]
    assert in_language(language, spoken_boxes, "☐ WLAN") == f"WLAN: {no}"


def test_a_number_without_a_format_has_the_decimal_sign_of_the_language():
    assert in_language("german", plain_number, 39.5) == "39,5"
    assert in_language("hindi", plain_number, 39.5) == "39.5"


def test_a_fact_of_a_page_has_a_name_of_the_language_or_is_not_said():
    blocks, _ = in_language("german", json_ld_blocks, FACTS, "")
    assert [block.text for block in blocks] == [
        "Telefon: 0800 555 0100.",
        "Haustiere erlaubt: ja.",
    ]
    assert in_language("turkish", json_ld_blocks, FACTS, "") == ([], ())


@pytest.mark.parametrize("language", PROFILES)
def test_each_profile_names_the_same_facts(language):
    assert profile(language).cells.facts.keys() == profile("english").cells.facts.keys()
