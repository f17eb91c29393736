"""The front doors of the server. The first one also answers for paths that are no door's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kbserver.endpoint.doors.base import Door
from kbserver.endpoint.doors.dify import dify
from kbserver.endpoint.doors.mcp import mcp
from kbserver.endpoint.doors.omni import omni
from kbserver.endpoint.doors.openai import openai
from kbserver.endpoint.doors.search import search
from kbserver.endpoint.doors.tool import tool
from kbserver.endpoint.doors.vapi import vapi
from kbserver.settings import Settings

DOORS: dict[str, Callable[[Any], Door[Any]]] = {
    "vapi": vapi,
    "dify": dify,
    "openai": openai,
    "tool": tool,
    "search": search,
    "mcp": mcp,
}
"""By the name of its table, which is handed on. The last one's path fits most."""


def doors_of(settings: Settings) -> tuple[Door[Any], ...]:
    """Return the doors that are open: Omni's, and those that have a table.

    Raises:
        SettingsError: a secret that a table names is missing.
    """
    doors: list[Door[Any]] = [omni(settings.path)]
    for name, open_door in DOORS.items():
        table = getattr(settings.doors, name)
        if table is not None:
            doors.append(open_door(table))
    return tuple(doors)
