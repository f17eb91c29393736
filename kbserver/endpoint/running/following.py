"""Follow an object store: fetch what is live there, check it, and publish it in the own store.

The server takes a generation over from its store as it takes over one of an ingest. Whatever the
object store does, what is served stays: one that is away, slow or wrong is said and counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import filelock

from kbserver.embedding.models import recognise
from kbserver.endpoint.figures.followed import FollowCounts
from kbserver.endpoint.live import CAUGHT_UP
from kbserver.endpoint.troubles import Troubles
from kbserver.errors import (
    KbServerError,
    SettingsError,
    StoreError,
    StoreMissing,
    said_by,
)
from kbserver.files import replacing
from kbserver.index.durable import disk_trouble
from kbserver.index.manifest import read_manifest
from kbserver.index.sharing.remote import CALIBRATION, ENDING, REVOKED, Pointer, Remote
from kbserver.index.store import Store
from kbserver.priority import once_parent_ended, process_beside
from kbserver.retrieval.calibration import adopt_calibration
from kbserver.retrieval.reading import scores_by
from kbserver.retrieval.spoken.table import check_spoken_forms
from kbserver.settings import FollowSettings, Settings

log = logging.getLogger("kbserver.endpoint")

SELDOM_S = 30.0
"""Between looks at what changes seldom: which corpora there are, and how they are calibrated."""

_WAIT_S = 60.0
"""For an ingest into the same store."""

AGAIN_S = 1.0
"""Before a process that follows and was killed is started again."""

_AWAY = ""  # among the troubles, which are by corpus: the object store itself


class Follower:
    """Keeps a store on what is live in an object store."""

    def __init__(
        self,
        settings: Settings,
        follow: FollowSettings,
        *,
        tell: Callable[[str], None] = lambda result: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Name the two stores; nothing is read yet.

        Args:
            settings: name the store of this machine.
            follow: name the object store.
            tell: is told what became of each look and generation; see `FollowCounts`.
            clock: seconds.
        """
        self._settings = settings
        self._follow = follow
        self._store = Store(settings.store)
        self._folder = settings.follow_folder
        self._remote = Remote(follow.url)
        self._tell = tell
        self._clock = clock
        self._troubles = Troubles(clock)
        self._corpora: list[str] = list(follow.corpora)
        self._pointers: dict[str, Pointer] = {}
        self._versions: dict[str, dict[str, str]] = {}  # of small objects, by place
        self._seldom_at: float | None = None
        self._uncalibrated: set[str] = set()

    def look(self) -> None:
        """Look once, and take over what is new; say once what does not work."""
        try:
            self._look()
        except Exception as exc:  # whatever happens, the next look is a new attempt
            self._tell("failed")
            if self._troubles.add(_AWAY, "", said_by(exc)):
                log.error("what is here goes on being served: %s", said_by(exc))
            return
        self._tell("read")
        if self._troubles.end(_AWAY):
            log.info("%s is there again", self._follow.url)
        with suppress(OSError):
            (self._folder / CAUGHT_UP).touch()

    @property
    def failing(self) -> bool:
        """Whether something did not work at the last look."""
        names = [_AWAY, *self._corpora]
        return any(self._troubles.reason(name) for name in names)

    def _look(self) -> None:
        """Look at every corpus.

        Raises:
            StoreMissing: none is live.
            StoreError: the object store cannot be read.
        """
        now = self._clock()
        seldom = self._seldom_at is None or now >= self._seldom_at + SELDOM_S
        if seldom:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not self._follow.corpora:
                self._corpora = self._remote.corpora()
        self._take_revoked()
        found = False
        for corpus in self._corpora:
            pointer = self._remote.live(corpus, self._pointers.get(corpus))
            if pointer is None and corpus in self._pointers:
                raise StoreError(
                    f"{self._follow.url}/{corpus}: nothing is live there any more; is it the "
                    f"same place?  kbserver rollback {corpus} --at {self._follow.url}"
                )
            if pointer is None:
                continue
            found = True
            self._pointers[corpus] = pointer
            self._bring(corpus, pointer.generation)
            if seldom or corpus in self._uncalibrated:
                self._take_calibration(corpus)
        if not found:
            raise StoreMissing(
                f"{self._follow.url}: nothing is live there; put something there with: "
                f"kbserver publish CORPUS {self._follow.url}"
            )
        if seldom:
            self._seldom_at = now

    def _bring(self, corpus: str, generation: str) -> None:
        """Have a generation live here; what keeps it from being is said once."""
        if self._live_here(corpus) == generation:
            self._works(corpus)
            return
        if not self._troubles.may_try(corpus, generation):
            return
        try:
            self._take_over(corpus, generation)
        except Exception as exc:  # the other corpora go on
            if self._troubles.add(corpus, generation, said_by(exc)):
                self._tell("refused")
                log.error(
                    "corpus %s: %s is not taken over, %s stays: %s",
                    corpus,
                    generation,
                    self._live_here(corpus) or "nothing",
                    said_by(exc),
                )
            return
        self._tell("published")
        self._works(corpus)
        log.info("corpus %s: %s is live here", corpus, generation)

    def _works(self, corpus: str) -> None:
        if self._troubles.end(corpus):
            log.info("corpus %s: is followed again", corpus)

    def _live_here(self, corpus: str) -> str | None:
        try:
            return self._store.live(corpus)
        except StoreError:
            return None

    def _take_over(self, corpus: str, generation: str) -> None:
        """Fetch and check a generation unless it is here, and publish it."""
        if not self._is_here(corpus, generation):
            self._fetch(corpus, generation)
        self._versions.pop(f"{corpus}/{CALIBRATION}", None)
        self._take_calibration(corpus)
        self._uncalibrated.add(corpus)  # it may be written a moment after LIVE
        with self._store.lock(corpus, wait_s=_WAIT_S):
            self._store.publish(corpus, generation)
            self._store.prune(corpus, keep=self._follow.keep)

    def _is_here(self, corpus: str, generation: str) -> bool:
        try:
            return generation in self._store.generations(corpus)
        except StoreError:
            return False

    def _fetch(self, corpus: str, generation: str) -> None:
        file = self._folder / f"{corpus}{ENDING}"
        recognise_here = partial(
            recognise,
            cache=self._settings.models,
            store=self._settings.store,
            trusted=self._follow.trust_model,
        )
        try:
            self._remote.fetch(corpus, generation, file)
            self._store.import_(
                file,
                recognise=recognise_here,
                check=check_spoken_forms,
                named=(corpus, generation),
                wait_s=_WAIT_S,
            )
        finally:
            file.unlink(missing_ok=True)

    def _take_calibration(self, corpus: str) -> None:
        """Take over the least score of a corpus, if it was changed."""
        self._uncalibrated.discard(corpus)
        generation = self._pointers[corpus].generation
        if not self._is_here(corpus, generation):
            return
        content = self._changed(f"{corpus}/{CALIBRATION}")
        if content is None:
            return
        folder = self._settings.store / corpus
        with disk_trouble("read the manifest", folder):
            made_by = scores_by(read_manifest(folder / generation))
        try:
            least = adopt_calibration(folder, content, made_by)
        except StoreError as exc:
            log.error("corpus %s: %s", corpus, exc)
        else:
            log.info("corpus %s: min_score %.3f, as it was published", corpus, least)

    def _take_revoked(self) -> None:
        """Take over the list of revoked tokens; one that is gone leaves the last in force."""
        content = self._changed(REVOKED)
        if content is None:
            return
        file = self._folder / REVOKED
        with disk_trouble("keep the revoked tokens", file), replacing(file) as stream:
            stream.write(content)

    def _changed(self, place: str) -> bytes | None:
        """Return a small object if it is another than at the last look, else None."""
        found = self._remote.small(place, self._versions.get(place))
        if found is None:
            return None
        content, version = found
        self._versions[place] = dict(version)
        return content


def follow(
    settings: Settings,
    *,
    once: bool = False,
    tell: Callable[[str], None] = lambda result: None,
    stop: threading.Event | None = None,
) -> bool:
    """Follow the object store that the settings name until stopped.

    Args:
        once: look once and return.
        tell: see `Follower`.
        stop: ends it, before the next look.

    Returns:
        Whether all that was looked at last is live here.

    Raises:
        SettingsError: the settings name none.
        StoreError: the folder of the store cannot be written.
    """
    if settings.follow is None:
        raise SettingsError(
            "no object store to follow: name one, s3://bucket/prefix, or write [follow] with url "
            "into kbserver.toml"
        )
    stop = stop or threading.Event()
    follower = Follower(settings, settings.follow, tell=tell)
    with _alone(settings.follow_folder, stop):
        while not stop.is_set():
            follower.look()
            if once or stop.wait(settings.follow.every_s):
                break
    return not follower.failing


@contextmanager
def _alone(folder: Path, stop: threading.Event) -> Iterator[None]:
    """Be the only one that follows into a store; what one that was killed left is removed."""
    with disk_trouble("keep what is followed", folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        waits = False
        while not stop.is_set():
            try:
                lock.acquire(timeout=1.0)
                break
            except filelock.Timeout:
                if not waits:
                    log.info("%s: another kbserver follows into this store", folder)
                waits = True
    try:
        if lock.is_locked:  # else stopped while it waited: what lies there is another's
            with suppress(OSError):
                for leftover in folder.glob(f"*{ENDING}"):
                    leftover.unlink()
        yield
    finally:
        lock.release()


@contextmanager
def following_beside(
    settings: Settings,
    *,
    prepare: Callable[[], None] | None = None,
    tell: FollowCounts | None = None,
) -> Iterator[None]:
    """Follow in a process of its own while the block runs; for a server.

    Checking a generation and building its index would take cores and the interpreter's lock from
    turns. The process gives way to them (nice), is started again if it is killed, and ends with
    this one.

    Args:
        settings: name the store and the object store.
        prepare: called first in the new process, to set up its log; importable by name.
        tell: is told there what became of each look.
    """
    what = (settings, prepare, tell)
    with process_beside(
        _follow_until_orphaned, *what, name="kbserver-follow", again_s=AGAIN_S
    ):
        yield


def _follow_until_orphaned(
    settings: Settings,
    prepare: Callable[[], None] | None,
    tell: FollowCounts | None,
) -> None:
    """Follow until the parent process ends."""
    if prepare is not None:
        prepare()
    stop = threading.Event()
    once_parent_ended(stop.set)
    heard: Callable[[str], None] = lambda result: None  # noqa: E731
    if tell is not None:
        heard = tell
        threading.Thread(target=tell.go_on_telling, args=(stop,), daemon=True).start()
    try:
        with suppress(KeyboardInterrupt):
            follow(settings, tell=heard, stop=stop)
    except KbServerError as exc:
        log.error("not following: %s", exc)
