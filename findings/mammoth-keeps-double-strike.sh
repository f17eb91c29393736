#!/usr/bin/env bash
# mammoth 1.13.0 with python-docx 1.2.0: text struck out by a double line, or by its style, is
# converted as if it were valid, without a message; text struck out by a single line is marked.
#
# Expected: all that Word shows as struck out is marked alike (<s>), or named in `messages`.
# Found: a price struck out twice stands beside the new one as "99 49", nothing tells them apart.
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
from docx.enum.style import WD_STYLE_TYPE

for name in ("strike", "double_strike", "style"):
    document = docx.Document()
    style = document.styles.add_style("Old price", WD_STYLE_TYPE.CHARACTER)
    style.font.strike = True
    paragraph = document.add_paragraph()
    run = paragraph.add_run("99")
    if name == "style":
        run.style = style
    else:
        setattr(run.font, name, True)
    paragraph.add_run(" 49")
    file = io.BytesIO()
    document.save(file)
    result = mammoth.convert_to_html(file)
    struck = [one for one in result.messages if "strike" in one.message.lower()]
    print(name, result.value, len(struck), "messages about it")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='strike <p><s>99</s> 49</p> 0 messages about it
double_strike <p>99 49</p> 0 messages about it
style <p>99 49</p> 0 messages about it'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
