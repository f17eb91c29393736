"""Documents that give way to others, over a real snapshot."""

import time

import numpy as np
import pytest

from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.retrieval.precedence import PINNED_BONUS, Precedence
from tests.conftest import write_documents


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory, store):
    folder = tmp_path_factory.mktemp("precedence")
    (folder / "store").mkdir()
    (folder / "store" / ".models").symlink_to(store / ".models")
    documents = {
        "old.md": "# Prices\n\nThe plan costs 30 pounds.\n",
        "new.md": "---\nsupersedes: old.md\n---\n# Prices\n\nThe plan costs 36 pounds.\n",
        "faq.csv": "question,answer\nIs there a fee?,Yes\nIs there a deposit?,No\n",
        "fees.md": "---\nsupersedes: faq.csv\n---\n# Fees\n\nNeither a fee nor a deposit.\n",
        "plain.md": "# Hours\n\nWe are open from 9 to 5.\n",
        "pinned.md": "---\npinned: true\n---\n# Hours\n\nToday we are closed.\n",
        "promise.md": "---\nsupersedes: plain.md\nvalid_from: 2999-01-01\n---\n# Hours\n\n"
        "From then on we never close.\n",
    }
    ingest(
        [write_documents(folder / "docs", documents)],
        store=Store(folder / "store"),
        corpus="c",
    )
    with Store(folder / "store").open("c") as snapshot:
        yield snapshot


def sources(snapshot, rows):
    return {snapshot.passage(int(row)).source for row in rows}


def test_a_superseded_document_is_not_spoken_while_its_successor_is_valid(snapshot):
    precedence = Precedence(snapshot)
    records = {
        entry.source
        for entry in snapshot.documents()
        if entry.source.startswith("faq.csv")
    }
    assert len(records) == 2
    assert sources(
        snapshot, precedence.superseded(snapshot.valid_rows(time.time()))
    ) == {
        "old.md",
        *records,
    }
    year_3000 = 32_503_680_000
    assert sources(snapshot, precedence.superseded(snapshot.valid_rows(year_3000))) == {
        "old.md",
        "plain.md",
        *records,
    }


def test_a_pinned_document_is_ahead_by_a_little(snapshot):
    rows = np.arange(snapshot.size, dtype=np.int64)
    bonus = Precedence(snapshot).bonus(rows)
    ahead = rows[bonus > 0]
    assert sources(snapshot, ahead) == {"pinned.md"}
    assert np.allclose(bonus[ahead], PINNED_BONUS)


def test_where_nothing_is_pinned_nothing_is_ahead(store):
    with Store(store).open("hotels") as snapshot:
        assert (
            Precedence(snapshot).bonus(np.arange(snapshot.size, dtype=np.int64)) is None
        )
