"""Which endpoint a command talks to, and with which token."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbserver.cli.connection import check_session, endpoint_url, read_text, read_token
from kbserver.errors import SettingsError
from kbserver.settings import SessionSettings, Settings


def test_a_token_comes_from_the_file_before_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KB_TOKEN", "of-the-variable")
    (tmp_path / "token").write_text("of-the-file\n")
    assert read_token(None) == "of-the-variable"
    assert read_token(tmp_path / "token") == "of-the-file"


def test_of_several_tokens_the_first_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KB_TOKEN", " new , old")
    assert read_token(None) == "new"
    monkeypatch.setenv("KB_TOKEN", "")
    assert read_token(None) is None


def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere cannot be read"):
        read_text(tmp_path / "nowhere")
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SettingsError, match="latin is not UTF-8 text"):
        read_text(tmp_path / "latin")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:8080/kb"),
        ('host = "0.0.0.0"\nport = 9', "http://127.0.0.1:9/kb"),
        ('host = "::1"\npath = "/x"', "http://[::1]:8080/x"),
        (
            'host = "kb.example.com"\ntls_certificate = "c"',
            "https://kb.example.com:8080/kb",
        ),
    ],
)
def test_the_url_is_where_serve_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kbserver.toml").write_text(text)
    assert endpoint_url(None) == url


def test_a_session_whose_frame_omni_would_refuse_is_an_error() -> None:
    session = SessionSettings(
        allowed_origins=("https://www.example.com",),
        kb_endpoint="https://kb.example.com/kb",
        configure={"greeting": "x" * 2_000},
    )
    with pytest.raises(SettingsError, match="session.configure: .*greeting"):
        check_session(Settings(session=session))
    check_session(Settings(session=session.model_copy(update={"configure": {}})))
