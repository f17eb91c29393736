"""Settings: the keys and their limits (`model`), and where values come from (`reading`)."""

from kbserver.settings.model import (
    DEFAULT_LANGUAGE,
    DEFAULT_MODEL,
    DEFAULT_STORE,
    ENGINE_TIMEOUT_MS,
    ConsoleSettings,
    ConsoleTokenSettings,
    RecordMode,
    RecordSettings,
    Role,
    RouteSettings,
    SessionSettings,
    Settings,
    TokenSettings,
    TurnSettings,
)
from kbserver.settings.reading import CONFIG_FILE, read_settings, route_settings

__all__ = [
    "CONFIG_FILE",
    "DEFAULT_LANGUAGE",
    "DEFAULT_MODEL",
    "DEFAULT_STORE",
    "ENGINE_TIMEOUT_MS",
    "ConsoleSettings",
    "ConsoleTokenSettings",
    "RecordMode",
    "RecordSettings",
    "Role",
    "RouteSettings",
    "SessionSettings",
    "Settings",
    "TokenSettings",
    "TurnSettings",
    "read_settings",
    "route_settings",
]
