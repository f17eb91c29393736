import os
import subprocess
import sys
from pathlib import Path

import pytest

from kbserver.embedding.hub import fetch
from kbserver.embedding.known import MULTILINGUAL_E5_SMALL
from kbserver.embedding.source import ModelSource
from kbserver.errors import ModelError

REVISION = "0" * 39 + "1"
FETCH = """
import sys
from kbserver.embedding.source import resolve
source = resolve(sys.argv[1])
print(source.folder, source.fingerprint)
"""


def in_the_hubs_cache(
    cache: Path,
    files: dict[str, str],
    name: str = "sentence-transformers/a-small-model",
    revision: str = REVISION,
) -> Path:
    """Lay out one model as the hub's package keeps it."""
    repository = cache / f"models--{name.replace('/', '--')}"
    folder = repository / "snapshots" / revision
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
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


def test_a_model_known_by_name_is_one_commit_with_the_published_weights(
    tmp_path: Path,
) -> None:
    model = MULTILINGUAL_E5_SMALL
    files = {"config.json": "{}", "model.safetensors": "others"}
    folder = in_the_hubs_cache(tmp_path, files, model.repository, model.revision)
    for name in (model.name, model.repository):
        ran = fetched(name, tmp_path)
        assert ran.returncode == 1
        assert str(folder / "model.safetensors") in ran.stderr
        assert f"published is {model.sha256['model.safetensors']}" in ran.stderr


def test_prompts_from_elsewhere_make_another_model(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    plain = ModelSource("x", tmp_path)
    prompted = ModelSource("x", tmp_path, {"query": "query: "})
    assert plain.fingerprint != prompted.fingerprint


def test_a_model_without_its_configuration_is_refused(tmp_path: Path) -> None:
    in_the_hubs_cache(tmp_path, {"model.safetensors": "weights"})
    ran = fetched("a-small-model", tmp_path)
    assert "is not a whole model; download it again" in ran.stderr
