"""What publishers do with an object store: publish, roll back, prune, revoke."""

from __future__ import annotations

from dataclasses import dataclass

import filelock

from kbserver.errors import StoreBusy, StoreError, StoreMissing
from kbserver.index.durable import disk_trouble
from kbserver.index.names import is_generation
from kbserver.index.sharing.remote import (
    CALIBRATION,
    ENDING,
    REVOKED,
    YOUNG_S,
    Remote,
    age_s,
)
from kbserver.index.store import Store

_FOLDER = ".publish"
"""Below the store: exports that are being uploaded, one for each corpus at most."""

_ATTEMPTS = 5  # at a list of revoked tokens that others write, too


@dataclass(frozen=True, slots=True)
class Published:
    """What a publisher did."""

    corpus: str
    generation: str
    before: str | None
    """What was live; None: nothing was."""
    uploaded: bool
    """False: it was there already, perhaps by an attempt that was cut off."""


def publish(
    store: Store,
    corpus: str,
    remote: Remote,
    *,
    generation: str | None = None,
    calibration: bytes | None = None,
    wait_s: float = 0.0,
) -> Published:
    """Upload a generation of a store once, then make it the live one of an object store.

    Whatever ends it in between leaves LIVE as it was, and the next attempt goes on from there.

    Args:
        store: where the generation is.
        corpus: its name.
        remote: where it shall be.
        generation: which one; None: the live one.
        calibration: of the corpus, for those that follow; None: leave what is there.
        wait_s: how many seconds to wait for another that publishes this corpus from this store.

    Raises:
        StoreMissing: there is no such generation.
        SnapshotCorrupt: a file of it is damaged.
        StoreBusy: another publisher was first; LIVE is as that one left it.
        StoreError: a store cannot be read or written.
    """
    name = generation or store.live(corpus)
    before = remote.pointer(corpus)
    uploaded = False
    if before is None or before.generation != name:
        uploaded = _upload(store, corpus, remote, name, wait_s=wait_s)
        remote.move(corpus, name, wanted=before)
    if calibration is not None:
        place = f"{corpus}/{CALIBRATION}"
        found = remote.small(place)
        if found is None or found[0] != calibration:
            remote.put_small(place, calibration)
    was: str | None = None
    if before is not None:
        was = before.generation
    return Published(corpus, name, was, uploaded)


def roll_back(remote: Remote, corpus: str, to: str | None = None) -> str:
    """Make an earlier generation of an object store the live one; return its name.

    Args:
        remote: where the generations are.
        corpus: its name.
        to: a generation; None: the newest one older than the live one, or if none is live, the
            newest.

    Raises:
        StoreMissing: there is no such generation, or none before the live one.
        StoreBusy: another moved LIVE at the same time.
        StoreError: the store cannot be read or written.
    """
    names = [one.name for one in remote.generations(corpus)]
    before = remote.pointer(corpus)
    if to is None:
        older = names
        if before is not None and is_generation(before.generation):
            older = [name for name in names if name < before.generation]
        if not older:
            raise StoreMissing(
                f"{remote.url}/{corpus}: no generation before the live one; "
                f"there are {', '.join(names)}"
            )
        to = older[-1]
    if before is None or before.generation != to:
        remote.move(corpus, to, wanted=before)
    return to


def prune(remote: Remote, corpus: str, *, keep: int = 2) -> list[str]:
    """Remove all but the newest generations of an object store; return the removed names.

    The live one stays, and what was uploaded in the last hour: a publisher may be about to move
    LIVE to it, and a server may be fetching it.

    Args:
        remote: where the generations are.
        corpus: its name.
        keep: how many to leave, at least 1, the live one counted.

    Raises:
        StoreMissing: there is no such corpus.
        StoreError: none is live, or the store cannot be read or written.
    """
    if keep < 1:
        raise StoreError(f"prune would keep {keep} generations; at least 1 must stay")
    generations = remote.generations(corpus)
    live = remote.live(corpus)
    if live is None:
        raise StoreMissing(
            f"{remote.url}/{corpus}: no generation is live, so none is removed; "
            f"publish one with: kbserver rollback {corpus} --at {remote.url}"
        )
    old = [one for one in reversed(generations) if one.name != live.generation]
    doomed = [one.name for one in old[keep - 1 :] if age_s(one) > YOUNG_S]
    for name in doomed:
        remote.remove(corpus, name)
    return sorted(doomed)


def revoke(remote: Remote, tokens: list[str]) -> int:
    """Add tokens to the list of those that are good no longer; return how many are new.

    Args:
        remote: where the list is.
        tokens: the `jti` of each.

    Raises:
        StoreBusy: others changed the list each time.
        StoreError: the store cannot be read or written.
    """
    for _ in range(_ATTEMPTS):
        found = remote.small(REVOKED)
        listed, version = b"", {}
        if found is not None and found[0] is not None:
            listed, version = found[0], dict(found[1])
        known = {
            line.partition("#")[0].strip()
            for line in listed.decode("utf-8", "replace").splitlines()
        }
        new = [token for token in dict.fromkeys(tokens) if token not in known]
        if not new:
            return 0
        if listed and not listed.endswith(b"\n"):
            listed += b"\n"
        listed += "".join(f"{token}\n" for token in new).encode()
        try:
            remote.put_small(REVOKED, listed, wanted=version)
        except StoreBusy:
            continue
        return len(new)
    raise StoreBusy(f"{remote.url}/{REVOKED}: others keep changing it; try again")


def _upload(
    store: Store, corpus: str, remote: Remote, generation: str, *, wait_s: float
) -> bool:
    """Export a generation and upload it; return whether it was not there yet."""
    folder = store.path / _FOLDER
    with disk_trouble("export", folder):
        folder.mkdir(exist_ok=True)
        lock = filelock.FileLock(folder / f"{corpus}.lock", timeout=wait_s)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise StoreBusy(
                f"{folder}: another kbserver is publishing the corpus {corpus!r}; "
                "try again when it is done, or say --wait SECONDS"
            ) from None
    file = folder / f"{corpus}{ENDING}"
    try:
        # Without its calibration: equal generations are equal bytes then.
        store.export(corpus, file, generation)
        return remote.upload(corpus, generation, file)
    finally:
        file.unlink(missing_ok=True)
        lock.release()
