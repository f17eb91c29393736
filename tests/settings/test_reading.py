import re
from pathlib import Path

import pytest

from kbserver.errors import SettingsError
from kbserver.settings import read_settings, route_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in ("KB_TOKEN", "KBSERVER_PORT", "KBSERVER_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def written(tmp_path, text):
    path = tmp_path / "some.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_flag_beats_environment_beats_file_beats_default(tmp_path, monkeypatch):
    config = written(tmp_path, "port = 5\ntop_k = 5\n")
    assert read_settings().port == 8080
    assert read_settings(config).port == 5
    monkeypatch.setenv("KBSERVER_PORT", "6")
    assert read_settings(config).port == 6
    assert read_settings(config).top_k == 5
    assert read_settings(config, port=7).port == 7


def test_the_file_in_the_working_directory_is_read_by_itself(tmp_path):
    (tmp_path / "kbserver.toml").write_text("port = 5\n", encoding="utf-8")
    assert read_settings().port == 5


def test_a_store_named_in_the_file_lies_beside_the_file(tmp_path):
    assert read_settings(written(tmp_path, 'store = "s"\n')).store == tmp_path / "s"


def test_files_of_secrets_named_in_the_file_lie_beside_the_file(tmp_path):
    (tmp_path / "token").write_text("secret-of-the-file\n")
    (tmp_path / "kbserver.toml").write_text(
        'signing_key_files = ["k1", "/k2"]\n[[tokens]]\nfile = "token"\n'
    )
    settings = read_settings(tmp_path / "kbserver.toml")
    assert settings.signing_key_files == (tmp_path / "k1", Path("/k2"))
    assert settings.static_tokens() == [("secret-of-the-file", ("*",), None)]


def test_an_unknown_key_is_an_error_that_lists_the_known_ones(tmp_path):
    with pytest.raises(SettingsError) as caught:
        read_settings(written(tmp_path, "prot = 5\n"))
    message = str(caught.value)
    assert (
        "prot: unknown key" in message
        and "did you mean 'port'" in message
        and "deadline_ms" in message
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(
            written(tmp_path, '[[routes]]\nlabel = "a"\ncorpora = ["c"]\ntopk = 1\n')
        )
    assert "[[routes]] 1: topk" in str(caught.value)
    assert "did you mean 'top_k'" in str(caught.value) and "max_context_bytes" in str(
        caught.value
    )


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KBSERVER_PRT", "KBSERVER_PORT"),
        ("KBSERVER_KB_TOKEN", "KB_TOKEN"),
        ("KBSERVER_X__Y", ""),
    ],
)
def test_an_unknown_variable_is_an_error_that_lists_the_known_ones(
    monkeypatch, name, meant
):
    monkeypatch.setenv(name, "1")
    with pytest.raises(
        SettingsError,
        match=f"unknown variable {name}; .*known variables: .*KBSERVER_DEADLINE_MS",
    ) as caught:
        read_settings()
    assert f"did you mean {meant}?" in str(caught.value) or not meant


def test_a_variable_beats_one_key_of_a_table_and_leaves_the_others(
    tmp_path, monkeypatch
):
    config = written(
        tmp_path,
        '[session]\nallowed_origins = ["https://a.example"]\n'
        'kb_endpoint = "https://kb.example/kb"\n',
    )
    monkeypatch.setenv("KBSERVER_SESSION__KB_ENDPOINT", "https://other.example/kb")
    session = read_settings(config).session
    assert session.kb_endpoint == "https://other.example/kb"
    assert session.allowed_origins == ("https://a.example",)


def test_a_value_is_shown_with_where_it_came_from_unless_it_is_secret(
    tmp_path, monkeypatch
):
    config = written(tmp_path, 'top_k = "many"\n[[tokens]]\nvalue = 77001\n')
    monkeypatch.setenv("KBSERVER_PORT", "abc")
    with pytest.raises(SettingsError) as caught:
        read_settings(config, deadline_ms=1)
    message = str(caught.value)
    assert f"{config}: top_k = 'many'" in message
    assert "KBSERVER_PORT = 'abc'" in message
    assert f"{config}: [[tokens]] 1: value" in message and "77001" not in message
    assert "; deadline_ms = 1: must be" in message


def test_a_list_in_a_variable_that_is_not_json_is_explained(monkeypatch):
    monkeypatch.setenv("KBSERVER_TRUSTED_PROXIES", "10.0.0.1")
    with pytest.raises(SettingsError, match="trusted_proxies.*written as JSON"):
        read_settings()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("[metrics]\ntokens = 1", "listen, token"),
        ("[metrics]\ntoken = { valu = 'x' }", "env, file, value"),
        ("[[console.tokens]]\ndoors = ['mcp']", "env, file, labels, role, value"),
        ("[[tokens]]\nrole = 'view'", "doors, env, file, labels, value"),
        ("[doors.mcp]\nlabels = ['a']", "allowed_origins, deadline_ms, top_k"),
    ],
)
def test_an_unknown_key_is_answered_with_those_of_its_table(tmp_path, text, known):
    with pytest.raises(SettingsError, match=f"known keys: {known}$"):
        read_settings(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("port = 70000", "65535"),
        ('[metrics]\nlisten = "127.0.0.1:0094640000"', "65535"),
        ('[metrics]\nlisten = "10.0.0.5:8080"', "serves no turns"),
        ("port = [", "TOML"),
        ('[[routes]]\nlabel = "a"', "corpora"),
        (
            '[[routes]]\nlabel = "a-{id}"\ncorpora = ["c"]\nscope = { folder = "h/{idd}" }',
            "{idd}",
        ),
        ('[[routes]]\nlabel = "a-{"\ncorpora = ["c"]', "brace"),
        ('[[tokens]]\nlabels = ["a"]', "exactly one"),
        ('path = "kb"', "start with /"),
        ('tls_key = "key.pem"', "tls_key is set without tls_certificate"),
        ('[[routes]]\nlabel = "a"\ncorpora = "c"', "1: corpora = 'c': must be a list"),
        ('[routes]\nlabel = "a"', "two brackets"),
    ],
)
def test_a_value_that_cannot_be_used_is_explained(tmp_path, text, wanted):
    with pytest.raises(SettingsError, match=re.escape(wanted)):
        read_settings(written(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match="nowhere.toml"):
        read_settings(tmp_path / "nowhere.toml")


def test_a_route_takes_what_it_does_not_say_from_the_top(tmp_path):
    config = written(
        tmp_path,
        'top_k = 7\nmin_score = 0.4\n[[routes]]\nlabel = "a"\ncorpora = ["c"]\nmin_score = 0.2\n',
    )
    settings = read_settings(config)
    turn = settings.turn_settings(settings.routes[0])
    assert (turn.top_k, turn.min_score) == (7, 0.2)
    assert settings.turn_settings().min_score == 0.4


def test_tokens_come_from_environment_file_and_table_and_never_print(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("KB_TOKEN", "first-secret, second-secret")
    monkeypatch.setenv("OTHER", "three")
    (tmp_path / "t").write_text("four\n", encoding="utf-8")
    config = written(
        tmp_path,
        '[[tokens]]\nenv = "OTHER"\nlabels = ["billing-*"]\n'
        f'[[tokens]]\nfile = "{tmp_path / "t"}"\n'
        '[[tokens]]\nvalue = "five-secret"\n',
    )
    settings = read_settings(config)
    assert settings.static_tokens() == [
        ("first-secret", ("*",), None),
        ("second-secret", ("*",), None),
        ("three", ("billing-*",), None),
        ("four", ("*",), None),
        ("five-secret", ("*",), None),
    ]
    shown = repr(settings) + str(settings)
    assert "first-secret" not in shown and "five-secret" not in shown


def test_a_token_whose_variable_is_not_set_is_an_error(tmp_path):
    settings = read_settings(written(tmp_path, '[[tokens]]\nenv = "NOT_THERE"\n'))
    with pytest.raises(SettingsError, match="NOT_THERE"):
        settings.static_tokens()


def test_a_route_written_in_python_is_checked_alike():
    assert route_settings(label="a-{id}", corpora=["c"], top_k=1).top_k == 1
    with pytest.raises(SettingsError, match="known keys: .*corpora"):
        route_settings(label="a", corpora=["c"], topk=1)
