"""What an ingest works out of each passage, and what it takes over."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from kbserver.index.lines import LineWriter
from kbserver.index.manifest import facts_of_files, read_manifest, write_manifest
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.retrieval.spoken.table import PART, STEM, SpokenFormTable, line_of
from tests.conftest import write_documents

DOCUMENTS = {
    "prices.md": "# Prices\n\nThe **basic** plan costs £30 a month.\n",
    "hours.md": "# Hours\n\nWe are open Mon–Fri 9am–5pm.\n",
}


@pytest.fixture
def docs(tmp_path):
    return write_documents(tmp_path / "docs", DOCUMENTS)


@pytest.fixture
def corpora(tmp_path, store):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / ".models").symlink_to(store / ".models")
    return Store(tmp_path / "store")


def worded(corpora: Store) -> dict[str, tuple[str, str]]:
    """Source → what is said of its passage in the table, and what should be."""
    with corpora.open("help") as snapshot:
        table = SpokenFormTable.open(snapshot)
        assert table is not None
        return {
            passage.source: (table.of(row, passage).line, spoken_form_of(passage).line)
            for row, passage in enumerate(snapshot.passages)
        }


def marked(corpora: Store, part: str) -> None:
    """Let the live generation say of each passage what no rule gives."""
    folder = corpora.path / "help" / corpora.live("help")
    with corpora.open("help") as snapshot:
        passages = list(snapshot.passages)
    shutil.rmtree(folder / PART)
    (folder / part).mkdir()
    with LineWriter(folder / part / STEM) as writer:
        for passage in passages:
            writer.add(line_of(replace(spoken_form_of(passage), line="xxxxx")))
    files = {
        name: facts
        for name, facts in facts_of_files(folder).items()
        if not name.startswith("manifest.")
    }
    write_manifest(replace(read_manifest(folder), files=files), folder)


def test_every_passage_is_worked_out_and_the_step_is_shown(docs, corpora):
    seen = []
    report = ingest(
        [docs],
        store=corpora,
        corpus="help",
        on_progress=lambda *step: seen.append(step),
    )
    assert all(found == wanted for found, wanted in worded(corpora).values())
    assert (
        worded(corpora)["hours.md"][0]
        == "Hours: We are open Monday to Friday 9 a.m. to 5 p.m."
    )
    assert [step for step in seen if step[0] == "word"] == [
        ("word", 0, 2),
        ("word", report.passages, 2),
    ]
    assert corpora.verify("help").ok


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (PART, "xxxxx"),
        ("wordings.0", "Hours: We are open Monday to Friday 9 a.m. to 5 p.m."),
    ],
)
def test_unchanged_documents_are_taken_over_unless_the_rules_were_others(
    docs, corpora, part, said
):
    ingest([docs], store=corpora, corpus="help")
    marked(corpora, part)
    write_documents(
        docs, {"prices.md": "# Prices\n\nThe basic plan costs £32 a month.\n"}
    )
    ingest([docs], store=corpora, corpus="help")
    found = worded(corpora)
    assert found["hours.md"][0] == said
    assert found["prices.md"][0] == "Prices: The basic plan costs 32 pounds a month."
