"""Models from the Hugging Face hub. The only file that imports huggingface_hub."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import EntryNotFoundError, RevisionResolutionError

from kbserver.errors import ModelError

_OTHER_FORMATS = [
    "*.onnx",
    "*.h5",
    "*.ot",
    "*.msgpack",
    "*.tflite",
    "*.gguf",
    "onnx/*",
    "openvino/*",
    "coreml/*",
]
_PICKLES = ["*.bin", "*.pt", "*.pth"]


def fetch(name: str, revision: str | None = None) -> Path:
    """Return the folder of a hub model, downloaded unless the hub's own cache holds it.

    Args:
        name: `org/model`; a bare name means one of `sentence-transformers`.
        revision: the commit wanted; None: the newest.

    Raises:
        ModelError: not found, not allowed, or offline and not in the cache.
    """
    repository = name
    if "/" not in name:
        repository = f"sentence-transformers/{name}"
    try:
        folder = _download(repository, revision)
    except (OSError, ValueError, EntryNotFoundError, RevisionResolutionError) as exc:
        lines = str(exc).strip().splitlines() or [repr(exc)]
        raise ModelError(
            f"{name}: no folder of that name, and the Hugging Face hub gives no model "
            f"{repository}: {lines[0]}; check the name, go online once, or copy the model's folder "
            "here and give its path"
        ) from exc
    if not any((folder / file).is_file() for file in ("config.json", "modules.json")):
        raise ModelError(
            f"{name}: {folder} from the hub is not a whole model; download it again"
        )
    return folder


def _download(repository: str, revision: str | None) -> Path:
    """Download a model with safe weights, or with pickled ones if there are no others."""
    safe_only = [*_OTHER_FORMATS, *_PICKLES]
    folder = Path(
        snapshot_download(repository, revision=revision, ignore_patterns=safe_only)
    )
    if not any(folder.rglob("*.safetensors")):
        folder = Path(
            snapshot_download(
                repository, revision=revision, ignore_patterns=_OTHER_FORMATS
            )
        )
    return folder
