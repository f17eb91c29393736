"""Settings: the keys and their limits (`model`), and where values come from (`reading`)."""

from kbserver.settings.doors import (
    DOOR_NAMES,
    DoorSettings,
    McpSettings,
    ToolSettings,
    check_door_names,
)
from kbserver.settings.follow import FollowSettings
from kbserver.settings.model import (
    DEFAULT_LANGUAGE,
    DEFAULT_MODEL,
    DEFAULT_STORE,
    ENGINE_TIMEOUT_MS,
    ConsoleSettings,
    ConsoleTokenSettings,
    MetricsSettings,
    RecordMode,
    RecordSettings,
    Role,
    RouteSettings,
    SessionSettings,
    Settings,
    StaticToken,
    TokenSettings,
    TurnSettings,
)
from kbserver.settings.reading import (
    CONFIG_FILE,
    file_of,
    read_settings,
    route_settings,
)

__all__ = [
    "CONFIG_FILE",
    "DEFAULT_LANGUAGE",
    "DEFAULT_MODEL",
    "DEFAULT_STORE",
    "DOOR_NAMES",
    "ENGINE_TIMEOUT_MS",
    "ConsoleSettings",
    "ConsoleTokenSettings",
    "DoorSettings",
    "FollowSettings",
    "McpSettings",
    "MetricsSettings",
    "RecordMode",
    "RecordSettings",
    "Role",
    "RouteSettings",
    "SessionSettings",
    "Settings",
    "StaticToken",
    "TokenSettings",
    "ToolSettings",
    "TurnSettings",
    "check_door_names",
    "file_of",
    "read_settings",
    "route_settings",
]
