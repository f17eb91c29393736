#!/usr/bin/env bash
# bm25s 0.3.16: words of one letter or figure are no tokens, so plans, zones and sizes that differ
# by one are the same text.
#
# Expected: "zone 2" finds the passage about zone 2 before the one about zone 3.
# Found: `bm25s.tokenize` keeps runs of two and more word characters, with stop words or without.
#   Both passages are the same words and have the same score for either question.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq bm25s==0.3.16 numpy==2.4.6
cat >"$work/try.py" <<'PY'
import bm25s

PASSAGES = [
    "A ticket for zone 2 costs 4 euros.",
    "A ticket for zone 3 costs 6 euros.",
    "Dogs travel for nothing.",
]


def tokens(texts):
    return bm25s.tokenize(texts, stopwords=[], return_ids=False, show_progress=False)


words = tokens(PASSAGES)
index = bm25s.BM25()
index.index(words, show_progress=False)
print("zone 2 reads:", *words[0])
print("zone 3 reads:", *words[1])
for question in ("zone 2", "zone 3"):
    two, three, dogs = index.get_scores(tokens([question])[0])
    print(f"{question}: both passages score the same: {two == three > dogs}")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='zone 2 reads: ticket for zone costs euros
zone 3 reads: ticket for zone costs euros
zone 2: both passages score the same: True
zone 3: both passages score the same: True'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
