"""Where the console listens, and that it never does so in the clear beyond this machine."""

import pytest
import uvicorn

from kbserver.console import serve
from kbserver.console.serve import check_address, serve_console
from kbserver.errors import SettingsError
from kbserver.settings import read_settings


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_nothing_more(host):
    check_address(read_settings(console={"host": host}))


@pytest.mark.parametrize("host", ["192.0.2.7", "10.0.0.1", "kb.example.com", "::"])
def test_beyond_it_tls_or_a_proxy_is_needed(host, tmp_path):
    with pytest.raises(SettingsError, match="without TLS"):
        check_address(read_settings(console={"host": host}))
    proxied = {"host": host, "trusted_proxies": ["10.0.0.5"]}
    check_address(read_settings(console=proxied))
    check_address(
        read_settings(console={"host": host}, tls_certificate=tmp_path / "cert.pem")
    )


def test_a_proxy_that_is_no_network_is_refused():
    with pytest.raises(SettingsError, match="trusted_proxies"):
        read_settings(console={"trusted_proxies": ["proxy"]})


def test_it_gives_way_to_turns_before_it_answers(monkeypatch, tmp_path):
    done = []

    async def at_once(self, sockets):
        done.append("served")

    monkeypatch.setattr(serve, "yield_process_to_turns", lambda: done.append("nice"))
    monkeypatch.setattr(uvicorn.Server, "serve", at_once)
    serve_console(read_settings(store=tmp_path, console={"port": 0}))
    assert done == ["nice", "served"]
