"""The settings of a running server, read again: what can be taken over, and what was changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel

from kbserver.settings import Settings, TurnSettings

TAKEN_OVER = frozenset(TurnSettings.model_fields) | {
    *("routes", "tokens", "open", "signing_key_files", "revoked_tokens"),
    *("metrics", "debug"),
}
"""Keys that a running server takes over; the others are read at a start."""

_UNSEEN = frozenset({"tokens", "signing_key", "kb_token", "pyai_api_key", "metrics"})
"""Keys whose values no message repeats."""

_Stamp = tuple[int, int, int]


class Source:
    """Reads the settings again as they were read at the start, and sees their file change."""

    def __init__(self, read: Callable[[], Settings], file: Path | None) -> None:
        """Take what reads the settings.

        Args:
            read: may raise SettingsError.
            file: is looked at; None: the settings come from no file.
        """
        self.read = read
        self._file = file
        self._stamp = self._look()

    def has_changed(self) -> bool:
        """Whether the file is another one than at the last look, and whole as far as can be told.

        A file that is away is no change: an editor may be about to put it back.
        """
        stamp = self._look()
        if stamp is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        return True

    def _look(self) -> _Stamp | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def taken_over(before: Settings, now: Settings) -> Settings:
    """Return what is in force once `now` was read: what only a start can change is as before."""
    update = {name: getattr(now, name) for name in TAKEN_OVER}
    same_listener = {"listen": before.metrics.listen}
    update["metrics"] = now.metrics.model_copy(update=same_listener)
    return before.model_copy(update=update)


def left_for_a_start(before: Settings, now: Settings) -> list[str]:
    """Return the keys that were changed and are not taken over, sorted."""
    changed = [
        name
        for name in Settings.model_fields
        if name not in TAKEN_OVER and getattr(before, name) != getattr(now, name)
    ]
    if before.metrics.listen != now.metrics.listen:
        changed.append("metrics.listen")
    return sorted(changed)


def changes(before: Settings, now: Settings) -> list[str]:
    """Say what was changed of what is taken over: `top_k 3 → 5`, `route vip-*: min_score …`."""
    said = []
    for name in sorted(TAKEN_OVER - {"routes"}):
        old, new = getattr(before, name), getattr(now, name)
        if old == new:
            continue
        if name in _UNSEEN:
            said.append(f"{name} changed")
        else:
            said.append(f"{name} {_shown(old)} → {_shown(new)}")
    return said + _route_changes(before, now)


def _route_changes(before: Settings, now: Settings) -> list[str]:
    old = {route.label: route for route in reversed(before.routes)}
    new = {route.label: route for route in reversed(now.routes)}
    said = [f"route {label} is gone" for label in old if label not in new]
    said += [f"route {label} is new" for label in new if label not in old]
    for label, route in new.items():
        if label in old and route != old[label]:
            said.append(f"route {label}: {_fields(old[label], route)}")
    if list(old) != list(new) and set(old) == set(new):
        said.append("the routes are in another order")
    return said


def _fields(before: BaseModel, now: BaseModel) -> str:
    changed = [
        f"{name} {_shown(getattr(before, name))} → {_shown(getattr(now, name))}"
        for name in type(now).model_fields
        if getattr(before, name) != getattr(now, name)
    ]
    return ", ".join(changed) or "other keys are written down"


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case tuple():
            return ", ".join(map(str, value)) or "none"
    return str(value)
