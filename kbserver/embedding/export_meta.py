"""What an exported model says of itself: `meta.json` beside its graph."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from kbserver.errors import ModelError
from kbserver.files import sha256_of
from kbserver.types import ModelIdentity

EXPORT_FORMATS = {"fp32": 2, "int8": 5}
"""By precision. Raised when a graph or `meta.json` changes, so that older exports are remade."""

GRAPH = "model.onnx"
TOKENIZER = "tokenizer.json"

_META = "meta.json"


class NotExportable(ModelError):
    """The model does not fit into an export; it can still be used with torch."""


class Reference(BaseModel):
    """A text and its exact vector, compared with a vector made where the export is opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    vector: tuple[float, ...]


class ExportMeta(BaseModel):
    """The content of `meta.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    identity: ModelIdentity
    precision: str
    """`fp32`, or `int8`: quantised weights, for queries only."""
    query_prompt: str
    passage_prompt: str
    inputs: tuple[str, ...]
    """Names of the graph's inputs, each int64 of shape (texts, tokens)."""
    pad_id: int
    pad_left: bool
    difference: float
    """Largest difference of any component from the model's own vectors, measured at the export."""
    time_of_exact: float = 1.0
    """Time of a query as a share of its time at fp32, measured when the model was quantised."""
    reference: Reference | None = None
    """Of quantised weights: processors differ in how they multiply int8 numbers, and those before
    AVX-512 VNNI saturate large sums."""
    sha256: dict[str, str]
    """Digest of every other file of the folder, by name."""

    @classmethod
    def read(cls, folder: Path) -> ExportMeta:
        """Read `meta.json` and check every file against it.

        Raises:
            ModelError: it is missing, of another format, or a file is not the one it names.
        """
        try:
            meta = cls.model_validate_json((folder / _META).read_bytes())
        except (OSError, ValidationError) as exc:
            raise ModelError(f"{folder}: no exported model: {exc}") from exc
        current = EXPORT_FORMATS.get(meta.precision)
        if meta.format != current:
            raise ModelError(
                f"{folder}: exported in format {meta.format}, this version reads {current}"
            )
        for name, wanted in meta.sha256.items():
            found = sha256(folder / name)
            if found != wanted:
                raise ModelError(
                    f"{folder / name}: SHA-256 is {found}, its meta.json says {wanted}"
                )
        return meta

    def write(self, folder: Path) -> None:
        """Write `meta.json` into a folder that already holds the files it names."""
        text = self.model_dump_json(indent=2) + "\n"
        (folder / _META).write_text(text, encoding="utf-8")


def digests_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder, by name."""
    return {file.name: sha256(file) for file in sorted(folder.iterdir())}


def sha256(file: Path) -> str:
    """Return the hex SHA-256 of a file, or "missing" if it cannot be read."""
    try:
        return sha256_of(file)
    except OSError:
        return "missing"
