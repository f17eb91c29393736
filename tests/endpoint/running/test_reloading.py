"""Settings that are read again: what is taken over, what is said, what waits for a start."""

import logging
import os

import pytest

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.running.reloading import (
    TAKEN_OVER,
    Source,
    changes,
    left_for_a_start,
    taken_over,
)
from kbserver.errors import SettingsError
from kbserver.settings import Settings, read_settings

ROUTE = {"label": "support", "corpora": ["support"]}


def settings(**values):
    return read_settings(**({"open": True, "routes": [ROUTE]} | values))


def test_what_is_taken_over_is_a_key():
    assert set(Settings.model_fields) >= TAKEN_OVER


def test_a_change_is_said_with_before_and_after_and_no_secret():
    before = settings(top_k=3, tokens=[{"value": "hidden-one"}])
    route = ROUTE | {"min_score": 0.4}
    now = settings(
        top_k=5,
        tokens=[{"value": "hidden-two"}],
        routes=[route, {"label": "vip", "corpora": ["support"]}],
    )
    assert changes(before, now) == [
        "tokens changed",
        "top_k 3 → 5",
        "route vip is new",
        "route support: min_score none → 0.4",
    ]
    assert changes(now, before)[-1] == "route support: min_score 0.4 → none"
    assert "route vip is gone" in changes(now, before)
    assert changes(now, now) == []


def test_another_order_of_routes_is_a_change():
    routes = [ROUTE, {"label": "*", "corpora": ["support"]}]
    before, now = settings(routes=routes), settings(routes=routes[::-1])
    assert changes(before, now) == ["the routes are in another order"]


def test_what_only_a_start_can_change_stays_and_is_named():
    before = settings(port=8080, metrics={"listen": "127.0.0.1:9464"})
    wanted = {"port": 9000, "top_k": 7, "metrics": {"listen": "127.0.0.1:9465"}}
    read = settings(**wanted)
    now = taken_over(before, read)
    assert (now.port, now.top_k, now.metrics.listen) == (8080, 7, "127.0.0.1:9464")
    assert left_for_a_start(before, read) == ["metrics.listen", "port"]


def test_a_source_sees_its_file_change_and_not_go(tmp_path):
    file = tmp_path / "kbserver.toml"
    file.write_text("top_k = 3")
    source = Source(lambda: read_settings(file), file)
    assert not source.has_changed()
    file.write_text("top_k = 55")
    assert source.has_changed() and not source.has_changed()
    file.unlink()
    assert not source.has_changed()
    assert not Source(settings, None).has_changed()


@pytest.fixture
def server(store, tmp_path):
    file = tmp_path / "kbserver.toml"
    route = '[[routes]]\nlabel = "*"\ncorpora = ["support"]\n'
    token = '[[tokens]]\nvalue = "first-token"\n'
    file.write_text(f"store = {str(store)!r}\n{token}{route}")
    server = KBServer(config=file)
    server.corpora._names = ["hotels", "support"]
    server.look_at_store()
    server.check_tokens()
    return server, file


def grants(server, token):
    return server.check_tokens()._static(token) is not None


def test_a_changed_file_changes_routes_tokens_and_thresholds(server, caplog):
    server, file = server
    text = file.read_text().replace("first-token", "second-token")
    file.write_text(f"min_score = 0.4\n{text}")
    assert server.source.has_changed()
    with caplog.at_level(logging.WARNING):
        server.read_again()
    assert "min_score none → 0.4" in caplog.text
    assert "tokens changed" in caplog.text and 'token"' not in caplog.text
    assert server.table.routes[0].settings.min_score == 0.4
    assert grants(server, "second-token") and not grants(server, "first-token")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("top_k = 'many'\n", "top_k"),
        ("not toml", "not valid TOML"),
        ('[[routes]]\nlabel = "a"\ncorpora = ["none"]\n', "does not hold"),
        ("[[tokens]]\nenv = 'NOT_SET_ANYWHERE'\n", "NOT_SET_ANYWHERE"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_and_says_why(
    server, caplog, wrong, said
):
    server, file = server
    before = (server.settings, server.table, server.check_tokens())
    text = file.read_text()
    if wrong.startswith("[["):
        text, wrong = text + wrong, ""
    file.write_text(wrong + text)
    with caplog.at_level(logging.INFO):
        server.read_again()
    assert "the settings stay as they were" in caplog.text and said in caplog.text
    assert (server.settings, server.table, server.check_tokens()) == before


def test_a_handler_that_cannot_be_imported_changes_nothing(
    server, caplog, tmp_path, monkeypatch
):
    server, file = server
    (tmp_path / "half_written_handlers.py").write_text("def vip(turn:")
    monkeypatch.syspath_prepend(tmp_path)
    before = server.table
    handler = 'handler = "half_written_handlers:vip"'
    file.write_text(f'{file.read_text()}[[routes]]\nlabel = "vip"\n{handler}\n')
    server.read_again()
    assert "stay as they were: SyntaxError" in caplog.text
    assert server.table is before


def test_a_route_that_is_never_reached_is_said_once_and_not_at_each_generation(
    server, caplog
):
    server, file = server
    below = '[[routes]]\nlabel = "vip"\ncorpora = ["support"]\n'
    file.write_text(file.read_text() + below)
    server.read_again()
    for _ in range(2):
        server._rebuild_table()
    assert caplog.text.count("vip never answers") == 1


def test_a_route_in_python_keeps_answering_with_the_new_settings(store, monkeypatch):
    monkeypatch.delenv("KB_TOKEN", raising=False)
    server = KBServer(settings(store=store, routes=[]))

    @server.route("vip", corpora=["support"])
    async def vip(turn):
        return None

    server.corpora._names = ["hotels", "support"]
    server.reload(settings(store=store, top_k=9, routes=[]))
    [route] = server.table.routes
    assert (route.pattern.pattern, route.settings.top_k) == ("vip", 9)
    with pytest.raises(SettingsError):
        server.reload(settings(store=store, open=False, routes=[]))


def test_turns_of_a_signed_token_are_counted_on_after_a_change(store, monkeypatch):
    monkeypatch.setenv("KBSERVER_SIGNING_KEY", "0123456789abcdef" * 4)
    server = KBServer(settings(store=store, routes=[]))
    server.corpora._names = ["support"]
    token = server.issue_token("support", max_turns=1)
    server.signing_keys.verify(token).turns.take()
    server.reload(settings(store=store, top_k=9, routes=[]))
    with pytest.raises(Exception, match="turns"):
        server.signing_keys.verify(token)
    assert os.environ["KBSERVER_SIGNING_KEY"]
