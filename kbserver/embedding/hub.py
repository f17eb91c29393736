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


def fetch(name: str) -> Path:
    """Return the folder of a hub model, downloaded unless the hub's own cache holds it.

    Args:
        name: `org/model`; a bare name means one of `sentence-transformers`.

    Raises:
        ModelError: not found, not allowed, or offline and not in the cache; the message says what to do.
    """
    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        folder = Path(
            snapshot_download(repository, ignore_patterns=[*_OTHER_FORMATS, *_PICKLES])
        )
        if not any(
            folder.rglob("*.safetensors")
        ):  # pickled weights only where there are no others
            folder = Path(snapshot_download(repository, ignore_patterns=_OTHER_FORMATS))
    except (OSError, ValueError, EntryNotFoundError, RevisionResolutionError) as exc:
        reason = (str(exc).strip().splitlines() or [repr(exc)])[0]
        raise ModelError(
            f"{name}: no folder of that name, and the Hugging Face hub gives no model {repository}: {reason}; check "
            "the name, go online once, or copy the model's folder here and give its path"
        ) from exc
    if (
        not (folder / "config.json").is_file()
        and not (folder / "modules.json").is_file()
    ):
        raise ModelError(
            f"{name}: {folder} from the hub is not a whole model; download it again"
        )
    return folder
