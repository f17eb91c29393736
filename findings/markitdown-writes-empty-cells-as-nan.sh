#!/usr/bin/env bash
# markitdown 0.1.9 with openpyxl 3.1.5: an empty cell of an Excel sheet is converted to the word
# NaN.
#
# Expected: a cell in which nothing stands stays empty, as it does when the same table is CSV.
# Found: a plan without a price costs "NaN", and a column of whole numbers becomes one of decimals.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'markitdown[xlsx]==0.1.9' openpyxl==3.1.5
cat >"$work/try.py" <<'PY'
import csv
import sys

import openpyxl
from markitdown import MarkItDown

ROWS = [("Plan", "Price", "Note"), ("Basic", 49, "per month"), ("Custom", None, None)]

book = openpyxl.Workbook()
for row in ROWS:
    book.active.append(row)
book.save(f"{sys.argv[1]}/prices.xlsx")
with open(f"{sys.argv[1]}/prices.csv", "w", newline="") as file:
    csv.writer(file).writerows(ROWS)
for name in ("prices.csv", "prices.xlsx"):
    lines = MarkItDown().convert(f"{sys.argv[1]}/{name}").markdown.splitlines()
    print(name, *[line for line in lines if "Basic" in line or "Custom" in line])
PY
found=$("$work/venv/bin/python" "$work/try.py" "$work" 2>/dev/null)
echo "$found"
wanted='prices.csv | Basic | 49 | per month | | Custom |  |  |
prices.xlsx | Basic | 49.0 | per month | | Custom | NaN | NaN |'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
