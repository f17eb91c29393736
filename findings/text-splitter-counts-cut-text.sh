#!/usr/bin/env bash
# semantic-text-splitter 0.33.1 with tokenizers 0.23.3: with a tokenizer that cuts long texts, a
# whole document becomes one chunk.
#
# Expected: `from_huggingface_tokenizer(tokenizer, capacity)` gives chunks of at most so many
#   tokens of the text. A tokenizer's file may say that it cuts: that of all-MiniLM-L6-v2, a model
#   that reads 256 tokens, does at 128.
# Found: tokens are counted behind the cut, so no text has more than 128 of them. A capacity of 100
#   makes chunks as wanted; one of 256 makes a single chunk of 3,000 words, of which the model then
#   reads the beginning.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq semantic-text-splitter==0.33.1 tokenizers==0.23.3
cat >"$work/try.py" <<'PY'
from semantic_text_splitter import TextSplitter
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

CUT = 128
WORDS = ["The", "boat", "leaves", "at", "nine", "."]

tokenizer = Tokenizer(WordLevel({word: row for row, word in enumerate(WORDS)}))
tokenizer.pre_tokenizer = Whitespace()
text = "The boat leaves at nine . " * 500
for cuts in (False, True):
    if cuts:
        tokenizer.enable_truncation(CUT)
    for capacity in (100, 256):
        splitter = TextSplitter.from_huggingface_tokenizer(tokenizer, capacity)
        longest = max(len(chunk.split()) for chunk in splitter.chunks(text))
        print(f"cuts {cuts}, capacity {capacity}: the longest chunk has {longest} words")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='cuts False, capacity 100: the longest chunk has 96 words
cuts False, capacity 256: the longest chunk has 252 words
cuts True, capacity 100: the longest chunk has 96 words
cuts True, capacity 256: the longest chunk has 3000 words'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
