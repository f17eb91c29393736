"""The field's measures. The only module that imports ir-measures.

Source: ir-measures (MacAvaney, Macdonald, Ounis, ECIR 2022), which computes them with NIST's
trec_eval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import ir_measures
from ir_measures import RR, R, Success, nDCG

from kbserver.evaluation.dataset import Qrels

_MEASURES = {
    "ndcg@10": nDCG @ 10,
    "mrr@10": RR @ 10,
    "recall@1": R @ 1,
    "recall@3": R @ 3,
    "recall@5": R @ 5,
    "hit@1": Success @ 1,
    "hit@3": Success @ 3,
}
RANKING = tuple(_MEASURES)
"""Names of the measures of a ranking, all in [0, 1], higher is better.

recall@k: share of the relevant documents among the first k. hit@k: whether any is there.
mrr@10: 1 / rank of the first, 0 below the tenth.
"""


def measure(
    qrels: Qrels, rankings: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Measure the ranking of each query.

    Args:
        qrels: what is relevant to each query.
        rankings: document ids of each query, best first, none twice; a query that is not there
            found nothing.

    Returns:
        Query id → measure → value, for every query of `qrels`, in its order.
    """
    judged = []
    run = []
    for query, relevant in qrels.items():
        for document, relevance in relevant.items():
            judged.append(ir_measures.Qrel(query, document, relevance))
        for place, document in enumerate(rankings.get(query, ())):
            score = float(-place)  # trec_eval knows no order but that of the scores
            run.append(ir_measures.ScoredDoc(query, document, score))
    names = {measured: name for name, measured in _MEASURES.items()}
    values: dict[str, dict[str, float]] = {query: {} for query in qrels}
    for metric in ir_measures.iter_calc(list(names), judged, run):
        name = names[metric.measure]
        values[metric.query_id][name] = float(metric.value)
    return values


def mean(values: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over some queries; {} for none."""
    rows = list(values)
    if not rows:
        return {}
    return {name: sum(row[name] for row in rows) / len(rows) for name in RANKING}
