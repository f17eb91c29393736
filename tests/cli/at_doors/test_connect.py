import json
import shlex
import tomllib

import pytest

from kbserver.endpoint.tokens.signed import unverified
from kbserver.errors import SettingsError

KEY = "k" * 8 + "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    return tmp_path


def test_with_a_key_the_token_is_for_this_label_and_door_alone(run, monkeypatch, here):
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", KEY)
    (here / "kbserver.toml").write_text("[doors.mcp]\n")
    url = "https://kb.example.com/kb"
    result = run("connect", "cursor", "-l", "support", "--url", url, "--ttl", "8h")
    server = json.loads(result.stdout)["mcpServers"]["kb"]
    assert server["url"] == "https://kb.example.com/support/mcp"
    _, claims = unverified(server["headers"]["Authorization"].removeprefix("Bearer "))
    assert (claims["kb_labels"], claims["kb_doors"]) == (["support"], ["mcp"])
    assert claims["exp"] - claims["iat"] == 8 * 3600
    assert "open the door" not in result.stderr


def test_without_a_key_the_table_of_a_token_is_shown_and_the_closed_door_named(run):
    result = run("connect", "dify", "-l", "support")
    assert "http://127.0.0.1:8080/dify" in result.stdout
    assert "$KB_TOKEN_SUPPORT" in result.stdout
    for said in ('doors = ["dify"]', "[doors.dify]", "not public"):
        assert said in result.stderr


def test_a_label_is_written_as_each_place_reads_it(run):
    label = 'front desk "7" \\'
    result = run("connect", "dify", "-l", label)
    assert f"External Knowledge ID   {label}\n" in result.stdout
    table = result.stderr.split("kbserver.toml:\n")[1].split("paste into")[0]
    [token] = tomllib.loads(table)["tokens"]
    assert token["labels"] == [label]
    variables = run("connect", "livekit", "-l", label).stdout.splitlines()
    assert shlex.split(variables[-1]) == ["export", f"KB_LABEL={label}"]
    url = json.loads(run("connect", "cursor", "-l", label).stdout)["mcpServers"]["kb"]
    assert url["url"].endswith("/front%20desk%20%227%22%20%5C/mcp")


def test_a_platform_or_url_that_is_none_is_said(run):
    with pytest.raises(SettingsError, match="known platforms: omni, claude"):
        run("connect", "claud", "-l", "support")
    with pytest.raises(SettingsError, match="URL"):
        run("connect", "claude", "-l", "support", "--url", "kb.example.com")
