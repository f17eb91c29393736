"""The simulator as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from kbserver.errors import OmniError
from kbserver.omni.configure import configure_frame
from kbserver.omni.frames import Event, parse_server
from tests.cli.conftest import ROOT, TOKEN
from tests.omni.conftest import Endpoint


def test_simulate_serves_a_client_records_its_turns_and_stops_at_ctrl_c(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    environment = os.environ | {"KB_TOKEN": TOKEN}
    command = [
        sys.executable,
        "-m",
        "kbserver",
        "simulate",
        "--port",
        "0",
        "--pace",
        "0",
        "--record",
        "turns.jsonl",
        "--probe",
    ]
    simulator = subprocess.Popen(
        command, cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert simulator.stderr is not None and simulator.stdin is not None
        url = _read_until(simulator.stderr.readline, r"connect to\s+(ws://\S+)")
        with connect(f"{url}?api_key=x&session_label=support", proxy=None) as ws:
            ws.send(
                configure_frame(
                    greeting="", kb_endpoint=endpoint.url, kb_token=TOKEN
                ).to_bytes()
            )
            while _event(ws.recv(timeout=60)) != "configured":
                pass
            simulator.stdin.write("how do i reset my pin\n")
            simulator.stdin.flush()
            while _event(ws.recv(timeout=60)) != "transcript":
                pass
        _read_until(simulator.stderr.readline, "(session over)")
        simulator.send_signal(signal.SIGINT)
        assert simulator.wait(60) == 0
    finally:
        simulator.kill()
        simulator.communicate()
    recorded = (tmp_path / "turns.jsonl").read_text()
    turn = next(
        record
        for record in map(json.loads, recorded.splitlines())
        if record["record"] == "turn"
    )
    assert (turn["source"], turn["heard"]) == ("typed", "how do i reset my pin")
    assert TOKEN not in recorded
    assert endpoint.requests[-1]["headers"]["x-kbserver-probe"] == "simulate"


def _read_until(readline: Callable[[], str], pattern: str) -> str:
    for line in iter(readline, ""):
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"the output ended without {pattern}")


def _event(message: Any) -> str:
    frame = parse_server(message)
    return frame.name if isinstance(frame, Event) else ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fault", "nonsense"], "kb-slow"),
        (["--script", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_a_wrong_fault_or_script_is_an_error_that_names_it(
    run, arguments: list[str], words: str
) -> None:
    with pytest.raises(OmniError, match=words):
        run("simulate", *arguments)
