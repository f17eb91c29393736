"""Templates → pages. Whatever is shown is text: escaped, and with nothing in it unseen."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kbserver.console import drawn
from kbserver.printable import printable, size

STATIC = files("kbserver.console") / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

STATIC_FILES = ("console.css", "icon.svg", "live.js")

_DAY_S = 86_400.0


def read_static(name: str) -> bytes | None:
    """Return a file of ours that pages load; None if there is none of that name."""
    names = {entry.name for entry in STATIC.iterdir()}
    if name not in names:
        return None
    return (STATIC / name).read_bytes()


def digest_of(name: str) -> str:
    """Return what a file's address ends in, so that a browser keeps it until it changes."""
    return hashlib.sha256(read_static(name) or b"").hexdigest()[:12]


class Templates:
    """The templates, for a console that is shown below `root`."""

    def __init__(self, root: str = "") -> None:
        self._root = root
        self._templates = Environment(
            loader=PackageLoader("kbserver.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=shown,
        )
        addresses = {name: self._static(name) for name in STATIC_FILES}
        self._templates.globals.update(
            root=root, static=addresses, drawn=drawn, link=self._link
        )
        self._templates.filters.update(FILTERS)

    def render(self, template: str, values: Mapping[str, Any]) -> str:
        """Return a page."""
        return self._templates.get_template(template).render(values)

    def _static(self, name: str) -> str:
        return f"{self._root}/static/{name}?{digest_of(name)}"

    def _link(self, path: str, /, **parameters: object) -> str:
        """Return the address of a page; parameters that are None or empty are left out."""
        given = {
            name: value
            for name, value in parameters.items()
            if value is not None and value != ""
        }
        address = f"{self._root}{quote(path)}"
        if given:
            address += f"?{urlencode(given)}"
        return address


def shown(value: object) -> object:
    """Return a value as it is put into a page: text without anything unseen."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return printable(value, newlines=True)
    return value


def _moment(at: float | None) -> Markup:
    """Return a time of day, readable by people and programs; UTC."""
    if at is None:
        return Markup("never")
    then = datetime.fromtimestamp(at, UTC)
    text = f"{then:%Y-%m-%d %H:%M:%S}"
    return Markup('<time datetime="{}">{} Z</time>').format(then.isoformat(), text)


def _clock(at: float) -> Markup:
    then = datetime.fromtimestamp(at, UTC)
    return Markup('<time datetime="{}" title="{} Z">{}</time>').format(
        then.isoformat(), f"{then:%Y-%m-%d %H:%M:%S}", f"{then:%H:%M:%S}"
    )


def _ago(at: float | None, now: float) -> str:
    if at is None:
        return "never"
    seconds = max(0.0, now - at)
    for unit, length in (("d", _DAY_S), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _share(part: float, whole: float) -> str:
    if not whole:
        return "–"
    return f"{part / whole:.1%}"


def _score(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}"


def _threshold(turn: Mapping[str, Any], corpus: str) -> float | None:
    """Return the threshold of a turn's hits of one corpus; None if it is not known."""
    for search in turn["searches"]:
        if search["corpus"] == corpus:
            return float(search["min_score"])
    return None


def _command(turn: Mapping[str, Any]) -> str:
    """Return the command that asks what a turn asked."""
    words = ["kbserver", "query", "--why", str(turn["query"])]
    if turn["label"]:
        words += ["--label", turn["label"]]
    return shlex.join(words)


FILTERS: dict[str, Callable[..., object]] = {
    "moment": _moment,
    "clock": _clock,
    "ago": _ago,
    "share": _share,
    "score": _score,
    "size": size,
    "threshold": _threshold,
    "command": _command,
    "count": lambda value: f"{value:,}",
}
