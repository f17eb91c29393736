"""The commands that pair kbserver with Omni, run as a user runs them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner
from websockets.sync.client import connect

from kbserver.cli import omni
from kbserver.errors import KbServerError, OmniError, SettingsError
from kbserver.omni.configure import configure_frame
from kbserver.omni.frames import Event, parse_server
from kbserver.omni.serving import base_url, serving
from tests.omni.conftest import Endpoint

ROOT = Path(__file__).parents[2]
TOKEN = "s3cr3t-token-of-32-characters-xx"


@pytest.fixture
def app() -> typer.Typer:
    application = typer.Typer(pretty_exceptions_enable=False)
    application.callback()(lambda: None)
    omni.register(application)
    return application


@pytest.fixture
def run(app: typer.Typer, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("KB_TOKEN", TOKEN)
    monkeypatch.setenv("PYAI_API_KEY", "pyai_test_key")

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if isinstance(result.exception, KbServerError):
            raise result.exception
        return result

    return invoke


def test_configure_prints_the_frame_with_its_token_masked(run) -> None:  # type: ignore[no-untyped-def]
    result = run(
        "configure",
        "--kb-endpoint",
        "https://kb.example.com/kb",
        "--greeting",
        "",
        "--set",
        "seed=7",
    )
    assert json.loads(result.stdout) == {
        "type": "configure",
        "kb_endpoint": "https://kb.example.com/kb",
        "kb_token": "***",
        "greeting": "",
        "seed": 7,
    }


def test_an_endpoint_without_a_token_is_noted_beside_the_frame(
    run, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("KB_TOKEN")
    result = run("configure", "--kb-endpoint", "https://kb.example.com/kb")
    assert "kb_token" not in json.loads(result.stdout)
    assert "note: no kb_token in it; set KB_TOKEN" in result.stderr
    assert run("configure", "--persona", "x").stderr == ""


def test_the_token_is_shown_on_request_and_may_come_from_a_file(
    run, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "token").write_text("from-a-file\n")
    arguments = [
        "configure",
        "--kb-endpoint",
        "https://kb.example.com/kb",
        "--show-secrets",
    ]
    assert json.loads(run(*arguments).stdout)["kb_token"] == TOKEN
    assert (
        json.loads(run(*arguments, "--kb-token-file", str(tmp_path / "token")).stdout)[
            "kb_token"
        ]
        == "from-a-file"
    )


def test_with_a_label_the_connect_url_and_subprotocols_come_too(run) -> None:  # type: ignore[no-untyped-def]
    shown = json.loads(
        run(
            "configure", "--persona", "x", "--label", "café 7", "--rate", "16000"
        ).stdout
    )
    assert parse_qs(urlsplit(shown["url"]).query) == {
        "session_label": ["café 7"],
        "format": ["pcm16"],
        "rate": ["16000"],
    }
    assert shown["subprotocols"] == ["pyai.v1", "pyai-key.***"]
    assert shown["configure"] == {"type": "configure", "persona": "x"}
    shown = json.loads(run("configure", "--new-label", "call", "--show-secrets").stdout)
    assert shown["subprotocols"] == ["pyai.v1", "pyai-key.pyai_test_key"]
    assert parse_qs(urlsplit(shown["url"]).query)["session_label"][0].startswith(
        "call-"
    )


def test_bytes_and_hex_are_the_very_message_that_is_sent(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "persona.txt").write_text("Answer briefly.")
    arguments = ["configure", "--persona", f"@{tmp_path / 'persona.txt'}", "--format"]
    message = b'\x03{"type":"configure","persona":"Answer briefly."}'
    assert run(*arguments, "bytes").stdout_bytes == message
    assert bytes.fromhex(run(*arguments, "hex").stdout) == message


def test_bytes_with_a_masked_token_are_refused_since_the_mask_would_be_sent(
    run,
) -> None:  # type: ignore[no-untyped-def]
    arguments = [
        "configure",
        "--kb-endpoint",
        "https://kb.example.com/kb",
        "--format",
        "hex",
    ]
    with pytest.raises(OmniError, match="--show-secrets"):
        run(*arguments)
    assert TOKEN.encode() in bytes.fromhex(run(*arguments, "--show-secrets").stdout)


def test_the_python_form_is_code_that_builds_the_same_frame(run) -> None:  # type: ignore[no-untyped-def]
    printed = run(
        "configure",
        "--kb-endpoint",
        "https://kb.example.com/kb",
        "--persona",
        "it's",
        "--label",
        "x",
        "--format",
        "python",
    ).stdout
    assert TOKEN not in printed
    code = printed.replace("await ws.send", "sent =")
    names: dict[str, object] = {}
    exec(code, names)
    assert (
        names["sent"]
        == configure_frame(
            kb_endpoint="https://kb.example.com/kb", persona="it's", kb_token=TOKEN
        ).to_bytes()
    )
    assert names["protocols"] == ["pyai.v1", "pyai-key.pyai_test_key"]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--language", "it"], OmniError, "en, fr, es, de, hi"),
        (["--kb-endpoint", "http://kb.example.com/kb"], OmniError, "use https"),
        (["--persona", "@nowhere.txt"], SettingsError, "nowhere.txt"),
        (["--set", "seed"], SettingsError, "KEY=JSON"),
        (["--label", "a", "--new-label", "b"], SettingsError, "exclude each other"),
        (["--tools-file", "nowhere.json"], SettingsError, "nowhere.json"),
    ],
)
def test_a_wrong_flag_is_an_error_that_says_what_to_do(
    run, arguments: list[str], error: type, words: str
) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=words):
        run("configure", *arguments)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The hand-written knowledge endpoint, in a thread of its own."""
    served, ready, stop = Endpoint(token=TOKEN), threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(served.app) as server:
            served.url = base_url(server) + "/kb"
            ready.set()
            while not stop.is_set():
                await asyncio.sleep(0.02)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(20)
    yield served
    stop.set()
    thread.join(20)


def test_call_says_a_script_and_shows_every_turn(
    run, endpoint: Endpoint, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "script.txt").write_text("how do i reset my pin\nwhat is the weather\n")
    result = run(
        "call",
        endpoint.url,
        "--label",
        "support",
        "--script",
        str(tmp_path / "script.txt"),
    )
    assert result.exit_code == 0
    for words in (
        "how do i reset my pin",
        "grounded",
        "kb-pin",
        "of 300 ms",
        "You reset your PIN",
        "miss (empty)",
    ):
        assert words in result.stdout
    assert "2 turns: 1 grounded, 1 miss" in result.stderr
    assert [body["session_label"] for body in endpoint.bodies] == ["support", "support"]
    assert TOKEN not in result.output


@pytest.mark.parametrize("how", [[], ["--audio"]])
def test_call_gives_json_lines_for_scripts_typed_or_spoken(
    run, endpoint: Endpoint, how: list[str]
) -> None:  # type: ignore[no-untyped-def]
    result = CliRunner().invoke(
        _app(),
        ["call", endpoint.url, "--json", *how],
        input="my refund\nreset my pin\n\n",
    )
    turns = [json.loads(line) for line in result.stdout.splitlines()]
    assert [turn["heard"] for turn in turns] == ["my refund", "reset my pin"]
    assert [turn["lookup"]["top_ids"] for turn in turns] == [["kb-refund"], ["kb-pin"]]
    assert bool(turns[0]["audio_ms"]) == bool(how)


def test_call_ends_with_1_and_the_next_step_where_the_endpoint_fails(
    run, endpoint: Endpoint, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "script.txt").write_text("how do i reset my pin\n")
    endpoint.status = 500
    result = run("call", endpoint.url, "--script", str(tmp_path / "script.txt"))
    assert result.exit_code == 1
    assert (
        "1 turn: 1 refused" in result.stderr
        and f"kbserver doctor {endpoint.url}" in result.stderr
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_call_on_a_terminal_wraps_between_words_and_hangs_up_at_ctrl_c(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    environment = os.environ | {
        "KB_TOKEN": TOKEN,
        "COLUMNS": "44",
        "TERM": "dumb",
        "PYTHONPATH": str(ROOT),
    }
    call = subprocess.Popen(
        [sys.executable, "-m", "kbserver", "call", endpoint.url],
        cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = ""
    try:
        for words, answer in (
            ("hangs up", b"how do i reset my pin\n"),
            ("of 300 ms", b""),
            ("Security", b""),
        ):
            while words not in shown:
                shown += os.read(ours, 4096).decode()
            os.write(ours, answer)
        while not shown.endswith("you      "):
            shown += os.read(ours, 4096).decode()
        call.send_signal(signal.SIGINT)  # while it waits for the next line
        assert call.wait(20) == 130
    finally:
        call.kill()
        call.wait()
        os.close(ours)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert "agent    You reset your PIN in the app under" in lines
    assert (
        lines[lines.index("agent    You reset your PIN in the app under") + 1]
        == "         Security."
    )


def _app() -> typer.Typer:
    application = typer.Typer(pretty_exceptions_enable=False)
    application.callback()(lambda: None)
    omni.register(application)
    return application


def test_doctor_reports_a_healthy_endpoint_and_an_ill_one(
    run, endpoint: Endpoint, tmp_path: Path, monkeypatch
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    healthy = run("doctor", endpoint.url, "--query", "reset my pin")
    assert healthy.exit_code == 0
    assert "healthy" in healthy.stderr and "store is not here" in healthy.stdout
    endpoint.status = 404
    ill = run("doctor", endpoint.url, "--turns", "3", "--json")
    assert ill.exit_code == 1
    report = json.loads(ill.stdout)
    assert report["verdict"] == "wrong_path"
    assert [
        finding["next_step"]
        for finding in report["findings"]
        if finding["grade"] == "fail"
    ][0]
    assert TOKEN not in healthy.output + ill.output


def test_doctor_finds_the_public_url_and_checks_the_store_here(
    run, store: Path, monkeypatch, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUBLIC_URL", "https://10.1.2.3")
    result = run("doctor", "--store", str(store), "--json")
    report = json.loads(result.stdout)
    found = {finding["check"]: finding for finding in report["findings"]}
    assert report["url"] == "https://10.1.2.3/kb"
    assert report["verdict"] == "not_public"
    assert (
        found["corpus support"]["grade"]
        == found["corpus hotels"]["grade"]
        == found["model"]["grade"]
        == "ok"
    )
    assert "passages" in found["corpus support"]["found"]
    assert found["routes and keys"]["found"] == "hotels, support"
    report = json.loads(
        run("doctor", "--store", str(tmp_path / "nowhere"), "--json").stdout
    )
    assert (report["verdict"], report["findings"][1]["next_step"]) == (
        "store",
        "kbserver ingest ./docs",
    )


def test_doctor_reports_settings_that_cannot_be_read(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "kbserver.toml").write_text("prot = 1\n")
    report = json.loads(
        run("doctor", "--config", str(tmp_path / "kbserver.toml"), "--json").stdout
    )
    assert (report["url"], report["verdict"]) == (None, "settings")
    assert "port" in report["findings"][0]["found"]


def test_doctor_names_a_route_with_which_the_server_would_not_start(
    run, store: Path, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "kbserver.toml").write_text(
        '[[routes]]\nlabel = "x"\ncorpora = ["suport"]\n'
    )
    here = (
        "doctor",
        "--config",
        str(tmp_path / "kbserver.toml"),
        "--store",
        str(store),
        "--json",
    )
    finding = {
        finding["check"]: finding
        for finding in json.loads(run(*here).stdout)["findings"]
    }["routes and keys"]
    assert (finding["grade"], finding["cause"]) == ("fail", "settings")
    assert (
        "suport" in finding["found"]
        and "kbserver serve refuses" in finding["next_step"]
    )
    elsewhere = json.loads(
        run(*here, "https://10.1.2.3/kb").stdout
    )  # the server there has settings of its own
    assert elsewhere["verdict"] == "not_public"


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
            while _event(ws.recv(timeout=20)) != "configured":
                pass
            simulator.stdin.write("how do i reset my pin\n")
            simulator.stdin.flush()
            while _event(ws.recv(timeout=20)) != "transcript":
                pass
        _read_until(simulator.stderr.readline, "(session over)")
        simulator.send_signal(signal.SIGINT)
        assert simulator.wait(20) == 0
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
        (["simulate", "--fault", "nonsense"], "kb-slow"),
        (["simulate", "--script", "nowhere.txt"], "nowhere.txt"),
        (["call", "http://kb.example.com/kb"], "use https"),
        (
            ["call", "https://kb.example.com/kb", "--script", "nowhere.txt"],
            "nowhere.txt",
        ),
    ],
)
def test_what_cannot_be_done_is_an_omni_error(
    run, arguments: list[str], words: str
) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OmniError, match=words):
        run(*arguments)


@pytest.mark.parametrize("command", ["configure", "simulate", "call", "doctor"])
def test_every_command_explains_itself(run, command: str) -> None:  # type: ignore[no-untyped-def]
    shown = run(command, "--help").output
    assert len(shown.splitlines()) > 20
