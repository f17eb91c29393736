#!/usr/bin/env bash
# pytrec_eval-terrier 0.5.11: a question that found nothing is left out of the results, so the mean
# over them is the mean of what was answered.
#
# Expected: ten judged questions have ten results; one that no passage was found for counts as 0.
# Found: a search that answers one of ten, and abstains from nine, has a mean nDCG of 1. Only where
#   the run names such a question, with no passages, is it counted.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq pytrec_eval-terrier==0.5.11 numpy==2.4.6
cat >"$work/try.py" <<'PY'
from statistics import fmean

import pytrec_eval

QRELS = {f"question {number}": {"passage": 1} for number in range(10)}
ANSWERED = {"question 0": {"passage": 1.0}}

evaluator = pytrec_eval.RelevanceEvaluator(QRELS, {"ndcg_cut_10"})
for name, run in (
    ("unanswered left out", ANSWERED),
    ("unanswered named", dict.fromkeys(QRELS, {}) | ANSWERED),
):
    results = evaluator.evaluate(run).values()
    mean = fmean(result["ndcg_cut_10"] for result in results)
    print(f"{name}: {len(results)} results of {len(QRELS)} questions, mean nDCG {mean:.1f}")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='unanswered left out: 1 results of 10 questions, mean nDCG 1.0
unanswered named: 10 results of 10 questions, mean nDCG 0.1'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
