"""Which endpoint a command talks to, and with which token."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kbserver.errors import OmniError, SettingsError

if TYPE_CHECKING:
    from kbserver.settings import Settings

TOKEN_VARIABLE = "KB_TOKEN"  # noqa: S105  # its name, not a token
_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104  # to be replaced, not bound


def read_text(path: Path) -> str:
    """Return a file's text.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise SettingsError(
            f"{path} cannot be read: {exc.strerror}; name a file that is there"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path} is not UTF-8 text; name another file or convert it"
        ) from None


def read_token(path: Path | None) -> str | None:
    """Return the bearer token from a file, or from KB_TOKEN; None if neither holds one.

    The first one of several, while one is rotated out.

    Raises:
        SettingsError: the file cannot be read.
    """
    text = os.environ.get(TOKEN_VARIABLE, "")
    if path is not None:
        text = read_text(path)
    return text.split(",")[0].strip() or None


def endpoint_url(config: Path | None) -> str:
    """Return the URL at which `kbserver serve` answers on this machine with these settings.

    Raises:
        SettingsError: the settings cannot be read.
    """
    from kbserver.settings import read_settings

    settings = read_settings(config)
    return local_url(settings) + settings.path


def local_url(settings: Settings) -> str:
    """Return where a server with these settings is reached on this machine, without a path."""
    host = settings.host
    if host in _ANY_ADDRESS:
        host = "127.0.0.1"
    if ":" in host:
        host = f"[{host}]"
    scheme = "http"
    if settings.tls_certificate:
        scheme = "https"
    return f"{scheme}://{host}:{settings.port}"


def check_session(settings: Settings) -> None:
    """Check what `POST /session` puts into the frame of every visitor, as Omni would.

    Raises:
        SettingsError: Omni would refuse the frame, or drop it without a word.
    """
    from kbserver.omni.configure import configure_frame

    if settings.session is not None:
        try:
            configure_frame(
                kb_endpoint=settings.session.kb_endpoint, **settings.session.configure
            )
        except (
            OmniError,
            TypeError,
        ) as exc:  # TypeError: a key that the server fills in itself
            raise SettingsError(f"session.configure: {exc}") from None
