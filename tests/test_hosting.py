"""The files in deploy/ agree with the code, and run as far as no container engine is needed."""

import asyncio
import json
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from kbserver.endpoint.app import KBServer
from kbserver.omni.serving import base_url, serving
from kbserver.settings import read_settings

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", "")
UNITS = sorted((ROOT / "deploy").glob("*.service"))


def in_yaml(name: str) -> dict[str, object]:
    return dict(yaml.safe_load((ROOT / name).read_text()))


def test_the_image_has_every_dependency_but_pytorch_and_what_needs_it():
    script = runpy.run_path(str(ROOT / "deploy" / "install_without_torch.py"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    dependencies = project["dependencies"]
    left_out = set(dependencies) - set(script["needed"](dependencies))
    names = {script["name_of"](line) for line in left_out}
    assert {"torch", "sentence-transformers"} <= names
    assert names <= script["OF_OTHER_MODELS"] | {script["WEIGHTS"]}
    assert "python deploy/install_without_torch.py" in DOCKERFILE


def test_the_image_and_the_makefile_name_the_same_torch():
    makefile = (ROOT / "Makefile").read_text()
    tested = re.search(r"^TORCH +\?= (torch==\S+)$", makefile, re.MULTILINE)
    in_image = re.search(r"^ARG TORCH=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert tested[1] == in_image[1]


def test_what_the_image_copies_is_there_and_not_ignored():
    kept = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    names = [
        word
        for line in lines
        for word in line.split()[:-1]
        if not word.startswith(("--", "$"))
    ]
    names += re.findall(r"^ARG DOCUMENTS=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert {
        "pyproject.toml",
        "kbserver",
        "deploy/entrypoint.sh",
        "corpora/broadband/docs",
    } <= set(names)
    for name in names:
        assert name == "deploy/" or (ROOT / name).exists(), name
        assert name.split("/")[0] in kept, name


@pytest.mark.parametrize(
    "name", ["compose.yaml", "deploy/render.yaml", "deploy/fly.toml"]
)
def test_every_variable_that_is_set_is_a_setting(name, monkeypatch):
    if name == "compose.yaml":
        variables = in_yaml(name)["services"]["kbserver"]["environment"]
    elif name == "deploy/render.yaml":
        service = in_yaml(name)["services"][0]
        variables = {
            entry["key"]: entry.get("value", "") for entry in service["envVars"]
        }
        assert service["healthCheckPath"] == "/readyz"
    else:
        fly = tomllib.loads((ROOT / name).read_text())
        variables = fly["env"]
        assert (
            ROOT / "deploy" / fly["build"]["dockerfile"]
        ).resolve() == ROOT / "Dockerfile"
        assert f"AS {fly['build']['build-target']}\n" in DOCKERFILE
        assert fly["http_service"]["internal_port"] == 8080
    for variable in os.environ:
        if variable.startswith(("KBSERVER_", "KB_")):
            monkeypatch.delenv(variable)
    ours = {
        key: value for key, value in variables.items() if key.startswith("KBSERVER_")
    }
    assert ours
    for key, value in ours.items():
        monkeypatch.setenv(key, "" if value.startswith("${") else value)
        assert hasattr(read_settings(), key.removeprefix("KBSERVER_").lower())
    assert (
        read_settings().trusted_proxies[0] == "127.0.0.1"
        and len(read_settings().trusted_proxies) == 2
    )


def test_the_health_check_tells_a_server_from_none(store):
    command = json.loads(
        re.search(r"^HEALTHCHECK .*? CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1]
    )
    assert command.pop(0) == "python"

    async def check() -> tuple[int, int]:
        async with serving(
            KBServer(read_settings(store=store, open=True)), lifespan="on"
        ) as server:
            port = base_url(server).rpartition(":")[2]
            with_one = await exit_code(port)
        return with_one, await exit_code(port)

    async def exit_code(port: str) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env=os.environ | {"KBSERVER_PORT": port},
            stderr=subprocess.DEVNULL,
        )
        return await process.wait()

    assert asyncio.run(check()) == (0, 1)


def entrypoint(folder: Path, store: Path) -> subprocess.CompletedProcess[str]:
    """Run the entrypoint with models in `folder`, and a `kbserver` that says how it was called."""
    script = (ROOT / "deploy" / "entrypoint.sh").read_text()
    assert "/opt/kbserver/models" in script
    (folder / "entrypoint").write_text(
        script.replace("/opt/kbserver/models", str(folder / "models"))
    )
    (folder / "kbserver").write_text('#!/bin/sh\necho "called with $*"\n')
    (folder / "kbserver").chmod(0o755)
    (folder / "models" / "abc").mkdir(parents=True, exist_ok=True)
    (folder / "models" / "abc" / "model.onnx").write_bytes(b"exported")
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "KBSERVER_STORE": str(store),
    }
    command = ["sh", str(folder / "entrypoint"), "serve", "--verbose"]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    )


def test_the_entrypoint_brings_the_model_into_a_new_store(tmp_path):
    store = tmp_path / "store"
    assert entrypoint(tmp_path, store).stdout == "called with serve --verbose\n"
    assert [path.name for path in (store / ".models").iterdir()] == ["abc"]
    assert (store / ".models" / "abc" / "model.onnx").read_bytes() == b"exported"


def test_the_entrypoint_leaves_a_model_that_is_there(tmp_path):
    kept = tmp_path / "store" / ".models" / "abc"
    kept.mkdir(parents=True)
    (kept / "model.onnx").write_bytes(b"of the store")
    entrypoint(tmp_path, tmp_path / "store")
    assert (kept / "model.onnx").read_bytes() == b"of the store"


def test_the_entrypoint_does_not_build_on_what_a_killed_start_left(tmp_path):
    """In a container every start has the same process id."""
    models = tmp_path / "store" / ".models"
    for name in (f"abc.{number}.partial" for number in range(1, 10)):
        (models / name).mkdir(parents=True)
        (models / name / "model.onnx").write_bytes(b"half")
    entrypoint(tmp_path, tmp_path / "store")
    assert [path.name for path in (models / "abc").iterdir()] == ["model.onnx"]
    assert (models / "abc" / "model.onnx").read_bytes() == b"exported"
    assert stat.S_IMODE((models / "abc").stat().st_mode) == 0o755


def test_the_entrypoint_says_when_the_store_cannot_be_written(tmp_path):
    (tmp_path / "store").write_text("a file where a folder should be")
    done = entrypoint(tmp_path, tmp_path / "store")
    assert (
        "cannot be written by uid" in done.stderr
        and done.stdout == "called with serve --verbose\n"
    )


def test_the_entrypoint_may_be_run():
    assert (ROOT / "deploy" / "entrypoint.sh").stat().st_mode & stat.S_IXUSR


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine"
)
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit, tmp_path):
    text = unit.read_text()
    assert (
        "/opt/kbserver/bin/kbserver " in text
    )  # which is not here, so another program stands in
    copied = tmp_path / unit.name
    copied.write_text(text.replace("/opt/kbserver/bin/kbserver", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", copied],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and unit.name not in done.stderr, done.stderr
