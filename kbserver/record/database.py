"""The file of the record: made, opened, and set aside when it is damaged.

FOLDER/record.sqlite            SQLite, in WAL mode; 0600
FOLDER/key                      32 random bytes: the key of a call is made with it; 0600
FOLDER/record.sqlite.damaged-*  set aside, never read again
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kbserver.errors import SettingsError, StoreError, StoreMissing
from kbserver.files import read_small
from kbserver.record.schema import VERSION, migrate, version_of

FILE = "record.sqlite"
KEY = "key"

_KEY_BYTES = 32
_CALL_DIGITS = 16
_BUSY_S = 10.0  # another process writes; each of its transactions takes milliseconds
_BESIDE = ("", "-wal", "-shm")


class NewerFile(StoreError):
    """The file was written by a newer kbserver; it is left alone."""


def open_for_writing(folder: Path) -> sqlite3.Connection:
    """Open the record of a folder, and make it if it is not there.

    Returns:
        A connection without transactions of its own (`isolation_level` None).

    Raises:
        NewerFile: a newer kbserver wrote it.
        OSError, sqlite3.Error: it cannot be made, opened or written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    file = folder / FILE
    # Made before SQLite does: what it makes may be read by others.
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(file, timeout=_BUSY_S, isolation_level=None)
    try:
        _check_version(connection, file)
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA foreign_keys = ON")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(folder: Path) -> sqlite3.Connection:
    """Open the record of a folder for reading; rows come as `sqlite3.Row`.

    Raises:
        StoreMissing: there is none.
        StoreError: it cannot be read; the message says why.
    """
    file = folder / FILE
    if not file.is_file():
        raise StoreMissing(
            f"{file}: no turn was recorded yet; `kbserver serve` records them "
            'unless  [record] mode = "off"'
        )
    try:
        connection = sqlite3.connect(
            f"{file.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,
        )
        connection.row_factory = sqlite3.Row
        _check_version(connection, file)
        if version_of(connection) < VERSION:
            connection.close()
            open_for_writing(folder).close()
            return open_for_reading(folder)
    except (sqlite3.Error, OSError) as exc:
        raise unreadable(file, exc) from exc
    return connection


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the record of a folder while the block runs, as `open_for_reading` does.

    Raises:
        StoreMissing: there is none.
        StoreError: it cannot be read; the message says why.
        SettingsError: a text to look for is no text.
    """
    with closing(open_for_reading(folder)) as connection, _troubles(folder):
        yield connection


@contextmanager
def changing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the record of a folder for what people write beside the server: rows as `sqlite3.Row`.

    It is made if it is not there: a question can be judged before the first call.

    Raises:
        StoreError: it cannot be written; the message says why.
        SettingsError: a text to be written is no text.
    """
    try:
        connection = open_for_writing(folder)
    except (sqlite3.Error, OSError) as exc:
        raise unreadable(folder / FILE, exc) from exc
    connection.row_factory = sqlite3.Row
    with closing(connection), _troubles(folder):
        yield connection


@contextmanager
def _troubles(folder: Path) -> Iterator[None]:
    """Say what SQLite could not do, for people. Of other errors, as of a pipe, it says nothing."""
    try:
        yield
    except sqlite3.Error as exc:
        raise unreadable(folder / FILE, exc) from exc
    except UnicodeEncodeError as exc:  # a command line may hold any bytes
        if exc.encoding != "utf-8":
            raise
        raise SettingsError(
            f"{exc.object!r} is no text in UTF-8; type it anew"
        ) from exc


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Change several rows, or none.

    Raises:
        sqlite3.Error: nothing was changed.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def problem_of(folder: Path) -> str | None:
    """Say what is wrong with a record; None if nothing is, or there is none. Reads all of it."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        with closing(open_for_reading(folder)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except StoreError as exc:
        return str(exc)
    except sqlite3.Error as exc:
        return str(unreadable(file, exc))
    if found == "ok":
        return None
    return str(unreadable(file, ValueError(found)))


def unreadable(file: Path, error: Exception) -> StoreError:
    """Return the error for a record that cannot be read."""
    return StoreError(
        f"{file}: cannot be read: {error}; a running server sets a damaged file aside "
        "and begins a new one"
    )


def _check_version(connection: sqlite3.Connection, file: Path) -> None:
    found = version_of(connection)
    if found > VERSION:
        raise NewerFile(
            f"{file}: written by a newer kbserver (its tables are of version {found}, this one "
            f"knows {VERSION}); it is left alone: upgrade, or name another [record] folder"
        )


def set_aside(folder: Path) -> Path:
    """Rename a damaged file, with what SQLite keeps beside it; return its new name."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    name = f"{FILE}.damaged-{stamp}-{secrets.token_hex(2)}"
    for ending in _BESIDE:
        source = folder / f"{FILE}{ending}"
        if source.exists():
            source.replace(folder / f"{name}{ending}")
    return folder / name


def damaged_files(folder: Path) -> list[Path]:
    """Return the files that were set aside."""
    return sorted(folder.glob(f"{FILE}.damaged-*"))


def key_of(folder: Path) -> bytes:
    """Return the key of a folder's calls; made if there is none.

    Raises:
        OSError: it cannot be read or made.
        StoreError: the file is no key.
    """
    file = folder / KEY
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(file)
    with os.fdopen(descriptor, "wb") as stream:
        key = secrets.token_bytes(_KEY_BYTES)
        stream.write(key)
    return key


def _read_key(file: Path) -> bytes:
    try:
        key = read_small(file, _KEY_BYTES)
        if len(key) != _KEY_BYTES:
            raise ValueError(f"found {len(key)} bytes")
    except ValueError as exc:
        raise StoreError(
            f"{file}: is no key of {_KEY_BYTES} bytes: {exc}; restore it from a copy, or remove "
            "it: then what was recorded can no longer be found by its session label"
        ) from None
    return key


def checked_key(folder: Path) -> bytes:
    """Return the key of a folder's calls, for what people do beside the server.

    Raises:
        StoreError: it cannot be read or made, or is no key; the message says why.
    """
    try:
        return key_of(folder)
    except OSError as exc:
        raise unreadable(folder / KEY, exc) from exc


def call_of(label: str | None, key: bytes) -> str | None:
    """Return the key of a call, 16 hex digits: it groups turns, and tells no label.

    None without a label: such turns cannot be told apart.
    """
    if not label:
        return None
    digest = hmac.digest(key, label.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return digest.hex()[:_CALL_DIGITS]


def storable(text: str) -> str:
    """Return a text as UTF-8 can write it."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")
