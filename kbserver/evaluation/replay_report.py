"""What a replay leaves behind: JSON values for machines, and one page for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from importlib.metadata import version
from typing import Any

from kbserver.evaluation.asker import Answer
from kbserver.evaluation.replay import Kind, Replay, Replayed
from kbserver.evaluation.require import Requirement

MOST_QUESTIONS = 1_000
"""That a report names; counts are of all."""

_KINDS: Mapping[Kind, str] = {
    "gone": "document gone",
    "silent": "newly silent",
    "changed": "another document first",
    "answered": "newly answered",
    "same": "as before",
}
"""In the order in which they are shown: what loses most first."""

_SOURCES = {
    "recorded": "turns that callers asked",
    "judged": "judged questions and questions of documents",
}
_SHOWN_MEASURES = ("ndcg@10", "recall@3", "mrr@10", "answered", "false_grounding")


def as_dict(replay: Replay, requirements: Iterable[Requirement]) -> dict[str, Any]:
    """JSON values of a replay: counts, documents by name, every question that is not as before.

    They hold words of callers.
    """
    ordered = [one for kind in _KINDS for one in _of_kind(replay, kind)]
    other = [one for one in ordered if one.kind != "same"]
    judged = None
    if replay.judged is not None:
        judged = asdict(replay.judged)
    changes = replay.documents
    return {
        "kbserver": version("kbserver"),
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "corpus": replay.corpus,
        "before": replay.before,
        "after": replay.after,
        "held": bool(replay.failures),
        "required": [str(one) for one in requirements],
        "failed": list(replay.failures),
        "measures": {name: round(it, 4) for name, it in replay.measures().items()},
        "asked": {
            "source": replay.source,
            "turns": replay.turns,
            "distinct": len(replay.replayed),
            "left_out": replay.left_out,
        },
        "kinds": {kind: replay.count(kind) for kind in _KINDS},
        "documents": {
            "added": list(changes.added),
            "changed": list(changes.changed),
            "gone": [asdict(one) for one in replay.lost],
            "moved": dict(replay.moved),
            "same": changes.same,
        },
        "judged": judged,
        "questions": [_question(one) for one in other[:MOST_QUESTIONS]],
        "questions_left_out": max(0, len(other) - MOST_QUESTIONS),
    }


def page(report: Mapping[str, Any]) -> str:
    """Return what `as_dict` says as one HTML page that needs nothing else to be shown."""
    title = f"{report['corpus']}: what a release would change"
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(title)}</h1>",
        *_head(report),
        *_bar(report["kinds"]),
        *_required(report),
        *_gone(report["documents"]),
        *_questions(report),
        *_judged(report["judged"]),
        *_documents(report["documents"]),
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def first_of(answer: Mapping[str, Any]) -> str:
    """Return what an answer of a report says first, for people."""
    for document in answer["documents"]:
        return f"{document} ({answer['score']:.2f})"
    return "(silence)"


def _of_kind(replay: Replay, kind: Kind) -> list[Replayed]:
    found = [one for one in replay.replayed if one.kind == kind]
    return sorted(found, key=lambda one: -one.weight)


def _question(one: Replayed) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "question": one.asked.query,
        "behind": list(one.behind),
        "origin": one.asked.origin,
        "key": one.asked.key,
        "turns": one.weight,
        "before": _answer(one.before),
        "after": _answer(one.after),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    score = answer.score
    if score is not None:
        score = round(score, 4)
    return {"documents": list(answer.documents), "score": score}


def _head(report: Mapping[str, Any]) -> list[str]:
    verdict = '<p class="good">Everything that was required holds.</p>'
    if report["failed"]:
        verdict = (
            '<p class="bad">Held back: something that was required does not hold.</p>'
        )
    elif not report["required"]:
        verdict = "<p>Nothing was required.</p>"
    asked = report["asked"]
    said = f"{asked['turns']} {_SOURCES[asked['source']]}, {asked['distinct']} of them different"
    if asked["left_out"]:
        said += f"; {asked['left_out']} older ones were left out"
    return [
        f"<p>{escape(report['before'])} → {escape(report['after'])}, "
        f"{escape(report['date'])}</p>",
        verdict,
        f"<p>Asked again: {escape(said)}.</p>",
    ]


def _bar(kinds: Mapping[str, int]) -> list[str]:
    """Draw the shares of the kinds as one bar, with a legend that names every figure."""
    total = sum(kinds.values())
    if not total:
        return [
            "<p>Nothing was asked: no question was recorded, judged or written.</p>"
        ]
    rectangles = []
    legend = []
    left = 0.0
    for kind, name in _KINDS.items():
        share = kinds[kind] / total
        width = round(share * 100.0, 3)
        rectangles.append(
            f'<rect class="{kind}" x="{left}" y="0" width="{width}" height="10"/>'
        )
        left = round(left + width, 3)
        legend.append(
            f'<li><span class="{kind}"></span>{escape(name)}: {kinds[kind]} '
            f"({share:.1%})</li>"
        )
    return [
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" '
        'aria-label="shares of the turns, named below">',
        *rectangles,
        "</svg>",
        f'<ul class="legend">{"".join(legend)}</ul>',
    ]


def _required(report: Mapping[str, Any]) -> list[str]:
    if not report["required"]:
        return []
    rows = []
    for text in report["required"]:
        missed = [one for one in report["failed"] if one.startswith(f"{text}:")]
        said = "holds"
        if missed:
            said = missed[0].removeprefix(f"{text}: ")
        rows.append([text, said])
    return [*_title("Required"), *_table(["requirement", "came out"], rows)]


def _gone(documents: Mapping[str, Any]) -> list[str]:
    gone = [[one["document"], one["questions"]] for one in documents["gone"]]
    if not gone:
        return []
    heading = f"{len(gone)} documents gone"
    return [*_title(heading), *_table(["document", "turns it answered first"], gone)]


def _questions(report: Mapping[str, Any]) -> list[str]:
    rows = []
    for one in report["questions"]:
        kind: Kind = one["kind"]
        said = one["question"] or f"(turn {one['key']})"
        if one["behind"]:
            said = f"{' · '.join(one['behind'])} · {said}"
        before, after = (first_of(one[side]) for side in ("before", "after"))
        rows.append([_KINDS[kind], one["turns"], said, before, after])
    if not rows:
        return []
    columns = ["what", "turns", "question", "before", "after"]
    parts = [
        *_title("Questions that are not answered as before"),
        *_table(columns, rows),
    ]
    if report["questions_left_out"]:
        parts.append(f"<p>… and {report['questions_left_out']} more.</p>")
    return parts


def _judged(judged: Mapping[str, Any] | None) -> list[str]:
    if judged is None:
        return []
    rows = [
        [name, f"{judged['before'][name]:.3f}", f"{judged['after'][name]:.3f}"]
        for name in _SHOWN_MEASURES
        if name in judged["before"] and name in judged["after"]
    ]
    heading = f"{judged['questions']} judged questions"
    return [*_title(heading), *_table(["measure", "before", "after"], rows)]


def _documents(documents: Mapping[str, Any]) -> list[str]:
    parts: list[str] = []
    for what in ("added", "changed"):
        if documents[what]:
            parts += _title(f"{len(documents[what])} documents {what}")
            parts += _table(["document"], [[name] for name in documents[what]])
    if documents["moved"]:
        parts += _title(f"{len(documents['moved'])} documents with another name")
        parts += _table(["before", "now"], documents["moved"].items())
    return parts


def _title(text: str) -> list[str]:
    return [f"<h2>{escape(text)}</h2>"]


def _table(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> list[str]:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = []
    for row in rows:
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in row)
        body.append(f"<tr>{cells}</tr>")
    return [
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>',
        *body,
        "</tbody></table></div>",
    ]


_STYLE = """
:root { color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ccc; }
@media (prefers-color-scheme: dark) { :root { --ink: #eee; --paper: #181818; --line: #555; } }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink);
    background: var(--paper); }
main { max-width: 70rem; margin: 0 auto; padding: 1rem; }
svg { width: 100%; height: 1.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0;
    border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.good { font-weight: bold; color: #1b7f5c; }
.bad { font-weight: bold; color: #c2413a; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; }
.legend span { display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; }
.gone { fill: #7a1f1a; background: #7a1f1a; }
.silent { fill: #c2413a; background: #c2413a; }
.changed { fill: #c98a1b; background: #c98a1b; }
.answered { fill: #1b7f5c; background: #1b7f5c; }
.same { fill: #9aa5ad; background: #9aa5ad; }
"""
