#!/usr/bin/env bash
# docling-parse 7.23.1 (it reads PDF for docling) with reportlab 5.1.0: lines of two columns are
# joined into one line if the file draws the page row by row.
#
# Expected: two pages that look the same are read the same; 14 points, wider than four spaces of the
#   11 point type, are a gap between columns.
# Found: drawn column by column, the columns come one after the other; drawn row by row, "costs 49"
#   of the left column runs on into the right one within one line.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq docling-parse==7.23.1 docling-core==2.104.0 reportlab==5.1.0
cat >"$work/try.py" <<'PY'
import sys

from docling_core.types.doc.page import TextCellUnit
from docling_parse.pdf_parser import DoclingPdfParser
from reportlab.pdfgen import canvas

LEFT = ["The Basic plan costs 49", "a month and holds two"]
RIGHT = ["The Plus plan costs 99", "a month and holds nine"]
path = f"{sys.argv[1]}/plans.pdf"
for by in ("columns", "rows"):
    page = canvas.Canvas(path)
    page.setFont("Helvetica", 11)
    right = 60 + max(page.stringWidth(text, "Helvetica", 11) for text in LEFT) + 14
    texts = [(60, 700 - 14 * row, text) for row, text in enumerate(LEFT)]
    texts += [(right, 700 - 14 * row, text) for row, text in enumerate(RIGHT)]
    if by == "rows":
        texts.sort(key=lambda text: (-text[1], text[0]))
    for text in texts:
        page.drawString(*text)
    page.save()
    read = DoclingPdfParser(loglevel="fatal").load(path).get_page(1)
    print(f"by {by}:", " / ".join(cell.text for cell in read.iterate_cells(TextCellUnit.LINE)))
PY
found=$("$work/venv/bin/python" "$work/try.py" "$work" 2>/dev/null)
echo "$found"
wanted='by columns: The Basic plan costs 49 / a month and holds two / The Plus plan costs 99 / a month and holds nine
by rows: The Basic plan costs 49 The Plus plan costs 99 / a month and holds two a month and holds nine'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
