#!/usr/bin/env bash
# unstructured 0.27.35 with python-docx 1.2.0: text that is struck out in a Word file becomes text
# like any other, in the elements, in their metadata and in `elements_to_md`.
#
# Expected: struck text is left out, or marked, as bold text is in the metadata.
# Found: an old price that is struck out stands beside the new one as "$80 $20", in a list and in a
#   table. Set in bold type, it is noted in the metadata.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq 'unstructured[docx]==0.27.35' python-docx==1.2.0
cat >"$work/try.py" <<'PY'
import io

import docx
from unstructured.partition.docx import partition_docx
from unstructured.staging.base import elements_to_md

for name in ("bold", "strike"):
    document = docx.Document()
    item = document.add_paragraph("Plus ", style="List Bullet")
    cells = document.add_table(rows=1, cols=2).rows[0].cells
    cells[0].text = "Plus"
    for paragraph in (item, cells[1].paragraphs[0]):
        setattr(paragraph.add_run("$80").font, name, True)
        paragraph.add_run(" $20")
    file = io.BytesIO()
    document.save(file)
    file.seek(0)
    elements = partition_docx(file=file)
    print(name, "noted:", elements[0].metadata.emphasized_text_contents)
    print(elements_to_md(elements))
PY
found=$(UNSTRUCTURED_DISABLE_NOTICE=1 DO_NOT_TRACK=true "$work/venv/bin/python" "$work/try.py" 2>/dev/null)
echo "$found"
same='Plus $80 $20
<table><tr><td>Plus</td><td>$80 $20</td></tr></table>'
wanted="bold noted: ['\$80']
$same
strike noted: None
$same"
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
