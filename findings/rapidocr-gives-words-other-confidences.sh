#!/usr/bin/env bash
# rapidocr 3.10.0 with onnxruntime 1.32.0: with `return_word_box` a word is given the confidence of
# a character that stands elsewhere in the line.
#
# Expected: a word's confidence is one of its own characters, or made of them.
# Found: the list with one confidence per character, spaces too, is dealt out one per word: the
#   third word gets that of the third character, a space. A price whose first digit is printed over
#   is misread; the recogniser is unsure of it (under 0.5), but the word is said to be sure (over
#   0.9).
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq rapidocr==3.10.0 onnxruntime==1.32.0 pillow==13.0.0
cat >"$work/try.py" <<'PY'
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rapidocr import RapidOCR

picture = Image.new("RGB", (500, 80), "white")
draw, font = ImageDraw.Draw(picture), ImageFont.load_default(24)
draw.text((20, 20), "It is $569 a month", "black", font)
draw.text((20 + draw.textlength("It is $", font), 20), "0", "black", font)
pixels = np.asarray(picture)[:, :, ::-1]

ocr = RapidOCR(params={"Global.log_level": "critical", "Global.return_word_box": True})
words = [(word, confidence) for word, confidence, _ in ocr(pixels).word_results[0]]
recognised = ocr.recognize_txt(ocr.detect_and_crop(pixels, {})[0])
line, confidences = recognised.txts[0], recognised.word_results[0].confs
start = line.index("$")
price, stated = words[2]
own = confidences[start : start + len(price)]
print(line, [word for word, _ in words])
print(len(confidences), "confidences for", len(line), "characters and", len(words), "words")
print("each word has that of the character of its number:", [c for _, c in words] == confidences[:5])
print(price, "is stated with over 0.9:", stated > 0.9, "- its own lowest is under 0.5:", min(own) < 0.5)
PY
found=$("$work/venv/bin/python" "$work/try.py" 2>/dev/null)
echo "$found"
wanted="It is \$669 a month ['It', 'is', '\$669', 'a', 'month']
18 confidences for 18 characters and 5 words
each word has that of the character of its number: True
\$669 is stated with over 0.9: True - its own lowest is under 0.5: True"
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
