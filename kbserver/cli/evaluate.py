"""`kbserver eval`: how good the answers are."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from kbserver import extras
from kbserver.cli.ingest import Shown
from kbserver.cli.options import AsJson, Config
from kbserver.cli.questions import asked
from kbserver.cli.terminal import (
    complain,
    line,
    log_to_terminal,
    out,
    print_json,
    print_table,
)
from kbserver.errors import SettingsError

if TYPE_CHECKING:
    from kbserver.cli.questions import OnProgress
    from kbserver.evaluation.ask import Variant
    from kbserver.evaluation.compare import Comparison
    from kbserver.evaluation.dataset import Dataset
    from kbserver.evaluation.evaluate import Evaluation
    from kbserver.evaluation.target import Target
    from kbserver.index.manifest import Manifest
    from kbserver.settings import Settings


_RANKING = ("ndcg@10", "mrr@10", "recall@1", "recall@3", "recall@5")
_SPOKEN = ("answered", "kept", "false_grounding", "false_smalltalk")
_HEADINGS = {"false_grounding": "false", "false_smalltalk": "small talk"}
# Questions that lost most against the baseline; the saved runs hold them all.
_WORST = 5


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="eval")(evaluate)


def evaluate(
    target: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS-OR-FOLDER",
            help="A corpus of the store, a store, a folder with corpus.jsonl, "
            "or a folder of documents.",
        ),
    ],
    queries: Annotated[
        list[Path] | None,
        typer.Option(
            help="queries.jsonl; may be repeated.  \\[default: the one in the folder]"
        ),
    ] = None,
    qrels: Annotated[
        Path | None,
        typer.Option(
            help="qrels.tsv, or a folder of them.  \\[default: what lies in the folder]"
        ),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option(help="Which corpus, if a store holds several.")
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Store of the corpus; for documents, where they are ingested.  "
            "\\[default: store; a cache]",
        ),
    ] = None,
    config: Config = None,
    arms: Annotated[
        list[str] | None,
        typer.Option(
            help="hybrid, lexical or dense; may be repeated.  \\[default: all three]"
        ),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Also switch each speech step off in turn.")
    ] = False,
    min_score: Annotated[
        float | None, typer.Option(help="Evaluate with this least score, 0 to 1.")
    ] = None,
    history: Annotated[
        bool, typer.Option(help="Say the earlier turns of a question first.")
    ] = True,
    timed: Annotated[
        int,
        typer.Option(
            min=0, help="Questions whose time is measured, one after the other."
        ),
    ] = 200,
    require: Annotated[
        list[str] | None,
        typer.Option(
            help="What must hold, or the exit code is 1: "
            "'ndcg@10>=0.7', 'recall@3\\[misheard]>=0.8'.",
        ),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="A saved run to compare with, question by question."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Save this run, to compare with later.")
    ] = None,
    run_file: Annotated[
        Path | None,
        typer.Option(help="Write the ranking of the first variant as a TREC run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well questions find their passages, and how often a wrong one is said.

    Questions are asked on the path of a turn, in process. Hits are judged by qrels (records or
    files), else by whether a passage holds the question's `answer`. Questions whose `kind` is
    unanswerable, not-knowledge-seeking or smalltalk should get nothing. Rankings are measured over
    all hits; `answered`, `kept` and the false groundings at the least score in force. Time is
    measured in a pass of its own, under the real deadline.

    Example:  kbserver eval corpora/broadband --require 'ndcg@10>=0.7'
    """
    extras.require("evaluation", "kbserver eval")
    from kbserver.evaluation.report import (
        against,
        as_dict,
        read_run,
        write,
        write_trec_run,
    )
    from kbserver.evaluation.require import read_requirement
    from kbserver.evaluation.target import cache_folder, find_target
    from kbserver.settings import read_settings

    variants = _variants(arms, ablate)
    required = [read_requirement(text) for text in require or ()]
    before = None
    if baseline:
        before = read_run(baseline)
    log_to_terminal()
    settings = read_settings(config, store=store, min_score=min_score)
    where = find_target(
        target, store=settings.store, cache=store or cache_folder(), corpus=corpus
    )
    dataset = _dataset(where, target, queries, qrels)
    with Shown() as shown:
        where.prepare(shown.on_progress)
    with asked() as on_progress:
        evaluation, manifest = asyncio.run(
            _evaluated(
                settings,
                where,
                dataset,
                variants,
                history=history,
                timed=timed,
                on_progress=on_progress,
            )
        )
    compared: dict[str, list[Comparison]] = {}
    if before is not None:
        compared = against(evaluation, before)
    checked = [one.failure(evaluation, variants[0].name) for one in required]
    failures = [failure for failure in checked if failure is not None]
    values = as_dict(evaluation, manifest)
    if save:
        write(save, json.dumps(values, ensure_ascii=False, indent=1) + "\n")
    if run_file:
        write_trec_run(run_file, evaluation, variants[0].name)
    if as_json:
        for variant in values["variants"].values():
            del variant["per_query"], variant["best_score"]
        print_json(values | {"against": _rows(compared), "failed": failures})
    else:
        _show(evaluation, manifest)
        if before is not None:
            _show_comparison(evaluation, compared, before)
    for failure in failures:
        complain(f"not met: {failure}")
    if failures:
        raise typer.Exit(1)


def _dataset(
    where: Target, named: str, queries: list[Path] | None, qrels: Path | None
) -> Dataset:
    """Read the questions and judgements that are named, else those beside the corpus."""
    from kbserver.evaluation.dataset import read_dataset

    if qrels is None and queries is None:
        qrels = where.qrels
    if not queries and where.queries:
        queries = [where.queries]
    if not queries:
        raise SettingsError(f"no queries.jsonl beside {named}; name one with --queries")
    return read_dataset(queries, qrels)


async def _evaluated(
    settings: Settings,
    where: Target,
    dataset: Dataset,
    variants: list[Variant],
    *,
    history: bool,
    timed: int,
    on_progress: OnProgress,
) -> tuple[Evaluation, Manifest]:
    from kbserver.evaluation.ask import asking
    from kbserver.evaluation.evaluate import evaluate

    async with asking(settings, where.store) as server:
        retriever = server.corpora.served(where.corpus)
        base = settings.turn_settings()
        least = retriever.min_score(
            base, in_scope=any(question.scope for question in dataset.questions)
        )
        evaluation = await evaluate(
            server,
            where.corpus,
            dataset,
            variants,
            base=base,
            min_score=least,
            history=history,
            timed=timed,
            on_progress=on_progress,
        )
        return evaluation, retriever.snapshot.manifest


def _variants(arms: list[str] | None, ablate: bool) -> list[Variant]:
    from kbserver.evaluation.ask import ABLATIONS, ARMS

    known = {variant.name: variant for variant in ARMS}
    for name in arms or ():
        if name not in known:
            raise SettingsError(f"--arms {name!r}: wanted one of {', '.join(known)}")
    chosen = [known[name] for name in dict.fromkeys(arms or known)]
    if ablate:
        chosen += ABLATIONS
    return chosen


def _rows(compared: dict[str, list[Comparison]]) -> dict[str, list[dict[str, object]]]:
    return {name: [asdict(row) for row in rows] for name, rows in compared.items()}


def _show(evaluation: Evaluation, manifest: Manifest) -> None:
    counts = evaluation.dataset.counts()
    judged = counts.get("documents", 0) + counts.get("answer", 0)
    said = [f"{judged} answerable"] + [
        f"{counts[name]} {word}" for name, word in _OTHER if name in counts
    ]
    generation = f"{manifest.passages} passages, generation {manifest.generation}"
    out.print(f"{manifest.corpus}: {generation}, {', '.join(said)}")
    if evaluation.missing:
        count, first_missing = len(evaluation.missing), evaluation.missing[0]
        out.print(
            line(
                f"  {count} judged documents are not in the corpus ({first_missing}, …)"
            )
        )
    out.print()
    print_table(
        _table(
            "variant", {name: evaluation.summary(name) for name in evaluation.variants}
        )
    )
    first = next(iter(evaluation.variants))
    kinds = evaluation.kinds()
    if kinds:
        out.print()
        print_table(
            _table(
                f"{first}, by kind",
                {kind: evaluation.summary(first, kind) for kind in kinds},
            )
        )
    out.print()
    out.print(
        "answered, kept and false groundings at "
        f"min_score {evaluation.min_score:.3f}, top_k {evaluation.top_k}"
    )
    took = evaluation.latency
    if took is not None:
        out.print(
            f"{took.turns} turns, one at a time: p50 {took.p50_ms:.1f}   "
            f"p95 {took.p95_ms:.1f}   p99 {took.p99_ms:.1f} ms; "
            f"{took.in_budget:.1%} answered by all arms inside {took.deadline_ms} ms"
        )


_OTHER = (
    ("nothing", "unanswerable"),
    ("smalltalk", "small talk"),
    ("none", "not judged"),
)


def _table(title: str, rows: dict[str, dict[str, float]]) -> Table:
    """A row for each name, with the columns that any of them has; – for what is not measured."""
    columns = [
        name
        for name in (*_RANKING, *_SPOKEN, "degraded")
        if any(name in row for row in rows.values())
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(title)
    for column in ("questions", *columns):
        table.add_column(_HEADINGS.get(column, column), justify="right")
    for name, row in rows.items():
        cells = [f"{row[column]:.3f}" if column in row else "–" for column in columns]
        table.add_row(line(name or "(no kind)"), f"{row['questions']:.0f}", *cells)
    return table


def _show_comparison(
    evaluation: Evaluation,
    compared: dict[str, list[Comparison]],
    before: dict[str, dict[str, dict[str, float]]],
) -> None:
    from kbserver.evaluation.compare import changed_most

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in (
        "against the earlier run",
        "measure",
        "questions",
        "before",
        "after",
        "won",
        "lost",
        "p",
    ):
        table.add_column(
            column,
            justify="left"
            if column in ("against the earlier run", "measure")
            else "right",
        )
    for name, rows in compared.items():
        for row in rows:
            table.add_row(
                line(name),
                row.measure,
                str(row.questions),
                f"{row.before:.4f}",
                f"{row.after:.4f}",
                str(row.wins),
                str(row.losses),
                f"{row.p_value:.4f}",
            )
    out.print()
    print_table(table)
    out.print("p: paired randomisation test, two-sided")
    name, rows = next(iter(compared.items()))
    texts = {question.id: question.text for question in evaluation.dataset.questions}
    changes = changed_most(
        before[name], evaluation.variants[name].per_query, rows[0].measure
    )
    for id, change in [one for one in changes if one[1] < 0][:_WORST]:
        out.print(line(f"  {change:+.2f}  {id}  {texts[id][:90]}"))
