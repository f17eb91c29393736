"""The configure frame as the command prints it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from kbserver.errors import OmniError, SettingsError
from kbserver.omni.configure import configure_frame
from tests.cli.conftest import TOKEN


def test_configure_prints_the_frame_with_its_token_masked(run) -> None:
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
) -> None:
    monkeypatch.delenv("KB_TOKEN")
    result = run("configure", "--kb-endpoint", "https://kb.example.com/kb")
    assert "kb_token" not in json.loads(result.stdout)
    assert "note: no kb_token in it; set KB_TOKEN" in result.stderr
    assert run("configure", "--persona", "x").stderr == ""


def test_the_token_is_shown_on_request_and_may_come_from_a_file(
    run, tmp_path: Path
) -> None:
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


def test_with_a_label_the_connect_url_and_subprotocols_come_too(run) -> None:
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


def test_bytes_and_hex_are_the_very_message_that_is_sent(run, tmp_path: Path) -> None:
    (tmp_path / "persona.txt").write_text("Answer briefly.")
    arguments = ["configure", "--persona", f"@{tmp_path / 'persona.txt'}", "--format"]
    message = b'\x03{"type":"configure","persona":"Answer briefly."}'
    assert run(*arguments, "bytes").stdout_bytes == message
    assert bytes.fromhex(run(*arguments, "hex").stdout) == message


def test_bytes_with_a_masked_token_are_refused_since_the_mask_would_be_sent(
    run,
) -> None:
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


def test_the_python_form_is_code_that_builds_the_same_frame(run) -> None:
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
    exec(code, names)  # noqa: S102  # the printed code is what is tested
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
) -> None:
    with pytest.raises(error, match=words):
        run("configure", *arguments)
