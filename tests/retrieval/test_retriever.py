"""The retriever over a real snapshot: with the real model, and with answers given by hand."""

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from kbserver.deadline import Deadline
from kbserver.embedding.models import open_encoder
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.embedding.worker_pool import NoVector
from kbserver.errors import SnapshotCorrupt
from kbserver.index.embeddings import decoded
from kbserver.index.manifest import facts_of_files, read_manifest, write_manifest
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.retrieval.calibration import (
    DEFAULT_MIN_SCORE,
    DEFAULT_MIN_SCORE_IN_SCOPE,
    Calibration,
    CurvePoint,
    write_calibration,
)
from kbserver.retrieval.context import compose
from kbserver.retrieval.retriever import LogOnce, Retriever
from kbserver.retrieval.spoken.table import PART, STEM
from kbserver.retrieval.transcript.followup import Exchange
from kbserver.settings import TurnSettings

PLENTY_MS = 60_000.0


@pytest.fixture(scope="module")
def ask(store):
    """Ask one corpus; every call opens nothing anew."""
    snapshots = {corpus: Store(store).open(corpus) for corpus in ("support", "hotels")}
    model = snapshots["support"].manifest.model
    with asyncio.Runner() as runner, ThreadPoolExecutor() as executor:
        embedder = QueryEmbedder(
            lambda: open_encoder(model, cache=store / ".models", for_queries=True),
            hang_limit_s=60.0,
        )
        runner.run(embedder.open())
        runner.run(embedder.until_ready())
        retrievers = {
            name: Retriever(name, snapshot, embedder, executor)
            for name, snapshot in snapshots.items()
        }

        def ask(
            query,
            corpus="support",
            scope=None,
            past=(),
            budget_ms=PLENTY_MS,
            **settings,
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


def test_what_came_near_is_told_with_the_threshold_and_where_it_is_from(ask):
    every = ask("um how do i reset the router", top_k=10).hits
    least = every[0].score - 0.001
    search = ask("um how do i reset the router", top_k=10, min_score=least).search
    assert (search.corpus, search.heard) == ("support", "how do i reset the router")
    assert (search.threshold.min_score, search.threshold.origin) == (least, "route")
    near = [hit.passage.id for hit in search.near]
    assert near == [hit.passage.id for hit in every[1:]]
    assert all(hit.score < least for hit in search.near)
    assert ask("reset the router").search.near == ()
    assert search.leaned is False


def test_where_the_least_score_is_from_is_told(store, tmp_path):
    shutil.copytree(store / "support", tmp_path / "support")
    with opened(tmp_path, Known(NoVector("busy"))) as retriever:
        settings = TurnSettings()
        assert retriever.threshold(settings, in_scope=False).origin == "default"
        write_calibration(tmp_path / "support", calibration_of(retriever))
        retriever.recalibrate()
        found = retriever.threshold(settings, in_scope=False)
        assert (found.min_score, found.origin) == (0.42, "calibrated")
        own = TurnSettings(min_score=0.3)
        assert retriever.threshold(own, in_scope=False).origin == "route"


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


def never_opened() -> NoReturn:
    raise AssertionError("the embedding model was opened")


def believe_what_is_there(folder: Path) -> None:
    """Write the manifest anew, as if the files had been published as they are."""
    files = {
        name: facts
        for name, facts in facts_of_files(folder).items()
        if not name.startswith("manifest.")
    }
    write_manifest(replace(read_manifest(folder), files=files), folder)


def test_one_passage_is_in_the_language_of_its_corpus(store, tmp_path):
    folder = Store(store).open("support").folder
    folder = shutil.copytree(folder, tmp_path / "support" / folder.name)
    facts = folder / "bm25.json"
    facts.write_text(facts.read_text().replace('"english"', '"german"'))
    believe_what_is_there(folder)
    with Snapshot.open(folder) as snapshot, ThreadPoolExecutor() as executor:
        retriever = Retriever(
            "support", snapshot, QueryEmbedder(never_opened), executor
        )
        wanted = snapshot.passage(3)
        hit = asyncio.run(retriever.passage(wanted.id, {}))
    assert hit is not None
    assert (hit.passage, hit.score, hit.language) == (wanted, 1.0, "german")


@pytest.mark.parametrize("harm", ["none", "lines", "offsets", "other rules"])
def test_an_answer_is_the_same_without_spoken_forms(ask, store, tmp_path, harm, caplog):
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
    believe_what_is_there(folder)
    with Snapshot.open(folder) as snapshot, ThreadPoolExecutor() as executor:
        embedder = QueryEmbedder(never_opened)
        retriever = Retriever("support", snapshot, embedder, executor)
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


def test_no_time_at_all_is_told(ask):
    retrieval = ask("a query never asked before about the router", budget_ms=0.0)
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


@pytest.mark.parametrize("query", ["", "uh um"])
def test_a_query_without_words_finds_nothing(ask, query):
    retrieval = ask(query, min_score=None)
    assert (retrieval.hits, retrieval.nothing) == ([], "below_min_score")
    by_words = ask("", arms="lexical")
    assert (by_words.hits, by_words.nothing) == ([], "no_match")


def calibration_of(retriever):
    point = CurvePoint(0.42, 0.9, 0.1)
    return Calibration(
        min_score=0.42,
        keep=0.9,
        at=point,
        answerable=10,
        unanswerable=10,
        rough=False,
        generation=retriever.generation,
        fingerprint=retriever.snapshot.manifest.model.fingerprint,
        date="2026-01-01",
        curve=(point,),
    )


def test_the_least_score_is_the_default_until_the_corpus_is_calibrated(store, tmp_path):
    shutil.copytree(store / "support", tmp_path / "support")
    with opened(tmp_path, Known(NoVector("busy"))) as retriever:
        settings = TurnSettings()
        assert retriever.min_score(settings, in_scope=False) == DEFAULT_MIN_SCORE
        in_scope = retriever.min_score(settings, in_scope=True)
        assert in_scope == DEFAULT_MIN_SCORE_IN_SCOPE
        write_calibration(tmp_path / "support", calibration_of(retriever))
        retriever.recalibrate()
        assert retriever.min_score(settings, in_scope=False) == 0.42
        assert retriever.min_score(settings, in_scope=True) == 0.42
        own = TurnSettings(min_score=0.3)
        assert retriever.min_score(own, in_scope=False) == 0.3


class HandEmbedder:
    """An embedder whose answers the test gives by hand."""

    queue_length = 2  # never alone: no pause for the model

    def __init__(self):
        self.answers = []
        self.deadlines = []

    def start(self, text, by):
        answer = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        self.deadlines.append(by)
        return answer


class Known(HandEmbedder):
    """Answers at once, with a vector or with why there is none."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def start(self, text, by):
        future = super().start(text, by)
        future.set_result(self.answer)
        return future


class Hooked:
    """A part of a snapshot; `before` is called before each search of the named methods."""

    def __init__(self, real, before, *methods, waits=False):
        self._real, self._before, self._methods = real, before, methods
        self.waits = waits
        self.on = False

    def __getattr__(self, name):
        found = getattr(self._real, name)
        if not self.on or name not in self._methods:
            return found

        def hooked(*args, **kwargs):
            self._before()
            return found(*args, **kwargs)

        return hooked


class WithPart:
    """A snapshot with one of its indexes exchanged."""

    def __init__(self, real, **parts):
        self._real = real
        self.__dict__.update(parts)

    def __getattr__(self, name):
        return getattr(self._real, name)


@contextmanager
def opened(store, embedder, *, in_loop_ms=PLENTY_MS, threads=None, **hooks):
    """A retriever over the support corpus; every step runs in the loop unless it waits."""
    with (
        Store(store).open("support") as real,
        ThreadPoolExecutor() as executor,
    ):
        parts = {name: hook(getattr(real, name)) for name, hook in hooks.items()}
        snapshot = WithPart(real, **parts)
        retriever = Retriever(
            "support", snapshot, embedder, threads or executor, in_loop_ms=in_loop_ms
        )
        retriever.warm()
        for part in parts.values():
            part.on = True
        yield retriever


def vector_of(store, row=0):
    with Store(store).open("support") as snapshot:
        return decoded(snapshot.embeddings[row])


class ArmsEndAtOnce(Deadline):
    """A deadline far away, whose reserve begins now: what is not found yet is left out."""

    def less_ms(self, reserve_ms):
        return Deadline.after_ms(0.0)


async def retrieved(
    retriever, *, budget_ms=PLENTY_MS, deadline=Deadline, arms="hybrid", **more
):
    return await retriever.retrieve(
        "how do i reset the router",
        scope={},
        settings=TurnSettings(min_score=0.0, arms=arms),
        deadline=deadline.after_ms(budget_ms),
        **more,
    )


@pytest.mark.parametrize(
    ("part", "methods"),
    [("vectors", ["propose"]), ("vectors", ["score_rows"]), ("lexical", ["find"])],
)
def test_a_search_that_waits_does_not_hold_the_event_loop(store, part, methods):
    answered = threading.Event()
    in_time = []

    def wait():
        in_time.append(answered.wait(PLENTY_MS / 1000.0))

    def remote(real):
        return Hooked(real, wait, *methods, waits=True)

    async def answer_from_afar():
        answered.set()

    async def run():
        with opened(store, Known(vector_of(store)), **{part: remote}) as retriever:
            return await asyncio.gather(retrieved(retriever), answer_from_afar())

    retrieval, _ = asyncio.run(run())
    assert set(retrieval.hits[0].arms) == {"lexical", "dense"}
    assert in_time and all(in_time)


def test_a_ranking_that_hangs_is_replaced_by_the_words_alone(store):
    release = threading.Event()

    def remote(real):
        return Hooked(real, release.wait, "score_rows", waits=True)

    async def run():
        with opened(store, Known(vector_of(store)), vectors=remote) as retriever:
            retrieval = await retrieved(retriever, budget_ms=100.0)
            release.set()
            return retrieval

    retrieval = asyncio.run(run())
    assert (retrieval.degraded, retrieval.nothing) == ("late", None)
    assert retrieval.hits[0].passage.source == "router/reset.md"
    assert set(retrieval.hits[0].arms) == {"lexical"}
    assert retrieval.embedding is not None


def test_a_lexical_search_that_hangs_leaves_the_meaning(store):
    release = threading.Event()

    def remote(real):
        return Hooked(real, release.wait, "find", waits=True)

    async def run(embedder):
        with opened(store, embedder, lexical=remote) as retriever:
            retrieval = await retrieved(retriever, deadline=ArmsEndAtOnce)
            release.set()
            return retrieval

    by_meaning = asyncio.run(run(Known(vector_of(store))))
    assert by_meaning.degraded == "lexical_late"
    assert set(by_meaning.hits[0].arms) == {"dense"}
    release.clear()
    nothing = asyncio.run(run(Known(NoVector("busy"))))
    assert (nothing.hits, nothing.nothing, nothing.degraded) == ((), "late", None)


def test_a_failure_of_the_words_is_raised_only_if_nothing_else_answers(store, caplog):
    def fail():
        raise OSError("the disk is broken")

    def broken(real):
        return Hooked(real, fail, "find")

    async def run(embedder, **more):
        with opened(store, embedder, lexical=broken) as retriever:
            return await retrieved(retriever, **more)

    retrieval = asyncio.run(run(Known(vector_of(store))))
    assert retrieval.degraded == "lexical_failed"
    assert "the lexical search failed" in caplog.text
    with pytest.raises(OSError, match="the disk is broken"):
        asyncio.run(run(Known(NoVector("busy"))))
    with pytest.raises(OSError, match="the disk is broken"):
        asyncio.run(run(HandEmbedder(), arms="lexical"))


@pytest.mark.parametrize("reason", ["busy", "late", "loading", "failed"])
def test_the_reason_for_a_missing_vector_is_told(store, reason):
    async def run(**more):
        with opened(store, Known(NoVector(reason))) as retriever:
            return await retrieved(retriever, **more)

    retrieval = asyncio.run(run())
    assert (retrieval.degraded, retrieval.embedding) == (reason, None)
    assert set(retrieval.hits[0].arms) == {"lexical"}
    by_meaning = asyncio.run(run(arms="dense"))
    assert (by_meaning.hits, by_meaning.degraded) == ([], reason)


def test_a_label_that_used_up_its_share_is_busy_and_not_late(store):
    own_deadline = Deadline.after_ms(1.0)

    async def run(budget_ms):
        embedder = Known(NoVector("late"))
        with opened(store, embedder) as retriever:
            retrieval = await retrieved(
                retriever, budget_ms=budget_ms, embed_by=own_deadline
            )
            return retrieval.degraded, embedder.deadlines

    assert asyncio.run(run(PLENTY_MS)) == ("busy", [own_deadline])
    degraded, [by] = asyncio.run(run(0.0))
    assert degraded == "late" and by <= own_deadline


def test_a_caller_who_leaves_takes_the_wish_for_a_vector_back(store):
    async def run():
        embedder = HandEmbedder()
        with opened(store, embedder) as retriever:
            turn = asyncio.create_task(retrieved(retriever))
            while not embedder.answers:
                await asyncio.sleep(0)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn
            return embedder.answers

    [answer] = asyncio.run(run())
    assert answer.cancelled()


def test_a_search_of_a_caller_who_left_is_not_begun(store):
    release = threading.Event()
    searched = []

    def noticed(real):
        return Hooked(real, lambda: searched.append(True), "find")

    async def run():
        embedder = HandEmbedder()
        with (
            ThreadPoolExecutor(1) as thread,
            opened(
                store, embedder, in_loop_ms=0.0, threads=thread, lexical=noticed
            ) as retriever,
        ):
            thread.submit(release.wait)
            turn = asyncio.create_task(retrieved(retriever))
            while not embedder.answers:
                await asyncio.sleep(0)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn
            release.set()
            thread.shutdown()

    asyncio.run(run())
    assert searched == []


def test_the_lexical_search_does_not_wait_for_the_vector(store):
    searched = threading.Event()

    def noticed(real):
        return Hooked(real, searched.set, "find")

    async def run():
        embedder = HandEmbedder()
        with opened(store, embedder, in_loop_ms=0.0, lexical=noticed) as retriever:
            turn = asyncio.create_task(retrieved(retriever))
            found = await asyncio.to_thread(searched.wait, 5.0)
            embedder.answers[0].set_result(vector_of(store))
            return found, await turn

    found_without_vector, retrieval = asyncio.run(run())
    assert found_without_vector
    assert retrieval.degraded is None


def test_the_version_changes_with_the_calibration(store, tmp_path):
    shutil.copytree(store / "support", tmp_path / "support")
    with opened(tmp_path, Known(NoVector("busy"))) as retriever:
        before, again = retriever.version(), retriever.version()
        write_calibration(tmp_path / "support", calibration_of(retriever))
        retriever.recalibrate()
        after = retriever.version()
    assert all(one is other for one, other in zip(before, again, strict=True))
    assert not all(one is other for one, other in zip(before, after, strict=True))


def test_a_damaged_calibration_leaves_the_least_score_as_it_is(store, tmp_path, caplog):
    shutil.copytree(store / "support", tmp_path / "support")
    file = tmp_path / "support" / "calibration.json"
    settings = TurnSettings()
    with opened(tmp_path, Known(NoVector("busy"))) as retriever:
        write_calibration(tmp_path / "support", calibration_of(retriever))
        assert retriever.recalibrate()
        file.write_text("{")
        for _ in range(3):
            assert not retriever.recalibrate()
            assert retriever.min_score(settings, in_scope=False) == 0.42
        [record] = caplog.records
        said = record.getMessage()
        assert record.levelname == "ERROR" and str(file) in said
        assert "Meanwhile min_score 0.420 is in force" in said
        file.unlink()
        assert retriever.recalibrate()
        assert retriever.min_score(settings, in_scope=False) == DEFAULT_MIN_SCORE
        write_calibration(tmp_path / "support", calibration_of(retriever))
        assert retriever.recalibrate()
    assert len(caplog.records) == 1


def test_a_start_with_a_damaged_calibration_takes_the_default(store, tmp_path, caplog):
    shutil.copytree(store / "support", tmp_path / "support")
    (tmp_path / "support" / "calibration.json").write_text("[" * 100_000)
    with opened(tmp_path, Known(NoVector("busy"))) as retriever:
        least = retriever.min_score(TurnSettings(), in_scope=False)
    assert least == DEFAULT_MIN_SCORE
    assert "Meanwhile min_score 0.150 is in force" in caplog.text


def test_each_kind_of_failure_is_logged_once(caplog):
    log_once = LogOnce("support")
    for error in (ValueError("first"), ValueError("second"), OSError("third")):
        log_once("the dense search", error)
    log_once("the lexical search", ValueError("fourth"))
    assert [record.getMessage() for record in caplog.records] == [
        "corpus support: the dense search failed",
        "corpus support: the dense search failed",
        "corpus support: the lexical search failed",
    ]
    logged = [str(record.exc_info[1]) for record in caplog.records]
    assert logged == ["first", "third", "fourth"]


def test_damage_is_logged_in_a_sentence_without_a_traceback(caplog):
    LogOnce("support")("the table of wordings", SnapshotCorrupt("row 3 is no wording"))
    [record] = caplog.records
    assert record.getMessage().endswith("wordings failed: row 3 is no wording")
    assert record.exc_info is None
