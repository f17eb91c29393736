"""How a model is opened, decided from what was asked for; nothing is opened here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kbserver.errors import ModelError

Backend = Literal["auto", "onnx", "torch"]
Precision = Literal["auto", "fp32", "int8"]

_CPU = ("auto", "cpu")


@dataclass(frozen=True)
class Plan:
    """Which backend embeds, from which export, and what else is exported on the way."""

    backend: Literal["onnx", "torch"]
    precision: Precision = "fp32"
    """Of the export that is opened; `auto`: int8 where that is quicker."""
    makes_exact: bool = False
    """Make the fp32 export first, though torch embeds: serving needs it."""
    makes_int8: bool = False
    """Make the int8 export as well, for the same reason."""
    falls_back: bool = False
    """Use torch if the model cannot be exported; else that is an error."""


def choose(
    *,
    backend: Backend,
    precision: Precision,
    device: str,
    for_queries: bool,
    has_accelerator: bool,
) -> Plan:
    """Decide how to open a model.

    Args:
        backend: `auto`, or the one to insist on.
        precision: of the weights that embed queries; passages are always embedded at fp32.
        device: torch's name for a device, `cpu`, or `auto`.
        for_queries: whether queries will be embedded, or passages.
        has_accelerator: whether torch finds one here.

    Raises:
        ModelError: the options exclude each other.
    """
    if precision == "int8" and not for_queries:
        raise ModelError(
            "precision int8 is for queries only: passages are always embedded exactly, use fp32"
        )
    if precision == "int8" and backend == "torch":
        raise ModelError(
            "precision int8 needs the backend onnx, found torch; choose backend onnx or auto"
        )
    if precision == "int8" and device not in _CPU:
        raise ModelError(
            f"precision int8 runs on the CPU, found device {device}; choose device cpu"
        )
    if backend == "onnx" and device not in _CPU:
        raise ModelError(
            f"backend onnx runs on the CPU, found device {device}; choose device cpu, "
            "or backend torch"
        )
    if backend == "torch":
        return Plan("torch")
    falls_back = backend == "auto" and precision != "int8"
    if for_queries and device in _CPU:
        return Plan("onnx", precision, falls_back=falls_back)
    # One short query gains nothing on its way to an accelerator and back; passages do.
    wants_accelerator = has_accelerator and device == "auto" and backend == "auto"
    if device not in _CPU or wants_accelerator:
        return Plan(
            "torch", makes_exact=True, makes_int8=not for_queries, falls_back=True
        )
    return Plan("onnx", makes_int8=True, falls_back=falls_back)
