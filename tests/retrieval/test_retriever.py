"""The retriever over a real snapshot with the real model."""

import asyncio
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.models import open_encoder
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.index.manifest import facts_of_files, read_manifest, write_manifest
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.index.vectors.faiss import FaissIndex
from kbserver.retrieval.calibration import (
    DEFAULT_MIN_SCORE,
    DEFAULT_MIN_SCORE_IN_SCOPE,
    Calibration,
    CurvePoint,
    write_calibration,
)
from kbserver.retrieval.context import compose
from kbserver.retrieval.retriever import Retriever
from kbserver.retrieval.spoken.table import PART, STEM
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.settings import TurnSettings


@pytest.fixture(scope="module")
def ask(store):
    """Ask one corpus; every call opens nothing anew."""
    snapshots = {corpus: Store(store).open(corpus) for corpus in ("support", "hotels")}
    model = snapshots["support"].manifest.model
    with asyncio.Runner() as runner, ThreadPoolExecutor() as executor:
        embedder = QueryEmbedder(
            lambda: open_encoder(model, cache=store / ".models", for_queries=True)
        )
        runner.run(embedder.open())
        runner.run(embedder.until_ready())
        retrievers = {
            name: Retriever(name, snapshot, embedder, executor)
            for name, snapshot in snapshots.items()
        }

        def ask(
            query, corpus="support", scope=None, past=(), budget_ms=5000.0, **settings
        ):
            retrieval = retrievers[corpus].retrieve(
                query,
                scope=scope or {},
                settings=TurnSettings(**{"min_score": 0.0} | settings),
                deadline=Deadline.after_ms(budget_ms),
                past=past,
            )
            return runner.run(retrieval)

        yield ask
        runner.run(embedder.close())


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("how do i reset the router", "router/reset.md"),
        ("how do i uh reset the the rooter", "router/reset.md"),
        ("what does a red lite mean", "router/lights.md"),
        ("i want to stop my contract", "billing/cancel.txt"),
        ("how much is a paper bill", "billing/dates.md"),
    ],
)
def test_spoken_questions_find_their_document(ask, query, source):
    retrieval = ask(query)
    assert retrieval.hits[0].passage.source == source
    assert retrieval.degraded is None
    assert set(retrieval.hits[0].arms) == {"lexical", "dense"}


def test_one_arm_alone_answers_with_its_own_scores_only(ask):
    assert set(ask("reset the router", arms="lexical").hits[0].arms) == {"lexical"}
    by_meaning = ask("reset the router", arms="dense")
    assert set(by_meaning.hits[0].arms) == {"dense"}
    assert set(by_meaning.stages_ms) == {"embed", "dense", "fuse"}
    assert ask("reset the router", arms="lexical").degraded is None


def test_a_scope_is_ranked_and_not_filtered_afterwards(ask):
    everywhere = ask("can i bring my dog", corpus="hotels")
    inside = ask(
        "can i bring my dog", corpus="hotels", scope={"folder": "hotels/8"}, top_k=1
    )
    assert len(everywhere.hits) == 3
    assert [hit.passage.source for hit in inside.hits] == ["hotels/8/pets.md"]
    assert (
        ask("dogs", corpus="hotels", scope={"folder": "hotels/9"}).nothing
        == "empty_scope"
    )


def test_hits_below_the_least_score_are_left_out(ask):
    best = ask("how do i reset the router").hits[0].score
    assert ask("how do i reset the router", min_score=best - 0.01).hits
    refused = ask("how do i reset the router", min_score=min(1.0, best + 0.005))
    assert (refused.hits, refused.nothing) == ([], "below_min_score")


def test_a_question_about_something_else_scores_lower(ask):
    assert (
        ask("who won the football last night").hits[0].score
        < 0.2
        < ask("how do i reset the router").hits[0].score
    )


def test_words_answer_while_the_model_is_not_there(store):
    with Store(store).open("support") as snapshot, ThreadPoolExecutor() as executor:
        never_started = QueryEmbedder(
            lambda: open_encoder(snapshot.manifest.model, cache=store, for_queries=True)
        )
        retriever = Retriever("support", snapshot, never_started, executor)
        retrieval = asyncio.run(
            retriever.retrieve(
                "how do i reset the router",
                scope={},
                settings=TurnSettings(),
                deadline=Deadline.after_ms(5000),
            )
        )
    assert retrieval.degraded == "loading"
    assert retrieval.hits[0].passage.source == "router/reset.md"
    assert set(retrieval.hits[0].arms) == {"lexical"}


@pytest.mark.parametrize("harm", ["none", "lines", "offsets", "other rules"])
def test_an_answer_is_the_same_whatever_becomes_of_the_wordings(
    ask, store, tmp_path, harm, caplog
):
    folder = Store(store).open("support").folder
    folder = shutil.copytree(folder, tmp_path / "support" / folder.name)
    lines, offsets = (
        folder / PART / f"{STEM}{suffix}" for suffix in (".jsonl", ".offsets.npy")
    )
    if harm == "lines":
        lines.write_bytes(lines.read_bytes().replace(b"pounds", b"pesos!"))
    elif harm == "offsets":
        offsets.write_bytes(b"?" * offsets.stat().st_size)
    elif harm == "other rules":
        (folder / PART).rename(folder / "wordings.0")
        files = {
            name: facts
            for name, facts in facts_of_files(folder).items()
            if not name.startswith("manifest.")
        }
        write_manifest(replace(read_manifest(folder), files=files), folder)
    with Snapshot.open(folder) as snapshot, ThreadPoolExecutor() as executor:
        retriever = Retriever(
            "support", snapshot, QueryEmbedder(lambda: None), executor
        )
        for _ in range(2):
            retrieval = asyncio.run(
                retriever.retrieve(
                    "how much is a paper bill",
                    scope={},
                    settings=TurnSettings(min_score=0.0),
                    deadline=Deadline.after_ms(5000),
                )
            )
            context = compose(
                retrieval.hits, max_context_bytes=2600, max_answer_bytes=5300
            )
            assert "A paper bill costs 2 pounds and 25 pence a month." in context.text
            assert context.passages[0].content.endswith(
                "A paper bill costs £2.25 a month."
            )
            assert (retrieval.hits[0].spoken_form is None) == (harm != "none")
    assert len(
        [record for record in caplog.records if "wordings failed" in record.message]
    ) == (harm in ("lines", "offsets"))


def test_no_time_at_all_gives_nothing_and_says_so(ask):
    retrieval = ask("a query nobody asked before about the router", budget_ms=0.0)
    assert retrieval.degraded is not None or retrieval.nothing == "late"


def test_an_elliptical_query_leans_on_the_one_before(ask):
    earlier = ask("do you take dogs at the adelaide", corpus="hotels")
    past = [
        Exchange(
            "do you take dogs at the adelaide", time.monotonic(), (), earlier.embedding
        )
    ]
    alone, leaning = (
        ask("and how much is that", corpus="hotels"),
        ask("and how much is that", corpus="hotels", past=past),
    )
    assert leaning.hits[0].passage.source == "hotels/7/pets.md"
    assert leaning.hits[0].score > alone.hits[0].score
    assert np.allclose(
        leaning.embedding, alone.embedding
    )  # what is remembered is the query's own


def test_an_empty_query_finds_nothing_and_harms_nothing(ask):
    assert ask("").hits is not None
    assert ask("uh um").hits is not None


def test_the_least_score_is_the_default_until_the_corpus_is_calibrated(store, tmp_path):
    shutil.copytree(store / "support", tmp_path / "support")
    with Store(tmp_path).open("support") as snapshot, ThreadPoolExecutor() as executor:
        fingerprint = snapshot.manifest.model.fingerprint
        retriever = Retriever(
            "support", snapshot, QueryEmbedder(lambda: None), executor
        )
        before, before_in_scope = (
            retriever.min_score(TurnSettings(), in_scope=scoped)
            for scoped in (False, True)
        )
        point = CurvePoint(0.42, 0.9, 0.1)
        write_calibration(
            tmp_path / "support",
            Calibration(
                0.42,
                0.9,
                point,
                10,
                10,
                False,
                retriever.generation,
                fingerprint,
                "2026-01-01",
                (point,),
            ),
        )
        retriever.recalibrate()
        after = [
            retriever.min_score(TurnSettings(), in_scope=scoped)
            for scoped in (False, True)
        ]
        assert retriever.min_score(TurnSettings(min_score=0.3), in_scope=False) == 0.3
    assert (before, before_in_scope) == (DEFAULT_MIN_SCORE, DEFAULT_MIN_SCORE_IN_SCOPE)
    assert after == [0.42, 0.42]


def test_who_asks_alone_has_the_ranking_rehearsed_and_the_same_hits(store, monkeypatch):
    """Two who ask at once have not: the event loop belongs to the other one meanwhile."""

    class Slow(OnnxEncoder):
        def embed_queries(self, texts):
            time.sleep(0.2)
            return super().embed_queries(texts)

    snapshot = Store(store).open("support")
    folder = store / ".models" / snapshot.manifest.model.fingerprint
    searched = []
    propose = FaissIndex.propose
    monkeypatch.setattr(
        FaissIndex,
        "propose",
        lambda self, query, **more: (
            searched.append(query) or propose(self, query, **more)
        ),
    )

    async def run():
        embedder = QueryEmbedder(lambda: Slow(folder))
        await embedder.open()
        await embedder.until_ready()
        with ThreadPoolExecutor() as executor:
            retriever = Retriever(
                "support", snapshot, embedder, executor, in_loop_ms=10_000.0
            )
            retriever.warm()

            def ask(query):
                return retriever.retrieve(
                    query,
                    scope={},
                    settings=TurnSettings(min_score=0.0),
                    deadline=Deadline.after_ms(10_000.0),
                )

            searched.clear()
            alone = await ask("how do i reset the router")
            vectors_alone = list(searched)
            searched.clear()
            await asyncio.gather(
                ask("what does a red light mean"), ask("how do i stop my contract")
            )
            await embedder.close()
        return alone, vectors_alone, len(searched)

    retrieval, (rehearsed, real), searches_of_two = asyncio.run(run())
    assert (
        retrieval.degraded is None
        and retrieval.hits[0].passage.source == "router/reset.md"
    )
    assert any(np.allclose(rehearsed, row) for row in snapshot.embeddings)
    np.testing.assert_allclose(real, retrieval.embedding)
    assert searches_of_two == 3  # the first one was alone when it began
