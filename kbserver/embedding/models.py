"""From what the user named to a model that runs. The door to everything in this folder.

name ─▶ source: a folder, its fingerprint ─▶ exports: made once, kept for the user ─▶ Encoder
options ─▶ plan: which backend, which precision ──────────────┘
"""

from __future__ import annotations

import logging
import shlex
import sys
from pathlib import Path

from kbserver.embedding import deferred
from kbserver.embedding.base import Encoder
from kbserver.embedding.cores import usable_cores
from kbserver.embedding.exports import Exports, Refused, export_folders
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.embedding.plan import Backend, Plan, Precision, choose
from kbserver.embedding.source import DEFAULT_IDENTITY
from kbserver.errors import ModelError
from kbserver.types import ModelIdentity

# Share of the time at fp32: above it int8 costs quality and gains next to nothing.
_WORTHWHILE = 0.9

# Device files of NVIDIA, AMD and WSL: importing torch to ask takes seconds.
_ACCELERATORS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")

log = logging.getLogger("kbserver.embedding")


def open_encoder(
    model: str | ModelIdentity,
    *,
    cache: Path | None = None,
    store: Path | None = None,
    backend: Backend = "auto",
    precision: Precision = "fp32",
    device: str = "auto",
    threads: int | None = None,
    for_queries: bool,
) -> Encoder:
    """Open an embedding model, ready to use.

    On the CPU that is ONNX Runtime with an export of the model, made the first time and kept in the
    user's cache; torch if the model does not fit into an export. Serving passes the identity in a
    snapshot's manifest: the export with that fingerprint is opened without the original model.
    Ingest on an accelerator uses torch, and exports all the same for the serving to come.

    Args:
        model: a name (see `source.resolve`), or the identity in a snapshot's manifest.
        cache: where exports are kept; None: `exports.user_cache`.
        store: a store's folder, whose own exports are used as well.
        backend: `auto`, or the one to insist on.
        precision: of the weights that embed queries; `auto`: int8 where a query was quicker for it
            when the model was quantised. Passages are always embedded at fp32.
        device: torch's name for a device, `cpu`, or `auto`.
        threads: batches of passages that run at once, or torch's threads; None: one for queries,
            else all cores.
        for_queries: whether queries will be embedded (serving) or passages (ingest).

    Raises:
        ModelError: the model cannot be found, loaded or trusted, or the options exclude each other.
        SnapshotMismatch: the name now stands for another model than the identity says.
    """
    asks_for_accelerator = backend == "auto" and device == "auto" and not for_queries
    plan = choose(
        backend=backend,
        precision=precision,
        device=device,
        for_queries=for_queries,
        has_accelerator=asks_for_accelerator and _has_accelerator(),
    )
    if threads is None or threads == 0:
        threads = 1
        if not for_queries:
            threads = usable_cores()
    exports = Exports(export_folders(cache, store), model)
    return _open(plan, exports, device, threads)


def check_present(
    model: ModelIdentity,
    *,
    cache: Path | None = None,
    store: Path | None = None,
    backend: Backend = "auto",
    precision: Precision = "fp32",
) -> None:
    """Check that a snapshot's model can be opened for queries, without loading it.

    Takes no time if its export is there, else that of reading, or fetching, the model's files.

    Raises:
        ModelError: neither the export nor the model is there.
        SnapshotMismatch: the name now stands for another model than the identity says.
    """
    exports = Exports(export_folders(cache, store), model)
    if backend == "torch" or not _is_exported(exports, precision):
        _ = exports.source


def recognise(
    model: ModelIdentity,
    *,
    cache: Path | None = None,
    store: Path | None = None,
    trusted: str | None = None,
) -> ModelIdentity:
    """Return the identity this machine knows a model by, without running it.

    Known are the default model and those with an export here; others by the user's word alone.

    Args:
        model: the identity that a snapshot from elsewhere names.
        cache: where exports are kept; None: `exports.user_cache`.
        store: a store's folder, whose own exports are used as well.
        trusted: the name of a model that the user trusts.

    Raises:
        ModelError: it is not known, or what is known of it contradicts the identity.
    """
    known: ModelIdentity | None = DEFAULT_IDENTITY
    if model.fingerprint != DEFAULT_IDENTITY.fingerprint:
        known = Exports(export_folders(cache, store), model).identity()
    if known is None and trusted == model.name:
        known = model
    if known is None:
        raise ModelError(
            f"the model {model.name!r} of fingerprint {model.fingerprint} is not known on this "
            "machine, and an imported file is not believed about it; ingest with it here once, "
            f"or if you trust it say  --trust-model {shlex.quote(model.name)}"
        )
    if (known.dim, known.max_tokens) != (model.dim, model.max_tokens):
        raise ModelError(
            f"{known.name} has vectors of length {known.dim} and reads {known.max_tokens} tokens, "
            f"found {model.dim} and {model.max_tokens}; do not use this file"
        )
    return known


def is_exported(
    model: ModelIdentity,
    *,
    cache: Path | None = None,
    store: Path | None = None,
    precision: Precision = "fp32",
) -> bool:
    """Whether this model is served without being exported first, which takes some ten seconds."""
    return _is_exported(Exports(export_folders(cache, store), model), precision)


def _is_exported(exports: Exports, precision: Precision) -> bool:
    if precision == "fp32":
        return exports.are_there("fp32")
    return exports.are_there("fp32", "int8")


def _open(plan: Plan, exports: Exports, device: str, threads: int) -> Encoder:
    if plan.backend == "torch" and not plan.makes_exact:
        return exports.open_torch(device, threads)
    try:
        encoder = _open_export(plan.precision, exports, threads)
    except Refused as refusal:
        if not plan.falls_back:
            raise ModelError(_without_fallback(refusal)) from refusal
        log.warning(
            "%s; it runs on torch, slower and larger (delete %s to try again)",
            refusal.why,
            refusal.file,
        )
        return exports.open_torch(device, threads)
    if plan.makes_int8:
        _open_quantised(exports)
    if plan.backend == "torch":
        encoder.close()
        return exports.open_torch(device, threads)
    return encoder


def _open_export(precision: Precision, exports: Exports, threads: int) -> OnnxEncoder:
    if precision != "auto":
        return exports.open(precision, threads)
    quantised = _open_quantised(exports)
    if quantised is not None and quantised.time_of_exact < _WORTHWHILE:
        return quantised
    return exports.open("fp32", threads)


def _open_quantised(exports: Exports) -> OnnxEncoder | None:
    """Open the int8 export, made if need be; None, and a line in the log, if that fails."""
    try:
        return exports.open("int8", threads=1)
    except Refused as refusal:
        if refusal.precision == "int8":
            log.info("%s; queries are embedded exactly", refusal.why)
    except ModelError as exc:
        log.warning(
            "%s; until then queries are embedded exactly, in nearly twice the time", exc
        )
    return None


def _without_fallback(refusal: Refused) -> str:
    instead = "precision fp32"
    if refusal.precision == "fp32":
        instead = "backend torch with precision fp32"
    return f"{refusal.why}; use {instead}, or delete {refusal.file} to try again"


def _has_accelerator() -> bool:
    if sys.platform != "darwin":
        if not any(Path(file).exists() for file in _ACCELERATORS):
            return False
    return bool(deferred.torch_module().best_device() != "cpu")
