import os
import subprocess
import sys
from pathlib import Path

import pytest

from kbserver.embedding.hub import fetch
from kbserver.embedding.source import ModelSource
from kbserver.errors import ModelError

REVISION = "0" * 39 + "1"
FETCH = """
import sys
from kbserver.embedding.source import resolve
source = resolve(sys.argv[1])
print(source.folder, source.fingerprint)
"""


def in_the_hubs_cache(cache: Path, files: dict[str, str]) -> Path:
    """Lay out one model as the hub's package keeps it."""
    repository = cache / "models--sentence-transformers--a-small-model"
    folder = repository / "snapshots" / REVISION
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    return folder


def fetched(name: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Look a model up in a process of its own: the package reads its variables when imported."""
    return subprocess.run(
        [sys.executable, "-c", FETCH, name],
        env={**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_hub_name_that_cannot_be_had_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"acme/no-such-model: .*give its path"):
        fetch("acme/no-such-model")


def test_a_bare_name_is_found_offline_in_the_hubs_own_cache(tmp_path: Path) -> None:
    folder = in_the_hubs_cache(
        tmp_path, {"config.json": "{}", "model.safetensors": "weights"}
    )
    ran = fetched("a-small-model", tmp_path)
    fingerprint = ModelSource("x", folder).fingerprint
    assert ran.stdout.split() == [str(folder), fingerprint], ran.stderr


def test_a_model_without_its_configuration_is_refused(tmp_path: Path) -> None:
    in_the_hubs_cache(tmp_path, {"model.safetensors": "weights"})
    ran = fetched("a-small-model", tmp_path)
    assert "is not a whole model; download it again" in ran.stderr
