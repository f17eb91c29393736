"""Writers killed at their steps leave the old generation or the new one, whole, and no litter.

`HOSTILE_CRASHES=1000` kills more of them, at every change they make to files.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COUNT = os.environ.get("HOSTILE_CRASHES", "8")
ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each case is a forked process")
def test_a_writer_killed_at_any_step_loses_nothing_and_leaves_no_litter(tmp_path):
    # A process of its own: this one may have threads, which a fork does not take along.
    command = [sys.executable, "-m", "tests.hostile.crash", "--count", COUNT]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert not done.stderr
    figures = json.loads(done.stdout)
    print(json.dumps(figures, indent=2))
    assert figures["failures"] == []
    assert figures["cases"] == int(COUNT)
