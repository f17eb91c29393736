"""What each key may be, and what holds for a route."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from kbserver.errors import SettingsError
from kbserver.settings import RouteSettings, Settings, TokenSettings, TurnSettings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KB_TOKEN", raising=False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("top_k", 0),
        ("top_k", 51),
        ("min_score", 1.1),
        ("max_context_bytes", 99),
        ("deadline_ms", 9),
        ("arms", "sparse"),
        ("unknown", 1),
    ],
)
def test_a_value_outside_its_limits_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        TurnSettings(**{key: value})  # type: ignore[arg-type]  # that it is wrong is the point


def test_a_route_has_its_own_values_over_those_of_the_file() -> None:
    settings = Settings(top_k=5, deadline_ms=200)
    route = RouteSettings(label="*", corpora=("help",), top_k=3)
    turn = settings.turn_settings(route)
    assert (turn.top_k, turn.deadline_ms) == (3, 200)
    assert settings.turn_settings().top_k == 5


def test_a_default_that_a_route_names_is_its_own_value() -> None:
    default = TurnSettings().top_k
    route = RouteSettings(label="*", corpora=("help",), top_k=default)
    assert Settings(top_k=9).turn_settings(route).top_k == default


def test_a_route_needs_a_corpus_or_a_handler() -> None:
    with pytest.raises(ValidationError, match="needs `corpora` or a `handler`"):
        RouteSettings(label="support")


def test_a_scope_may_only_hold_parameters_of_its_label() -> None:
    scope = {"folder": "hotels/{id}"}
    assert RouteSettings(label="hotel-{id}", corpora=("h",), scope=scope).scope == scope
    with pytest.raises(ValidationError, match="these parameters: none"):
        RouteSettings(label="hotel-7", corpora=("h",), scope=scope)


@pytest.mark.parametrize(
    "given", [{}, {"env": "A", "value": "b"}, {"file": "f", "env": "A"}]
)
def test_a_token_has_exactly_one_source(given: dict[str, str]) -> None:
    with pytest.raises(
        ValidationError, match="exactly one of `env`, `file` or `value`"
    ):
        TokenSettings.model_validate(given)


def test_the_secret_of_a_token_comes_from_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("of-the-file\n")
    monkeypatch.setenv("MY_TOKEN", " of-the-variable ")
    assert TokenSettings.model_validate({"value": "as-it-is"}).secret() == "as-it-is"
    assert (
        TokenSettings.model_validate({"env": "MY_TOKEN"}).secret() == "of-the-variable"
    )
    assert (
        TokenSettings.model_validate({"file": tmp_path / "token"}).secret()
        == "of-the-file"
    )


def test_a_source_without_a_token_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for source, words in (
        ({"env": "NO_SUCH_VARIABLE"}, "NO_SUCH_VARIABLE"),
        ({"file": tmp_path / "nowhere"}, "nowhere"),
        ({"file": tmp_path / "empty"}, "is empty"),
    ):
        with pytest.raises(SettingsError, match=words):
            TokenSettings.model_validate(source).secret()


def test_tokens_of_the_environment_come_first_and_fit_every_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KB_TOKEN", "one, two,")
    token = TokenSettings.model_validate({"value": "three", "labels": ("a",)})
    assert Settings(tokens=(token,)).static_tokens() == [
        ("one", ("*",), None),
        ("two", ("*",), None),
        ("three", ("a",), None),
    ]


@pytest.mark.parametrize("path", ["kb", "/kb?x=1", "/kb#top"])
def test_the_path_of_the_endpoint_is_absolute_and_nothing_more(path: str) -> None:
    with pytest.raises(ValidationError, match="must start with /"):
        Settings(path=path)


@pytest.mark.parametrize(
    ("path", "kept"),
    [("/kb/", "/kb"), ("/v1/kb", "/v1/kb"), ("/", "/"), ("//", "/")],
)
def test_the_path_of_the_endpoint_ends_in_no_slash(path: str, kept: str) -> None:
    assert Settings(path=path).path == kept


def test_a_key_needs_its_certificate() -> None:
    with pytest.raises(ValidationError, match="without tls_certificate"):
        Settings(tls_key=Path("key.pem"))
