#!/usr/bin/env bash
# transformers 5.24.0 with tokenizers 0.23.3: a BERT model's folder is read as two tokenizers, by
# `AutoTokenizer` and by `Tokenizer.from_file`.
#
# Expected: tokenizer.json is the whole tokenizer, so either library cuts a text into the same
#   tokens.
# Found: where the file says that large letters stay, transformers makes them small all the same:
#   it builds the part that writes letters alike from other settings. A model that is served by
#   ONNX Runtime with the file itself then embeds other tokens than the one that was trained or
#   tested.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq transformers==5.24.0 tokenizers==0.23.3
cat >"$work/try.py" <<'PY'
import json
import sys
from pathlib import Path

from tokenizers import BertWordPieceTokenizer, Tokenizer
from transformers import AutoTokenizer

folder = Path(sys.argv[1]) / "model"
folder.mkdir()
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Plus", "plus"]
vocabulary = {word: row for row, word in enumerate(words)}
made = BertWordPieceTokenizer(vocabulary, lowercase=False, strip_accents=False)
made.save(str(folder / "tokenizer.json"))
(folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))
print("tokenizers:", Tokenizer.from_file(str(folder / "tokenizer.json")).encode("Plus").tokens)
print("transformers:", AutoTokenizer.from_pretrained(folder)("Plus").tokens())
PY
found=$("$work/venv/bin/python" "$work/try.py" "$work" 2>/dev/null)
echo "$found"
wanted="tokenizers: ['[CLS]', 'Plus', '[SEP]']
transformers: ['[CLS]', 'plus', '[SEP]']"
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
