import datetime as dt

import pytest

from kbserver.ingest.lint.expired import expired
from kbserver.types import Passage
from tests.ingest.lint.folders import TODAY, lint


def test_what_has_expired_is_found_and_old_years_are_a_hint(tmp_path):
    over, old = lint(
        tmp_path,
        {
            "sale.md": "---\nvalid_until: 2026-05-31\n---\n# Sale\n\nEverything is half price.\n",
            "today.md": "---\nvalid_until: 2026-06-01\n---\n# Last day\n\nStill on.\n",
            "tariff.md": "# Tariff\n\nPrices are valid until March 2019.\n\nFounded in 1987.\n",
        },
    )
    assert (over.kind, over.source, over.is_hint) == ("expired", "sale.md", False)
    assert (old.kind, old.source, old.is_hint) == ("old year", "tariff.md", True)


def passage(text: str, source: str = "a.md", **metadata: object) -> Passage:
    return Passage("id", text, source=source, metadata=metadata)


def test_a_document_is_reported_once_however_many_passages_it_has():
    passages = [passage(f"Part {n}.", valid_until="2026-05-31T18:00") for n in range(3)]
    [found] = expired(passages, TODAY)
    assert found.said == "valid_until 2026-05-31T18:00: it is not spoken any more"


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("Prices are valid until March 2023.", 1),
        ("Prices are valid until March 2024.", 0),
        ("Founded in 1987.", 0),
        ("The offer ends in 2020. Updated 2019.", 1),
    ],
)
def test_a_promise_of_three_years_ago_is_a_hint(text, years):
    found = list(expired([passage(text)], dt.date(2026, 12, 31)))
    assert [one.kind for one in found] == ["old year"] * years
