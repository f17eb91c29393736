"""`kbserver console`, and where it says that it is."""

import pytest

from kbserver.cli.recorded.console import announce, with_console
from kbserver.console.access import Doors, Grant
from kbserver.console.app import Console
from kbserver.console.source import Source
from kbserver.errors import SettingsError
from kbserver.settings import read_settings


def test_flags_go_before_the_file(tmp_path):
    settings = read_settings(store=tmp_path, console={"port": 1, "hosts": ["kb"]})
    console = with_console(settings, {"port": 2, "host": None}).console
    assert (console.port, console.hosts, console.host) == (2, ("kb",), "127.0.0.1")


def test_a_flag_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(SettingsError, match="--root-path cannot be used"):
        with_console(read_settings(store=tmp_path), {"root_path": "console"})


def test_the_console_says_where_it_is_and_how_it_opens(tmp_path, capsys):
    source = Source(read_settings(store=tmp_path))
    once = Doors([])
    announce("http://127.0.0.1:8090", Console(source, once))
    said = capsys.readouterr().err
    assert f"http://127.0.0.1:8090/open/{once.link_code}\n" in said
    announce("http://x", Console(source, Doors([("t" * 20, Grant("view"))])))
    said = capsys.readouterr().err
    assert "http://x/\n" in said and "t" * 20 not in said


def test_beyond_this_machine_it_does_not_start(run, tmp_path):
    with pytest.raises(SettingsError, match="without TLS"):
        run("console", "--store", str(tmp_path), "--host", "192.0.2.7")
