"""SIGHUP: turns go on, and the files that may change meanwhile are read again."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
import stat
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

log = logging.getLogger("kbserver.endpoint")

_SIGHUP = getattr(signal, "SIGHUP", None)  # Windows has none

_tls_files: WeakKeyDictionary[ssl.SSLContext, tuple[str, str | None]] = (
    WeakKeyDictionary()
)
"""Certificate and key of each context in use."""


def tls_context(config: Any, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Make a context whose files `read_again` reads: uvicorn's `ssl_context_factory`."""
    context = make()
    _tls_files[context] = config.ssl_certfile, config.ssl_keyfile
    return context


def read_again() -> None:
    """Take over TLS files that were replaced; what cannot be used leaves the last ones in force."""
    for context, (certificate, key) in _tls_files.items():
        try:
            _check_regular(certificate)
            _check_regular(key or certificate)
            # Half of a pair would break the context in use; no terminal asks for a password.
            trial = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            trial.load_cert_chain(certificate, key, password="")
            context.load_cert_chain(certificate, key)
        except OSError as exc:  # ssl.SSLError is one too
            log.error(
                "SIGHUP: tls_certificate %s and tls_key %s cannot be used: %s; "
                "those that were read before stay in force",
                certificate,
                key,
                exc,
            )
        else:
            log.info("SIGHUP: the TLS files were read again")


def _check_regular(file: str) -> None:
    """Raise OSError for what no reading ends of: a pipe would hold up every turn."""
    if not stat.S_ISREG(os.stat(file).st_mode):
        raise OSError(f"{file} is no regular file; put a file there")


class Terminal:
    """The terminal that a server was started from, whose end is the server's too."""

    def __init__(self) -> None:
        """Look for it; under nohup there counts as being none."""
        kept = _SIGHUP is None or signal.getsignal(_SIGHUP) is signal.SIG_IGN
        self._had = not kept and _has_terminal()

    @property
    def is_gone(self) -> bool:
        """Whether there was one and is none any more."""
        return self._had and not _has_terminal()


def ignore() -> None:
    """Let SIGHUP do nothing from now on."""
    if _SIGHUP is not None:
        signal.signal(_SIGHUP, signal.SIG_IGN)


def read_again_at_hang_up(
    settings_too: Callable[[], None], terminal: Terminal | None = None
) -> None:
    """Let SIGHUP read files again, in the running event loop of the main thread.

    Args:
        settings_too: called as well: reads what is no TLS file.
        terminal: once it is gone, the process gets a SIGTERM instead; None: never.
    """

    def hung_up() -> None:
        if terminal is not None and terminal.is_gone:
            signal.raise_signal(signal.SIGTERM)
        else:
            log.info("SIGHUP: settings and TLS files are read again; turns go on")
            settings_too()
            read_again()

    if _SIGHUP is not None:
        asyncio.get_running_loop().add_signal_handler(_SIGHUP, hung_up)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
