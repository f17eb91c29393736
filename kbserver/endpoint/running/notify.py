"""Tells systemd how a service is: `Type=notify`, and its watchdog. Nothing without systemd.

Source: sd_notify(3), systemd.exec(5).
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress


def notify(*lines: str, address: str | None = None) -> None:
    """Send assignments such as `READY=1` to the socket that systemd names; best effort.

    Args:
        address: of that socket; None: from the environment.
    """
    if address is None:
        address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or address[0] not in "/@":
        return
    if address[0] == "@":  # of Linux's own name space
        address = "\0" + address[1:]
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end,
    ):
        end.setblocking(False)
        end.sendto("\n".join(lines).encode(), address)


async def watchdog_forever() -> None:
    """Tell systemd twice in each of its limits that the event loop goes round.

    Returns at once where no watchdog is set for this process.
    """
    limit_us = os.environ.get("WATCHDOG_USEC", "")
    of = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not limit_us.isdigit() or of != str(os.getpid()):
        return
    while True:
        notify("WATCHDOG=1")
        await asyncio.sleep(int(limit_us) / 2e6)
