"""Which optional packages which command needs: the one table of the extras in pyproject.toml.

Every other command, format and flag works with what `pip install kbserver` brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final

from kbserver.errors import ExtraMissing


@dataclass(frozen=True, slots=True)
class Extra:
    """The packages that `pip install 'kbserver[NAME]'` adds.

    Attributes:
        needed_by: the commands that need them, and for what.
        modules: module to import of each package, by the package's name in the registry.
    """

    needed_by: str
    modules: Mapping[str, str]


EXTRAS: Final[Mapping[str, Extra]] = MappingProxyType(
    {
        "office": Extra(
            "ingest and lint of .xlsx and .pptx files",
            {"openpyxl": "openpyxl", "python-pptx": "pptx"},
        ),
        "rst": Extra(
            "ingest and lint of .rst files",
            {"docutils": "docutils"},
        ),
        "outlook": Extra(
            "ingest and lint of .msg files",
            {"olefile": "olefile"},
        ),
        "web": Extra(
            "ingest of a URL",
            {"protego": "protego"},
        ),
        "ocr": Extra(
            "text on pictures and scanned pages",
            {"rapidocr": "rapidocr", "pillow": "PIL"},
        ),
        "s3": Extra(
            "publish, follow and --at, to share generations over an object store",
            {"obstore": "obstore"},
        ),
        "evaluation": Extra(
            "eval, calibrate, gaps and replay",
            {"ir-measures": "ir_measures", "scipy": "scipy"},
        ),
        "otel": Extra(
            "traces of turns ([record] otlp)",
            {
                "opentelemetry-sdk": "opentelemetry.sdk",
                "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
            },
        ),
        "parquet": Extra(
            "calls --export parquet",
            {"pyarrow": "pyarrow"},
        ),
    }
)
"""The extras by name; `kbserver[all]` installs every one of them."""


def is_installed(extra: str) -> bool:
    """Return whether the packages of an extra are there, without importing them."""
    return all(map(_is_there, EXTRAS[extra].modules.values()))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package around it
        return False


def require(extra: str, what: str) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Args:
        extra: its name, a key of `EXTRAS`.
        what: what needs it, for the message: `kbserver eval`.

    Raises:
        ExtraMissing: one is not installed; the message names the extra.
    """
    if not is_installed(extra):
        raise ExtraMissing(what, extra)
