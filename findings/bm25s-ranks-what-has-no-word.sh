#!/usr/bin/env bash
# bm25s 0.3.16: a question of which no passage holds a word gets as many hits as any other.
#
# Expected: passages without a word of the question are no hits; a list may be shorter than k.
# Found: `retrieve` fills up to k with passages of score 0. A fusion by rank, which looks at no
#   score, counts them in full: they stand beside what a search by meaning found, or before it.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq bm25s==0.3.16 numpy==2.4.6
cat >"$work/try.py" <<'PY'
import bm25s

PASSAGES = [
    "Bicycles are carried for four euros.",
    "The last boat leaves at ten.",
    "Parking is free of charge.",
    "The imprint names our office.",
]


def tokens(texts):
    return bm25s.tokenize(texts, return_ids=False, show_progress=False)


index = bm25s.BM25()
index.index(tokens(PASSAGES), show_progress=False)
for question in ("When does the last boat leave?", "What does cycling cost?"):
    rows, scores = index.retrieve(tokens([question]), k=3, show_progress=False)
    hits = [score for score in scores[0] if score > 0]
    print(f"{question} {len(rows[0])} hits, {len(hits)} with a word of the question")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='When does the last boat leave? 3 hits, 1 with a word of the question
What does cycling cost? 3 hits, 0 with a word of the question'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
