"""The front doors of the server. The first one also answers for paths that are no door's."""

from __future__ import annotations

from typing import Any

from kbserver.endpoint.doors.base import Door
from kbserver.endpoint.doors.omni import OMNI

DOORS: tuple[Door[Any], ...] = (OMNI,)
