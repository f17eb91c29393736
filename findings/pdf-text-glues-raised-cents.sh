#!/usr/bin/env bash
# pypdfium2 5.15.2 and pdfminer.six 20260107: the text of a page glues cents that are set higher and
# smaller behind a price to it, and keeps text that a line is drawn through.
#
# Expected: the raised figures are apart, or a mark says that they are raised; a way to learn that
#   text is struck out.
# Found: $39 with a raised 50 is the text "$3950", a price of 310 that is struck out stands beside
#   the new one. Only the places of the characters and of the drawn lines tell.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq reportlab==5.1.0 pypdfium2==5.15.2 pdfminer.six==20260107
cat >"$work/try.py" <<'PY'
import io

import pypdfium2
from pdfminer.high_level import extract_text
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Paragraph, SimpleDocTemplate

file = io.BytesIO()
style = getSampleStyleSheet()["Normal"]
text = "A boat costs $39<super>50</super>. A tent is <strike>$310</strike> $260."
SimpleDocTemplate(file).build([Paragraph(text, style)])
page = pypdfium2.PdfDocument(file.getvalue())[0]
print("pypdfium2:", page.get_textpage().get_text_range().strip())
print("pdfminer:", extract_text(file).strip())
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='pypdfium2: A boat costs $3950. A tent is $310 $260.
pdfminer: A boat costs $3950. A tent is $310 $260.'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
