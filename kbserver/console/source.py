"""Where the console reads: the record of turns and the store, whether a server runs or not."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property

from kbserver.console.asking import Generations
from kbserver.console.replaying import Replaying
from kbserver.console.watch import ServerWatch
from kbserver.errors import StoreMissing
from kbserver.index.store import Store
from kbserver.record.database import FILE, open_for_reading, unreadable
from kbserver.record.schema import migrate
from kbserver.settings import Settings


@dataclass(frozen=True)
class Source:
    """One store, its record, and the settings that a server of it would read."""

    settings: Settings
    server: str | None = None
    """Base URL of a running server; None: where the settings say that it listens."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""

    @property
    def store(self) -> Store:
        """The corpora."""
        return Store(self.settings.store)

    @cached_property
    def generations(self) -> Generations:
        """Generations that can be asked, opened when they are."""
        return Generations(self.settings)

    @cached_property
    def replaying(self) -> Replaying:
        """The replay that a page began, if one is at work."""
        return Replaying(self.settings)

    @cached_property
    def watch(self) -> ServerWatch:
        """What the running server says of itself."""
        return ServerWatch(self.server or "", clock=self.clock)

    @contextmanager
    def record(self) -> Iterator[sqlite3.Connection]:
        """Open the record for reading; an empty one if no turn was recorded yet.

        Raises:
            StoreError: there is one, and it cannot be read; also within the block.
        """
        try:
            connection = open_for_reading(self.settings.record_folder)
        except StoreMissing:
            connection = sqlite3.connect(":memory:", isolation_level=None)
            connection.row_factory = sqlite3.Row
            migrate(connection)
        with closing(connection):
            try:
                yield connection
            except sqlite3.Error as exc:
                raise unreadable(self.settings.record_folder / FILE, exc) from exc
