"""`kbserver token`, run as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from kbserver.cli import token as token_command
from kbserver.endpoint.tokens.keys import new_secret, read_keys
from kbserver.endpoint.tokens.signed import SigningKeys, unverified
from kbserver.errors import KbServerError, SettingsError

SECRET = new_secret()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", SECRET)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    token_command.register(app)

    def invoke(*arguments: str, given: str | None = None) -> Result:
        result = CliRunner().invoke(app, ["token", *arguments], input=given)
        if isinstance(result.exception, KbServerError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return invoke


def keys(text: str = SECRET) -> SigningKeys:
    return SigningKeys(read_keys(text, source="test"))


def test_the_token_alone_is_on_standard_output(run) -> None:
    result = run("--label", "billing-*", "--ttl", "15m")
    issued = result.stdout.strip()
    assert result.stdout == issued + "\n"
    assert keys().verify(issued).allows("billing-eu")
    claims = unverified(issued)[1]
    assert claims["exp"] - claims["iat"] == 900
    assert claims["jti"] in result.stderr


def test_the_keys_and_the_revocations_of_the_settings_are_the_servers(
    run, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KBSERVER_SIGNING_KEY")
    (tmp_path / "key").write_text(SECRET)
    (tmp_path / "revoked").write_text("")
    (tmp_path / "kbserver.toml").write_text(
        'signing_key_files = ["key"]\nrevoked_tokens = "revoked"\n'
    )
    here = ("--config", str(tmp_path / "kbserver.toml"))
    told = json.loads(run("--label", "a", "--json", *here).stdout)
    assert keys().verify(told["token"]).allows("a")
    assert (
        json.loads(run("--inspect", told["token"], "--json", *here).stdout)["verdict"]
        == "good"
    )
    (tmp_path / "revoked").write_text(told["jti"])
    assert (
        json.loads(run("--inspect", told["token"], "--json", *here).stdout)["verdict"]
        == "revoked_token"
    )


def test_every_flag_is_in_the_token(run) -> None:
    flags = [
        "-l",
        "a",
        "-l",
        "b-{id}",
        "--corpora",
        "support, faq",
        "--scope",
        "folder=hotels/7",
        "--scope",
        "tag=x=y",
    ]
    told = json.loads(run(*flags, "--max-turns", "5", "--json").stdout)
    grant = keys().verify(told["token"])
    assert grant.allows("a") and grant.allows("b-9") and not grant.allows("c")
    assert grant.corpora == ("support", "faq")
    assert grant.scope == {"folder": "hotels/7", "tag": "x=y"}
    assert told["labels"] == ["a", "b-{id}"]
    assert told["turns"] == 5
    assert told["exp"] - told["iat"] == 3_600
    assert told["kid"] == read_keys(SECRET, source="test")[0].kid


@pytest.mark.parametrize("kind", [[], ["--ed25519"]])
def test_a_fresh_key_signs_from_a_file_and_goes_to_standard_output_only(
    run, tmp_path: Path, kind: list[str]
) -> None:
    made = run("--new-key", *kind)
    assert made.stderr == ""
    assert made.stdout != run("--new-key", *kind).stdout
    (tmp_path / "key").write_text(made.stdout)
    issued = run("--label", "x", "--key-file", str(tmp_path / "key")).stdout.strip()
    assert keys(made.stdout).verify(issued).allows("x")
    assert unverified(issued)[0]["alg"] == ("EdDSA" if kind else "HS256")


def test_inspect_says_what_a_token_says_and_whether_it_is_good_here(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = run("--label", "x", "--ttl", "1h").stdout.strip()
    expired = keys().issue("x", 60, now=1_700_000_000)
    assert "good" in run("--inspect", issued).stdout
    assert json.loads(run("--inspect", "-", "--json", given=issued + "\n").stdout)[
        "labels"
    ] == ["x"]
    told = run("--inspect", expired).stdout
    assert "expired_token" in told
    assert "2023-11-14 22:14:20 UTC" in told
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", new_secret())
    assert (
        json.loads(run("--inspect", issued, "--json").stdout)["verdict"]
        == "invalid_token"
    )
    monkeypatch.delenv("KBSERVER_SIGNING_KEY")
    told = run("--inspect", issued).stdout
    assert "not checked" in told
    assert issued not in told and SECRET not in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which session labels"),
        (["--label", "x", "--ttl", "1w"], "90s, 15m, 1h, 7d"),
        (["--label", "x", "--ttl", "0s"], "from 1 to"),
        (["--label", "x", "--ttl", "400d"], "from 1 to"),
        (["--label", "x", "--scope", "folder"], "KEY=VALUE"),
        (["--label", "x", "--corpora", ","], "corpora"),
        (["--label", "{"], "brace"),
        (["--label", "x", "--key-file", "nowhere.pem"], "nowhere.pem"),
        (["--ed25519"], "--new-key"),
        (["--inspect", "abc"], "not a signed token"),
    ],
)
def test_a_wrong_flag_is_an_error_that_says_what_to_do(
    run, arguments: list[str], words: str
) -> None:
    with pytest.raises(SettingsError, match=words):
        run(*arguments)


def test_without_a_key_it_says_how_to_make_one(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KBSERVER_SIGNING_KEY")
    with pytest.raises(SettingsError, match="--new-key"):
        run("--label", "x")


def test_a_weak_key_is_refused_and_not_repeated(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", "hunter2")
    with pytest.raises(SettingsError, match="7 bytes") as caught:
        run("--label", "x")
    assert "hunter2" not in str(caught.value)
