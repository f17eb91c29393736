"""The cache of exports: one for each user, and those that a store holds from before.

    CACHE/FINGERPRINT         the fp32 export of a model
    CACHE/FINGERPRINT-int8    its quantised twin
    CACHE/….not-exported.txt  why there is none, so that it is not tried at every start

The user's cache is `KBSERVER_MODELS`, else `kbserver/models` in the XDG cache folder.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

from filelock import FileLock

from kbserver.embedding import deferred
from kbserver.embedding.base import Encoder
from kbserver.embedding.export_meta import ExportMeta, NotExportable
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.embedding.source import ModelSource, resolve
from kbserver.errors import ModelError, SnapshotMismatch
from kbserver.types import ModelIdentity, is_fingerprint

VARIABLE = "KBSERVER_MODELS"

ExportPrecision = Literal["fp32", "int8"]
_PRECISIONS: tuple[ExportPrecision, ...] = ("fp32", "int8")
Writer = Callable[[Path], ExportMeta]

log = logging.getLogger("kbserver.embedding")


class Refused(NotExportable):
    """The model has no such export; `why` and the `file` that keeps the reason."""

    def __init__(self, why: str, file: Path, precision: ExportPrecision) -> None:
        super().__init__(why)
        self.why = why
        self.file = file
        self.precision = precision


def user_cache() -> Path | None:
    """Return the folder of this user's exports; None if there is no home folder to put it in.

    Source: XDG Base Directory Specification, `XDG_CACHE_HOME`; a relative path is to be ignored.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        try:
            base = Path.home() / ".cache"
        except RuntimeError:
            return None
    return base / "kbserver" / "models"


def export_folders(cache: Path | None, store: Path | None) -> list[Path]:
    """Return where exports are looked for, the folder first that a new one is written into.

    Args:
        cache: the user's cache; None: `user_cache`.
        store: a store's folder, whose `.models` held exports before there was a cache for the user.
    """
    folders = [cache or user_cache()]
    if store is not None:
        folders.append(store / ".models")
    return [folder for folder in folders if folder is not None]


class Exports:
    """The exports of one model: read from several folders, written into the first that can be."""

    def __init__(self, folders: Sequence[Path], model: str | ModelIdentity) -> None:
        """Name a model, or the identity whose fingerprint it must have.

        Raises:
            ModelError: the identity has no fingerprint that could be a model's.
        """
        self._folders = folders
        self._wanted: ModelIdentity | None
        if isinstance(model, ModelIdentity):
            if not is_fingerprint(model.fingerprint):
                raise ModelError(
                    f"{model.name}: {model.fingerprint!r} is no model's fingerprint, which is "
                    "32 hexadecimal digits; read it from a snapshot's manifest"
                )
            self.name, self._wanted = model.name, model
        else:
            self.name, self._wanted = model, None

    @cached_property
    def source(self) -> ModelSource:
        """The original model.

        Raises:
            ModelError: it cannot be found.
            SnapshotMismatch: its fingerprint is not the one wanted.
        """
        source = resolve(self.name)
        if self._wanted is not None and source.fingerprint != self._wanted.fingerprint:
            raise SnapshotMismatch(
                f"built with {self.name} of fingerprint {self._wanted.fingerprint}, "
                f"but {source.folder} now holds {source.fingerprint}; put the old model back"
            )
        return source

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint wanted, or that of the model the name stands for."""
        if self._wanted is not None:
            return self._wanted.fingerprint
        return self.source.fingerprint

    def identity(self) -> ModelIdentity | None:
        """Return what an export on this machine says of itself; None if there is none, or damaged.

        Its files are read and compared with their checksums, but not run.
        """
        for folder in self._folders:
            for precision in _PRECISIONS:
                export = folder / self._name(precision)
                try:
                    found = ExportMeta.read(export).identity
                    self._check(found, export)
                except ModelError:
                    continue
                return found
        return None

    def are_there(self, *precisions: ExportPrecision) -> bool:
        """Whether a folder holds an export of one of these precisions; it is not opened."""
        return any(
            (folder / self._name(precision)).is_dir()
            for folder in self._folders
            for precision in precisions
        )

    def open(self, precision: ExportPrecision, threads: int) -> OnnxEncoder:
        """Open an export, made first if there is none, or none that is whole and current.

        Raises:
            Refused: this model cannot be exported.
            ModelError: it cannot be found, loaded or written.
            SnapshotMismatch: the name now stands for another model.
        """
        if encoder := self._open_made(precision, threads):
            return encoder
        self._raise_if_refused(precision)
        write = self._writer(precision)
        folder = self._writable()
        try:
            # Of several processes one makes it; the others wait and find it made.
            with FileLock(folder / ".lock"):
                if encoder := self._open_made(precision, threads, log_faults=True):
                    return encoder
                made = self._make(folder, precision, write)
        except OSError as exc:
            raise self._not_written(folder, exc) from exc
        return OnnxEncoder(made, threads=threads, name=self.name)

    def open_torch(self, device: str, threads: int) -> Encoder:
        """Open the original model with sentence-transformers."""
        encoder: Encoder = deferred.torch_module().SentenceTransformerEncoder(
            self.source.folder,
            name=self.name,
            fingerprint=self.fingerprint,
            device=device,
            threads=threads,
            prompts=self.source.prompts,
        )
        return encoder

    def _open_made(
        self, precision: ExportPrecision, threads: int, *, log_faults: bool = False
    ) -> OnnxEncoder | None:
        for folder in self._folders:
            export = folder / self._name(precision)
            if not export.is_dir():
                continue
            try:
                encoder = OnnxEncoder(export, threads=threads, name=self.name)
                self._check(encoder.identity, export)
                return encoder
            except ModelError as exc:
                if log_faults:
                    log.warning("%s; the export is made anew", exc)
        return None

    def _check(self, found: ModelIdentity, export: Path) -> None:
        if found.fingerprint != self.fingerprint:
            raise ModelError(
                f"{export}: holds a model of fingerprint {found.fingerprint}"
            )

    def _raise_if_refused(self, precision: ExportPrecision) -> None:
        for folder in self._folders:
            file = self._refusal(folder, precision)
            if file.is_file():
                why = file.read_text(encoding="utf-8").strip()
                raise Refused(why, file, precision)

    def _writer(self, precision: ExportPrecision) -> Writer:
        """Return what fills an empty folder with an export.

        A name that means another model is refused here, before anything is made.
        """
        if precision == "int8":
            with self.open("fp32", threads=1) as encoder:
                exact = encoder.folder
            return lambda target: _quantised(exact, target)
        source = self.source
        return lambda target: _exact(source, target)

    def _writable(self) -> Path:
        """Return the first folder that can be written, made if need be."""
        fault: Exception = OSError("there is no home folder")
        for place, folder in enumerate(self._folders):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK):
                    raise PermissionError("not writable")
            except OSError as exc:
                fault = exc
                continue
            if place > 0:
                log.warning(
                    "%s cannot be written (%s): the exported model is kept in %s; %s names another "
                    "folder",
                    self._folders[0],
                    fault,
                    folder,
                    VARIABLE,
                )
            return folder
        where = self._folders[0] if self._folders else Path("~/.cache")
        raise self._not_written(where, fault) from fault

    def _make(self, folder: Path, precision: ExportPrecision, write: Writer) -> Path:
        """Have an export written beside, then rename it: a kill leaves none or a whole one."""
        export = folder / self._name(precision)
        beside = folder / f".{export.name}.partial"
        # One is left by a run that was killed; the other is damaged, or it would have been opened.
        for stale in (beside, export):
            shutil.rmtree(stale, ignore_errors=True)
        log.info("preparing %s for ONNX Runtime (%s), once", self.name, precision)
        beside.mkdir()
        try:
            meta = write(beside)
            beside.rename(export)
        except NotExportable as exc:
            refusal = self._refusal(folder, precision)
            refusal.write_text(f"{exc}\n", encoding="utf-8")
            raise Refused(str(exc), refusal, precision) from exc
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        log.info(
            "prepared %s (%s): vectors differ by at most %.0e",
            self.name,
            meta.precision,
            meta.difference,
        )
        return export

    def _name(self, precision: ExportPrecision) -> str:
        if precision == "fp32":
            return self.fingerprint
        return f"{self.fingerprint}-{precision}"

    def _refusal(self, folder: Path, precision: ExportPrecision) -> Path:
        return folder / f"{self._name(precision)}.not-exported.txt"

    def _not_written(self, folder: Path, fault: Exception) -> ModelError:
        return ModelError(
            f"{folder}: the exported model cannot be written here ({fault}); free or make writable "
            f"what is missing, name another folder with {VARIABLE}, or choose backend torch"
        )


# The modules that make an export need onnx, which takes 0.3 s to import: a server that finds its
# export never does.


def _exact(source: ModelSource, target: Path) -> ExportMeta:
    exact = importlib.import_module("kbserver.embedding.export.exact")
    meta: ExportMeta = exact.export_exact(source, target)
    return meta


def _quantised(exact: Path, target: Path) -> ExportMeta:
    quantised = importlib.import_module("kbserver.embedding.export.quantised")
    meta: ExportMeta = quantised.quantise(exact, target)
    return meta
