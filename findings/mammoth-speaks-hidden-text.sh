#!/usr/bin/env bash
# mammoth 1.13.0 with python-docx 1.2.0: text that is formatted as hidden in Word is converted as if
# it were shown, without a message.
#
# Expected: what Word neither shows nor prints is left out, marked, or named in `messages`.
# Found: a note to colleagues stands in the middle of the sentence for customers. A price list that
#   is read aloud tells callers how far to go down.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq mammoth==1.13.0 python-docx==1.2.0
cat >"$work/try.py" <<'PY'
import io

import docx
import mammoth

document = docx.Document()
paragraph = document.add_paragraph("The plan costs 49 euros")
paragraph.add_run(" (give it for 35 if they complain)").font.hidden = True
paragraph.add_run(" a month.")
file = io.BytesIO()
document.save(file)
result = mammoth.convert_to_html(file)
hidden = [one for one in result.messages if "hidden" in one.message or "vanish" in one.message]
print(result.value, len(hidden), "messages about it")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='<p>The plan costs 49 euros (give it for 35 if they complain) a month.</p> 0 messages about it'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
