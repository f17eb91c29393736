"""What `benchmarks/quality.py` measured, as a page of tables."""

from __future__ import annotations

import datetime as dt
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from benchmarks.quality_sets import Result
from kbserver.evaluation.ask import ABLATIONS, ARMS
from kbserver.evaluation.calibrate import Scores, scores_of
from kbserver.evaluation.compare import compare
from kbserver.evaluation.evaluate import Measured
from kbserver.evaluation.synthetic import EVERYDAY
from kbserver.evaluation.threshold import KEEP, choose
from kbserver.retrieval.calibration import DEFAULT_MIN_SCORE

PerQuery = Mapping[str, Mapping[str, float]]

REFERENCE = DEFAULT_MIN_SCORE  # at which all sets are compared
_AT = f"at {REFERENCE:.2g}".replace("0.", ".")

STEPS = [
    variant for variant in ABLATIONS if variant.name != "no gate"
]  # the gate ranks nothing

# nDCG@10 of BM25 (bm25s, k1 .9, b .4), dense (all-MiniLM-L6-v2, windows of 180 words, exact),
# their reciprocal rank fusion (k 60) and .4/.6 of both, each normalised per query.
BASELINES = {
    "noiseqa clean": (0.914, 0.848, 0.915, 0.941),
    "noiseqa asr_synthetic": (0.868, 0.807, 0.877, 0.907),
    "noiseqa asr_natural": (0.765, 0.678, 0.769, 0.813),
    "stackfaq spoken": (0.782, 0.959, 0.889, 0.928),
    "wixqa spoken": (0.735, 0.841, 0.825, 0.843),
    "clapnq": (0.920, 0.987, 0.964, 0.984),
    "mtrag lastturn": (0.567, 0.656, 0.641, 0.665),
    "mtrag rewrite": (0.586, 0.684, 0.677, 0.695),
    "dstc10 asr, in its scope": (0.793, 0.869, 0.847, None),
    "dstc10 asr": (0.074, 0.144, 0.118, 0.116),
}


def arms_table(results: Sequence[Result]) -> list[str]:
    """nDCG@10 of the arms apart and together, beside the baselines; and what a caller hears."""
    lines = [
        "| set | questions | BM25 | dense | RRF | sum | lexical | dense | **hybrid** "
        "| vs better arm (p) | vs sum "
        "| recall@1 | recall@3 | MRR@10 |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        means = {arm.name: result.full.summary(arm.name) for arm in ARMS}
        hybrid = means["hybrid"]
        baseline = BASELINES.get(result.row.name, (None,) * 4)
        over_sum = "–"
        if baseline[3] is not None:
            over_sum = signed(hybrid["ndcg@10"] - baseline[3])
        better = max(("lexical", "dense"), key=lambda arm: means[arm]["ndcg@10"])
        versus = compare(
            result.full.variants[better].per_query,
            result.full.variants["hybrid"].per_query,
            "ndcg@10",
        )
        difference = "–"
        if versus:
            difference = f"{versus.difference:+.3f} ({versus.p_value:.3f})"
        lines.append(
            line(
                result.row.name,
                f"{hybrid['answerable']:.0f}",
                *(share(value) for value in baseline),
                *(share(means[arm]["ndcg@10"]) for arm in ("lexical", "dense")),
                f"**{share(hybrid['ndcg@10'])}**",
                difference,
                over_sum,
                *(share(hybrid[name]) for name in ("recall@1", "recall@3", "mrr@10")),
            )
        )
    return lines


def ablation_table(results: Sequence[Result]) -> list[str]:
    """What nDCG@10 loses or gains when a step is switched off, on the same questions."""
    names = [step.name.removeprefix("no ") for step in STEPS]
    lines = [line("set", "questions", *names), "|---|--:|" + "--:|" * len(names)]
    for result in results:
        hybrid = result.full.variants["hybrid"].per_query
        cells = []
        for step in STEPS:
            cells.append(_effect(result.ablated.variants.get(step.name), hybrid))
        lines.append(
            line(result.row.name, f"{len(result.ablated.dataset.questions)}", *cells)
        )
    return lines


def _effect(without: Measured | None, hybrid: PerQuery) -> str:
    """The difference that one step makes; – where it was not asked."""
    if without is None:
        return "–"
    found = compare(without.per_query, hybrid, "ndcg@10")
    if found is None:
        return "–"
    return f"{found.difference:+.3f}{stars(found.p_value)}"


def abstention_table(results: Sequence[Result]) -> list[str]:
    """Kept right passages against false groundings, at a fixed and at a calibrated least score."""
    lines = [
        f"| set | right | wrong | AUC | {_AT}: kept | {_AT}: false | calibrated | kept | false "
        f"| other half: kept | other half: false | everyday, {_AT}: false |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        if result.nothing is None:
            continue
        right = scores_of(result.full, "hybrid").right
        everyday: list[float] = []
        wrong: list[float] = []
        answers = result.nothing.variants["hybrid"].answers
        for question in result.nothing.dataset.questions:
            answer = answers[question.id]
            judgement = result.nothing.dataset.judgement(question)
            if judgement != "nothing" or answer.gated:
                continue
            if question.id.startswith("everyday"):
                everyday.append(answer.best_score)
            else:
                wrong.append(answer.best_score)
        spoken = sum(score >= REFERENCE for score in everyday) / len(everyday)
        if len(wrong) < 10 or len(right) < 10:
            lines.append(
                line(result.row.name, str(len(right)), "–", *["–"] * 8, share(spoken))
            )
            continue
        chosen, kept, false = choose(right, wrong), *at(Scores(right, wrong), REFERENCE)
        halves = held_out(Scores(right, wrong))
        lines.append(
            line(
                result.row.name,
                str(len(right)),
                str(len(wrong)),
                share(auc(right, wrong)),
                share(kept),
                share(false),
                share(chosen.min_score),
                share(chosen.kept),
                share(chosen.false_groundings),
                *map(share, halves),
                share(spoken),
            )
        )
    return lines


def at(scores: Scores, least: float) -> tuple[float, float]:
    """(kept, false) at one least score."""
    right = np.asarray(scores.right)
    wrong = np.asarray(scores.wrong)
    kept = right >= least
    false = (wrong >= least) & (wrong > 0)
    return float(kept.mean()), float(false.mean())


def held_out(scores: Scores) -> tuple[float, float]:
    """(kept, false), the least score chosen on every other question; the mean of both halves."""
    ways = []
    for first in (0, 1):
        chosen = choose(scores.right[first::2], scores.wrong[first::2])
        ways.append(
            at(
                Scores(scores.right[1 - first :: 2], scores.wrong[1 - first :: 2]),
                chosen.min_score,
            )
        )
    kept, false = np.mean(ways, axis=0).tolist()
    return kept, false


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """How often a right passage scores above a wrong one; .5 is chance (Mann and Whitney 1947)."""
    ranks = rankdata([*right, *wrong])
    return float(
        (ranks[: len(right)].sum() - len(right) * (len(right) + 1) / 2)
        / (len(right) * len(wrong))
    )


OF_KIND = ("ndcg@10", "recall@1", "recall@3", "answered")


def kinds_table(results: Sequence[Result]) -> list[str]:
    """The sets whose questions are of several kinds, kind by kind."""
    lines = [
        f"| set | kind | questions | nDCG@10 | recall@1 | recall@3 | answered {_AT} |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        for kind in result.full.kinds():
            found = result.full.summary("hybrid", kind)
            lines.append(
                line(
                    result.row.name,
                    kind,
                    f"{found['questions']:.0f}",
                    *(share(found.get(name)) for name in OF_KIND),
                )
            )
        if result.nothing is not None and result.full.kinds():
            talk = result.nothing.summary("hybrid", "smalltalk")
            if talk["questions"]:
                false = share(talk["false_smalltalk"])
                lines.append(
                    line(
                        result.row.name,
                        "smalltalk",
                        f"{talk['questions']:.0f}",
                        "–",
                        "–",
                        "–",
                        f"false: {false}",
                    )
                )
    return lines


def latency_table(results: Sequence[Result]) -> list[str]:
    """Whole turns inside the server, one at a time, embeddings not yet known."""
    lines = [
        "| set | passages | turns | p50 | p95 | p99 ms | in budget |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in results:
        took = result.full.latency
        if took is not None:
            times = (
                f"{value:.1f}" for value in (took.p50_ms, took.p95_ms, took.p99_ms)
            )
            lines.append(
                line(
                    result.row.name,
                    f"{result.passages:,}",
                    str(took.turns),
                    *times,
                    f"{took.in_budget:.1%}",
                )
            )
    return lines


def findings(results: Sequence[Result]) -> list[str]:
    """The figures that were set as targets."""
    by_name = {result.row.name: result for result in results}
    ndcg = {
        name: result.full.summary("hybrid")["ndcg@10"]
        for name, result in by_name.items()
    }
    lines = []
    with_sum = [
        name
        for name in BASELINES
        if name in ndcg and BASELINES[name][3] is not None and name != "dstc10 asr"
    ]
    if with_sum:
        ours, theirs = (
            np.mean([table[name] for name in with_sum])
            for table in (ndcg, {n: BASELINES[n][3] for n in with_sum})
        )
        lines.append(
            f"- Mean of the {len(with_sum)} sets with a fixed-sum baseline: "
            f"{ours:.3f} against {theirs:.3f} ({ours - theirs:+.3f})."
        )
    below = []
    for name, result in by_name.items():
        better = max(
            result.full.summary(arm)["ndcg@10"] for arm in ("lexical", "dense")
        )
        if ndcg[name] < better - 0.005:
            below.append(f"{name} ({ndcg[name] - better:+.3f})")
    lines.append(
        f"- More than half a point below the better arm: {', '.join(below) or 'none'}."
    )
    if {"noiseqa clean", "noiseqa asr_natural"} <= ndcg.keys():
        gap = ndcg["noiseqa clean"] - ndcg["noiseqa asr_natural"]
        lines.append(
            f"- noiseqa, clean minus real recogniser: {gap:.3f} "
            "(the fixed sum: .128; wanted: at most .085)."
        )
    if "dstc10 asr, in its scope" in by_name:
        hit = by_name["dstc10 asr, in its scope"].full.summary("hybrid")["hit@1"]
        lines.append(f"- dstc10 inside its entity, hit@1: {hit:.3f} (wanted: .86).")
    if {"mtrag lastturn", "mtrag rewrite"} <= ndcg.keys():
        last = by_name["mtrag lastturn"]
        alone = compare(
            last.ablated.variants["no follow_up"].per_query,
            last.full.variants["hybrid"].per_query,
            "ndcg@10",
        )
        if alone is not None:
            way = (alone.after - alone.before) / (ndcg["mtrag rewrite"] - alone.before)
            lines.append(
                f"- mtrag last turns: {alone.before:.3f} alone, "
                f"{alone.after:.3f} with the memory of the call, "
                f"{ndcg['mtrag rewrite']:.3f} rewritten by people: "
                f"{way:.0%} of the way (wanted: 50 %)."
            )
            without, within = (
                evaluation.summary(name, "standalone")["ndcg@10"]
                for evaluation, name in (
                    (last.ablated, "no follow_up"),
                    (last.full, "hybrid"),
                )
            )
            lines.append(
                f"- mtrag questions that stand alone: {without:.3f} without the memory, "
                f"{within:.3f} with it."
            )
    return lines


def page(
    results: Sequence[Result], command: str, minutes: float, ablated: int, timed: int
) -> str:
    """The whole report as Markdown."""
    parts = [
        "# Quality of retrieval",
        f"`{command}`",
        f"{dt.date.today().isoformat()} · {machine()} · {minutes:.0f} minutes, "
        "ingest included where it was due.",
        "Every question takes the path of a turn, in process. Rankings are of documents (a "
        "document stands where its best passage does), over hits of any score. The licence and "
        "source of each set lie beside it; `spoken` wordings are mechanical, `asr` ones come from "
        "recognisers. all-MiniLM-L6-v2 was trained on Stack Exchange, SQuAD and NQ, so stackfaq "
        "and clapnq flatter it.",
        "## What was set as a target",
        "\n".join(findings(results)),
        "## Arms apart and together",
        "nDCG@10. BM25, dense, RRF and sum are plain baselines over windows of 180 words. "
        "p: paired randomisation test.",
        "\n".join(arms_table(results)),
        "## What each speech step gives",
        f"nDCG@10 with the step minus without it, on up to {ablated} questions of each set. "
        "* p < .05, ** p < .01.",
        "\n".join(ablation_table(results)),
        "## Saying nothing",
        "Scores of right passages among the three a turn speaks, against the best score of "
        "questions the corpus does not answer. Calibrated: the largest kept − false that keeps "
        f"{KEEP:.0%}, chosen on all of them; other half: chosen on every other question and "
        f"measured on the rest, both ways. Everyday: {len(EVERYDAY)} questions about other things "
        "altogether.",
        "\n".join(abstention_table(results)),
        "## By kind",
        "\n".join(kinds_table(results)),
        "## Time",
        f"Up to {timed} turns of each set under the real deadline, one at a time.",
        "\n".join(latency_table(results)),
    ]
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """Processor, cores and Python, as far as the system tells."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        named = [
            text.partition(":")[2].strip()
            for text in info.read_text().splitlines()
            if text.startswith("model name")
        ]
        if named:
            model = named[0]
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def line(*cells: str) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def share(value: float | None) -> str:
    """`.915`; – for None."""
    if value is None:
        return "–"
    if value < 1:
        return f"{value:.3f}".removeprefix("0")
    return f"{value:.3f}"


def signed(value: float) -> str:
    """`+0.012`."""
    return f"{value:+.3f}"


def stars(p_value: float) -> str:
    """How sure a difference is."""
    if p_value < 0.01:
        return "**"
    if p_value < 0.05:
        return "*"
    return ""
