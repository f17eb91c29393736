#!/usr/bin/env bash
# bm25s 0.3.16: Hindi words are cut at their vowel signs, and what is left of most is thrown away.
#
# Expected: four Hindi words are four tokens, as they are in Latin letters.
# Found: `\w` of the pattern does not match a vowel sign, and parts of one letter are no tokens. Of
#   राउटर, router, उटर is left; of रिचार्ज, recharge, and of the two little words nothing. Then a
#   question of common words finds nothing at all, without a message.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq bm25s==0.3.16 numpy==2.4.6
cat >"$work/try.py" <<'PY'
import bm25s

for text in ("router ki recharge hai", "राउटर की रिचार्ज है"):
    (words,) = bm25s.tokenize([text], stopwords=[], return_ids=False, show_progress=False)
    print(len(text.split()), "words,", len(words), "tokens:", *words)
PY
found=$(PYTHONUTF8=1 "$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='4 words, 4 tokens: router ki recharge hai
4 words, 1 tokens: उटर'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
