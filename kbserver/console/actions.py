"""What can be done about what is seen: judge, forget, set a threshold, publish, go back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

from kbserver.console.reading.turns import seen_judgements
from kbserver.console.resources import Asked, Json, NotThere
from kbserver.errors import InvalidRequest, SettingsError
from kbserver.record.database import changing
from kbserver.record.forgetting import forget_call
from kbserver.record.judgements import (
    VERDICTS,
    Judgement,
    Verdict,
    add,
    judge_turn,
    judgements,
    remove,
)
from kbserver.record.turns import one
from kbserver.retrieval.calibration import (
    Calibration,
    CurvePoint,
    write_calibration,
)
from kbserver.retrieval.reading import scores_by

BY = "console"


def judge(asked: Asked) -> Json:
    """Judge a recorded turn, or a question that is typed, and return the judgement.

    Raises:
        NotThere: the turn is not recorded, or the visitor does not see its route.
        InvalidRequest: a parameter is missing or cannot be used.
    """
    verdict = asked.wanted("verdict")
    if verdict not in VERDICTS:
        raise asked.wrong("verdict", f"is none of {', '.join(get_args(Verdict))}")
    with changing(asked.source.settings.record_folder) as record:
        try:
            id = asked.text("turn")
            if id is None:
                return {"judgement": add(record, _typed(asked, verdict)).as_dict()}
            turn = one(record, id)
            if turn is None or not asked.visitor.sees(turn["route"]):
                raise NotThere(f"turn {id}")
            judged = judge_turn(
                record,
                turn["id"],
                verdict,
                by=BY,
                at=asked.source.clock(),
                document=asked.text("document"),
                question=asked.text("question"),
            )
        except SettingsError as exc:
            raise InvalidRequest(str(exc), code="judgement") from None
    return {"judgement": judged.as_dict()}


def take_back(asked: Asked) -> Json:
    """Remove a judgement.

    Raises:
        NotThere: there is none of that number that the visitor sees.
    """
    number = asked.whole("n")
    with changing(asked.source.settings.record_folder) as record:
        seen = {judgement.n for judgement in seen_judgements(asked, record)}
        if number not in seen:
            raise NotThere(f"judgement {number}")
        remove(record, number)
    return {"removed": number}


def judged(asked: Asked) -> Json:
    """Return what was judged, oldest first.

    Raises:
        Forbidden: the visitor's token is bound to labels.
    """
    asked.check_sees_all()
    with asked.source.record() as record:
        found = judgements(record, corpus=asked.text("corpus"))
    return {"judgements": [judgement.as_dict() for judgement in found]}


def forget(asked: Asked) -> Json:
    """Erase a call: afterwards no byte of its words is in the folder of the record.

    Raises:
        NotThere: there is no such call.
        StoreBusy: another program is reading the record; the call is erased, old bytes are not.
    """
    key = asked.wanted("key")
    gone = 0
    if asked.visitor.sees_all:
        gone = forget_call(asked.source.settings.record_folder, key)
    if not gone:
        raise NotThere(f"call {key}")
    return {"forgotten": gone}


def publish(asked: Asked) -> Json:
    """Serve a generation, an earlier or a later one; a running server takes it over at once.

    Raises:
        StoreMissing: there is no such corpus or generation.
        StoreBusy: an ingest of the corpus is at work.
        SnapshotCorrupt: it cannot be served.
    """
    asked.check_sees_all()
    corpus = asked.wanted("corpus")
    store = asked.source.store
    store.generations(corpus)  # fails before the lock makes a folder of this name
    with store.lock(corpus):
        generation = store.rollback(corpus, asked.text("generation"))
    return {"corpus": corpus, "generation": generation}


def set_threshold(asked: Asked) -> Json:
    """Store the least score of a corpus, as `kbserver calibrate` does; measured on nothing.

    Raises:
        StoreMissing: there is no such corpus.
        InvalidRequest: the score is none.
    """
    asked.check_sees_all()
    corpus = asked.wanted("corpus")
    asked.wanted("min_score")
    min_score = asked.number("min_score", 0.0, most=1.0)
    store = asked.source.store
    manifest = store.manifest(corpus)
    chosen = Calibration(
        min_score=min_score,
        keep=0.0,
        at=CurvePoint(min_score, 0.0, 0.0),
        answerable=0,
        unanswerable=0,
        rough=True,
        generation=manifest.generation,
        fingerprint=scores_by(manifest),
        date=datetime.fromtimestamp(asked.source.clock(), UTC).isoformat(),
        curve=(),
    )
    write_calibration(store.path / corpus, chosen)
    return {"corpus": corpus, "min_score": min_score}


def _typed(asked: Asked, verdict: Verdict) -> Judgement:
    corpus = asked.wanted("corpus")
    asked.check_sees_all()
    asked.source.store.generations(corpus)  # says so if there is no such corpus
    document = asked.text("document")
    if (verdict == "silent") is not (document is None):
        raise asked.wrong("document", "is named with every verdict but silent")
    return Judgement(
        verdict=verdict,
        corpus=corpus,
        by=BY,
        at=asked.source.clock(),
        question=asked.wanted("question"),
        document=document,
    )
