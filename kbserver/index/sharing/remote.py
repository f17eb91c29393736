"""An object store that holds generations for many servers: S3, Google, Azure, or a folder.

URL/<corpus>/LIVE                the name of the generation that is served
URL/<corpus>/<generation>.kbz    what `kbserver export` writes; written once
URL/<corpus>/calibration.json    the least score of an answer, of the corpus
URL/REVOKED                      tokens that are good no longer, one `jti` a line

LIVE is moved by compare-and-swap: of several that move it at once one wins, and the others are
told. Credentials and endpoints come from the environment (AWS_…, GOOGLE_…, AZURE_…).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import filelock
import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import from_url

from kbserver.errors import SettingsError, StoreBusy, StoreError, StoreMissing
from kbserver.files import sha256_of
from kbserver.index.durable import disk_trouble
from kbserver.index.names import checked_corpus, is_corpus, is_generation
from kbserver.urls import object_store_problem

if TYPE_CHECKING:  # the library has these names for type checkers alone
    from obstore.store import ClientConfig, RetryConfig

REVOKED = "REVOKED"
CALIBRATION = "calibration.json"
ENDING: Final = ".kbz"

YOUNG_S = 3600.0
"""What is younger is never pruned: a publisher may be about to move LIVE to it."""

_LIVE = "LIVE"
_LONGEST_NAME = 128  # bytes of LIVE
_LONGEST_SMALL = 1 << 20  # bytes of a calibration, and of a list of revoked tokens
_BLOCK_BYTES = 8 << 20  # of one request of a download
_ONE_REQUEST = 32 << 20  # bytes; above it a file is uploaded in parts
_MOST_PARTS = 9_000  # S3 takes 10,000
_LONGEST_REASON = 300  # characters of what the library says

_CLIENT: Final[ClientConfig] = {
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=60),
}
"""Of each request, and of a part or block at most; the library's own is 30 s for all of a file."""

_RETRIES: Final[RetryConfig] = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=60),
}
"""The library's own ten attempts are three minutes without a word."""

_QUERY = re.compile(r"\?\S+")


@dataclass(frozen=True, slots=True)
class Pointer:
    """What LIVE says, and which version of it said so."""

    generation: str
    version: Mapping[str, str]
    """What the store tells versions apart by."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A generation in the object store."""

    name: str
    bytes: int
    made: datetime
    """When it was uploaded, by the store's clock."""


class Remote:
    """A place in an object store. Holds no connection until it is asked something."""

    def __init__(self, url: str, *, make: bool = False) -> None:
        """Name the place; nothing is asked of it yet.

        Args:
            url: `s3://bucket/prefix`, `gs://…`, `az://…` or `file:///folder`.
            make: whether a folder is made if it is not there.

        Raises:
            SettingsError: it is no such URL.
            StoreError: something that the environment should say is missing.
        """
        problem = object_store_problem(url)
        if problem is not None:
            raise SettingsError(f"the object store {problem}")
        self.url = url.rstrip("/")
        self._folder: Path | None = None
        if url.startswith("file:"):
            self._folder = Path(unquote(urlsplit(url).path))
            if make:
                with disk_trouble("make a folder", self._folder):
                    self._folder.mkdir(parents=True, exist_ok=True)
        self._store: Any = None

    def corpora(self) -> list[str]:
        """Return the names of the corpora, sorted.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._trouble("list the corpora", ""):
            found = obstore.list_with_delimiter(self._opened())
        return sorted(filter(is_corpus, found["common_prefixes"]))

    def generations(self, corpus: str) -> list[Shared]:
        """Return the generations of a corpus, oldest first.

        Raises:
            StoreMissing: there is none.
            StoreError: the store cannot be read.
        """
        place = f"{checked_corpus(corpus)}/"
        with self._trouble("list the generations", place):
            found = obstore.list_with_delimiter(self._opened(), place)
        shared = []
        for one in found["objects"]:
            name = one["path"].removeprefix(place)
            generation = name.removesuffix(ENDING)
            if name != generation and is_generation(generation):
                shared.append(Shared(generation, one["size"], one["last_modified"]))
        if not shared:
            raise StoreMissing(
                f"{self.url}/{corpus}: no generation there; "
                f"put one there with: kbserver publish {corpus} {self.url}"
            )
        return sorted(shared, key=lambda one: one.name)

    def live(self, corpus: str, known: Pointer | None = None) -> Pointer | None:
        """Return what is live of a corpus; None if nothing is.

        Args:
            corpus: its name.
            known: what it was before; the same comes back, for less, while it still holds.

        Raises:
            StoreError: the store cannot be read, or LIVE names no generation.
        """
        found = self.pointer(corpus, known)
        if found is not None and not is_generation(found.generation):
            raise StoreError(
                f"{self.url}/{corpus}/{_LIVE}: names {found.generation!r}, which is no generation; "
                f"choose one with: kbserver rollback {corpus} --at {self.url} --to GENERATION"
            )
        return found

    def pointer(self, corpus: str, known: Pointer | None = None) -> Pointer | None:
        """Return what LIVE says, whether that is a generation or not; see `live`."""
        place = f"{checked_corpus(corpus)}/{_LIVE}"
        version = None
        if known is not None:
            version = known.version
        found = self._small(place, _LONGEST_NAME, version)
        if found is None:
            return None
        content, now = found
        if content is None:
            return known
        return Pointer(content.decode("ascii", "backslashreplace").strip(), now)

    def upload(self, corpus: str, generation: str, file: Path) -> bool:
        """Upload an exported generation, unless it is there; read it back.

        Returns:
            Whether it was uploaded; False if the same bytes were there already.

        Raises:
            StoreError: other bytes are there, or the store cannot be written or read.
        """
        place = f"{checked_corpus(corpus)}/{generation}{ENDING}"
        with disk_trouble("upload a generation", file):
            size, digest = file.stat().st_size, sha256_of(file)
        uploaded = False
        with self._trouble("upload", place):
            if self._size_of(place) is None:
                uploaded = self._put_once(place, file, size)
        self._compare(place, size, digest)
        return uploaded

    def move(self, corpus: str, to: str, *, wanted: Pointer | None) -> None:
        """Make a generation the live one, if nothing else was made so since.

        Args:
            corpus: its name.
            to: a generation that is there.
            wanted: what was live when the caller looked; None: nothing.

        Raises:
            StoreBusy: something else is live now; nothing is moved.
            StoreMissing: there is no such generation; what was live stays.
            StoreError: the store cannot be read or written.
        """
        place = f"{checked_corpus(corpus)}/{_LIVE}"
        self._must_be_there(corpus, to)
        try:
            moved = self._swap(place, to, wanted)
        except (AlreadyExistsError, PreconditionError):
            before = "nothing"
            if wanted is not None:
                before = wanted.generation
            found = self.pointer(corpus)
            now = "nothing"
            if found is not None:
                now = found.generation
            raise StoreBusy(
                f"{self.url}/{corpus}: wanted {before} live, found {now}: another publisher was "
                f"first, and {to} is there, not live; if it shall replace that one: "
                f"kbserver rollback {corpus} --at {self.url} --to {to}"
            ) from None
        try:
            self._must_be_there(corpus, to)
        except StoreMissing:  # a prune took it away in between
            if wanted is not None:
                # Moved by another meanwhile: what that one wants stays.
                with suppress(AlreadyExistsError, PreconditionError):
                    self._swap(place, wanted.generation, moved)
            raise

    def fetch(self, corpus: str, generation: str, file: Path) -> None:
        """Download a generation into a file, which is replaced if it is there.

        What comes need not be what was uploaded: `Store.import_` checks it.

        Raises:
            StoreMissing: there is no such generation.
            StoreError: the store cannot be read, or the disk has no room for it.
        """
        place = f"{checked_corpus(corpus)}/{generation}{ENDING}"
        self._must_be_there(corpus, generation)
        with self._trouble("download", place):
            meta = obstore.head(self._opened(), place)
        blocks = self._blocks(place, meta["size"], meta["e_tag"])
        _check_room(file, meta["size"])
        with disk_trouble("download", file), file.open("wb") as stream:
            for block in blocks:
                stream.write(block)

    def remove(self, corpus: str, generation: str) -> None:
        """Remove a generation; nothing happens if it is gone."""
        place = f"{checked_corpus(corpus)}/{generation}{ENDING}"
        with self._trouble("remove", place):
            store = self._opened()
            with suppress(FileNotFoundError):
                obstore.delete(store, place)

    def small(
        self, place: str, known: Mapping[str, str] | None = None
    ) -> tuple[bytes | None, Mapping[str, str]] | None:
        """Read a small object that is no generation: a calibration, or `REVOKED`.

        Args:
            place: its path below the URL.
            known: the version that the caller has.

        Returns:
            Its bytes, None if they are those of `known`, and its version; None: there is none.

        Raises:
            StoreError: the store cannot be read, or it has more than 1 MB.
        """
        return self._small(place, _LONGEST_SMALL, known)

    def put_small(
        self, place: str, content: bytes, *, wanted: Mapping[str, str] | None = None
    ) -> None:
        """Write a small object.

        Args:
            place: its path below the URL.
            content: up to 1 MB.
            wanted: the version it must have before; {}: it must not be there; None: any.

        Raises:
            StoreBusy: it has another version.
            StoreError: the store cannot be written.
        """
        try:
            with self._trouble("write", place):
                self._put(place, content, wanted)
        except (AlreadyExistsError, PreconditionError):
            raise StoreBusy(
                f"{self.url}/{place}: was changed by another at the same time; try again"
            ) from None

    def _opened(self) -> Any:
        if self._folder is not None and not self._folder.is_dir():
            raise FileNotFoundError("no such folder")  # not: there is nothing in it
        if self._store is None:
            options: dict[str, Any] = {}
            if self._folder is None:
                # Given options make the library forget what the environment says of this.
                client = dict(_CLIENT)
                client["allow_http"] = _is_true(os.environ.get("AWS_ALLOW_HTTP", ""))
                options = {"client_options": client, "retry_config": _RETRIES}
            self._store = from_url(self.url, **options)
        return self._store

    def _must_be_there(self, corpus: str, generation: str) -> None:
        place = f"{corpus}/{generation}{ENDING}"
        with self._trouble("look for", place):
            size = self._size_of(place)
        if size is None:
            raise StoreMissing(
                f"{self.url}/{corpus}: no generation {generation!r} there; see what is with: "
                f"kbserver corpora --at {self.url}"
            )

    def _size_of(self, place: str) -> int | None:
        store = self._opened()
        try:
            return int(obstore.head(store, place)["size"])
        except FileNotFoundError:
            return None

    def _small(
        self, place: str, most: int, known: Mapping[str, str] | None
    ) -> tuple[bytes | None, Mapping[str, str]] | None:
        options: Any = {}
        if known and "e_tag" in known:
            options = {"if_none_match": known["e_tag"]}
        with self._trouble("read", place):
            store = self._opened()
            try:
                found = obstore.get(store, place, options=options)
            except FileNotFoundError:
                return None
            except NotModifiedError:
                return None, known or {}
            meta = found.meta
            if meta["size"] <= most:
                return bytes(found.bytes()), _version_of(meta)
        raise StoreError(
            f"{self.url}/{place}: found {meta['size']:,} bytes, it may have {most:,}; "
            "remove it and write it again"
        )

    def _put_once(self, place: str, file: Path, size: int) -> bool:
        store = self._opened()
        if size > _ONE_REQUEST:
            # A create is one request. Parts show as one object once all are there, and two that
            # upload a generation at once upload the same bytes.
            part = max(_BLOCK_BYTES, size // _MOST_PARTS + 1)
            obstore.put(store, place, file, use_multipart=True, chunk_size=part)
            return True
        try:
            obstore.put(store, place, file, mode="create")
        except AlreadyExistsError:
            return False
        return True

    def _compare(self, place: str, size: int, digest: str) -> None:
        """Read an object back, and raise StoreError if it is not what was to be uploaded."""
        with self._trouble("read back", place):
            meta = obstore.head(self._opened(), place)
        found, read = meta["size"], hashlib.sha256()
        if found == size:
            for block in self._blocks(place, size, meta["e_tag"]):
                read.update(block)
        if found != size or read.hexdigest() != digest:
            raise StoreError(
                f"{self.url}/{place}: holds {found:,} bytes that are not those of this store "
                f"({size:,} bytes, SHA-256 {digest}), and LIVE is not moved; remove that object, "
                "and publish again"
            )

    def _blocks(self, place: str, size: int, e_tag: str | None) -> Iterator[bytes]:
        """Yield an object block by block, each of them in time and all of one version."""
        for start in range(0, size, _BLOCK_BYTES):
            end = min(start + _BLOCK_BYTES, size)
            options: Any = {"range": (start, end)}
            if e_tag is not None:
                options["if_match"] = e_tag
            try:
                with self._trouble("read", place):
                    found = obstore.get(self._opened(), place, options=options)
                    got = bytes(found.bytes())
            except PreconditionError:
                raise StoreError(
                    f"{self.url}/{place}: was replaced while it was read; try again"
                ) from None
            if len(got) != end - start:
                raise StoreError(
                    f"{self.url}/{place}: {len(got)} bytes came where {end - start} were asked "
                    "for; look at what stands between this machine and the store"
                )
            yield got

    def _swap(self, place: str, to: str, wanted: Pointer | None) -> Pointer:
        version: Mapping[str, str] = {}
        if wanted is not None:
            version = wanted.version
        with self._trouble("move", place):
            return Pointer(to, self._put(place, f"{to}\n".encode(), version))

    def _put(
        self, place: str, content: bytes, wanted: Mapping[str, str] | None
    ) -> Mapping[str, str]:
        store = self._opened()
        if wanted is None:
            return _version_of(obstore.put(store, place, content))
        if not wanted:
            return _version_of(obstore.put(store, place, content, mode="create"))
        if self._folder is None:
            mode: Any = dict(wanted)
            return _version_of(obstore.put(store, place, content, mode=mode))
        # The library compares no versions in a folder.
        with filelock.FileLock(self._folder / f"{place}.lock", timeout=60):
            found = obstore.head(store, place)
            if _version_of(found) != dict(wanted):
                raise PreconditionError(place)
            return _version_of(obstore.put(store, place, content))

    @contextmanager
    def _trouble(self, doing: str, place: str) -> Iterator[None]:
        """Turn what the library raises into a StoreError that says what to do about it.

        Versions that differ are for the caller.
        """
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except (PermissionDeniedError, UnauthenticatedError) as exc:
            step = "are the credentials in the environment good for it?"
            raise StoreError(self._said(doing, place, exc, step)) from None
        except (BaseError, OSError, ValueError, NotImplementedError) as exc:
            step = "look at the URL, the network and the variables of the store"
            raise StoreError(self._said(doing, place, exc, step)) from None

    def _said(self, doing: str, place: str, exc: Exception, step: str) -> str:
        reason, _, _ = str(exc).partition("\n")
        # A shared access signature stands in the query.
        reason = _QUERY.sub("", reason)[:_LONGEST_REASON].rstrip()
        return f"{self.url}/{place}: cannot {doing}: {reason}; {step}"


def _version_of(found: Any) -> dict[str, str]:
    """Return what tells versions of an object apart; the library takes no None back."""
    return {key: found[key] for key in ("e_tag", "version") if found.get(key)}


def _check_room(file: Path, size: int) -> None:
    """Raise StoreError unless a download and what it is unpacked to fit beside a file."""
    free = shutil.disk_usage(file.parent).free
    if free < 2 * size:
        raise StoreError(
            f"{file.parent}: a generation of {size:,} bytes needs twice that while it is taken "
            f"over, and {free:,} are free; free some space, or name another place with --store"
        )


def _is_true(text: str) -> bool:
    return text.strip().lower() in ("1", "true", "yes", "on")


def age_s(shared: Shared, now: datetime | None = None) -> float:
    """Return for how many seconds a generation has been in the object store."""
    return ((now or datetime.now(UTC)) - shared.made).total_seconds()
