"""Releases: what each generation changed, and what a replay said of it."""

from __future__ import annotations

from kbserver.console.resources import Asked, Json, NotThere
from kbserver.index.documents import differences
from kbserver.record.releases import replays as kept
from kbserver.record.turns import Row

MOST_DOCUMENTS = 500
"""Of each sort, that a comparison names."""


def replays(asked: Asked) -> Json:
    """Return the replays that were made, newest first, without their questions.

    Raises:
        Forbidden: the visitor's token is bound to labels.
    """
    asked.check_sees_all()
    with asked.source.record() as record:
        found = kept.replays(record, corpus=asked.text("corpus"), most=asked.limit())
    for one in found:
        del one["report"]["questions"]
    return {"replays": found, "running": asked.source.replaying.state}


def replay(asked: Asked) -> Json:
    """Return one replay whole, with the words that are still recorded.

    Raises:
        NotThere: there is none of that number.
    """
    asked.check_sees_all()
    number = asked.whole("n")
    with asked.source.record() as record:
        found = kept.one(record, number)
    if found is None:
        raise NotThere(f"replay {number}")
    return {"replay": found}


def begin(asked: Asked) -> Json:
    """Begin to replay recorded calls on a generation; one at a time.

    Raises:
        StoreMissing: there is no such corpus or generation.
        InvalidRequest: a duration cannot be read.
        StoreBusy: a replay is at work.
    """
    asked.check_sees_all()
    corpus, generation = asked.wanted("corpus"), asked.wanted("generation")
    asked.since()  # says so if it cannot be read
    live = asked.source.store.live(corpus)
    asked.source.store.manifest(corpus, generation)
    since = asked.text("since") or "7d"
    asked.source.replaying.begin(corpus, live, generation, since)
    return {"corpus": corpus, "before": live, "after": generation}


def comparison(asked: Asked) -> Json:
    """Compare the documents of two generations by name.

    Raises:
        StoreMissing: there is no such corpus or generation.
    """
    asked.check_sees_all()
    corpus, store = asked.wanted("corpus"), asked.source.store
    with (
        store.open(corpus, asked.text("a")) as older,
        store.open(corpus, asked.text("b")) as newer,
    ):
        found = differences(older.documents(), newer.documents())
        names = older.manifest.generation, newer.manifest.generation
    changes: Row = {"added": found.added, "changed": found.changed, "gone": found.gone}
    return {
        "corpus": corpus,
        "a": names[0],
        "b": names[1],
        "same": found.same,
        "counts": {what: len(sources) for what, sources in changes.items()},
    } | {what: list(sources[:MOST_DOCUMENTS]) for what, sources in changes.items()}


def scores(found: list[Row]) -> list[Row]:
    """Return the judged score of each replay, oldest first: what `scores.html` draws."""
    judged = []
    for one in reversed(found):
        report = one["report"]
        if report["judged"] is None:
            continue
        after = report["judged"]["after"]
        values = {
            name: after[name] for name in ("ndcg@10", "answered") if name in after
        }
        judged.append({"at": one["at"], "after": one["after"], "values": values})
    return judged
