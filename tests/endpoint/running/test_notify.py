"""What systemd is told, over a real socket."""

import asyncio
import os
import socket

import pytest

from kbserver.endpoint.running.notify import notify, watchdog_forever


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(address)
        end.settimeout(60)
        yield end


def test_systemd_is_told(systemd):
    notify("READY=1", "STATUS=serving * → docs")
    assert systemd.recv(1000).decode() == "READY=1\nSTATUS=serving * → docs"


def test_without_systemd_or_with_a_socket_that_is_gone_nothing_happens(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    notify("READY=1")


def test_the_watchdog_is_fed_from_the_event_loop(systemd, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))

    async def feed():
        feeding = asyncio.create_task(watchdog_forever())
        loop = asyncio.get_running_loop()
        fed = [await loop.run_in_executor(None, systemd.recv, 100) for _ in range(2)]
        feeding.cancel()
        return fed

    assert asyncio.run(feed()) == [b"WATCHDOG=1"] * 2


@pytest.mark.parametrize("of", [None, "1"])
def test_a_watchdog_of_another_process_is_not_fed(monkeypatch, of):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if of is not None:
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        monkeypatch.setenv("WATCHDOG_PID", of)
    asyncio.run(asyncio.wait_for(watchdog_forever(), 60))
