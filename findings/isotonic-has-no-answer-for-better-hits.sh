#!/usr/bin/env bash
# scikit-learn 1.9.1: a calibration by `IsotonicRegression` gives NaN for a score that is higher
# than all it was fitted to, so the surest hits are refused.
#
# Expected: a better score than any that was judged is at least as likely to be right as the best.
# Found: beyond the range that was seen the default is NaN, which no threshold lets pass: 0.95 is
#   spoken, 0.97 is not. Only `out_of_bounds="clip"` gives it the best answer that is known.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq scikit-learn==1.9.1 numpy==2.4.6
cat >"$work/try.py" <<'PY'
from sklearn.isotonic import IsotonicRegression

SCORES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
RIGHT = [0, 0, 0, 1, 0, 1, 1, 1, 1, 1]

calibration = IsotonicRegression(y_min=0, y_max=1).fit(SCORES, RIGHT)
for score in (0.3, 0.95, 0.97):
    likely = float(calibration.predict([score])[0])
    print(f"score {score}: right with {likely:.2f}, spoken from 0.50 on: {likely >= 0.5}")
PY
found=$("$work/venv/bin/python" "$work/try.py")
echo "$found"
wanted='score 0.3: right with 0.00, spoken from 0.50 on: False
score 0.95: right with 1.00, spoken from 0.50 on: True
score 0.97: right with nan, spoken from 0.50 on: False'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
