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
from typing import Any

import pytest
import yaml

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.serve import GRACE_S
from kbserver.omni.serving import base_url, serving
from kbserver.settings import Settings, read_settings

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


def settings_of(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Read the settings as a container with these variables does."""
    for variable in os.environ:
        if variable.startswith(("KBSERVER_", "KB_")):
            monkeypatch.delenv(variable)
    for name, value in variables.items():
        if name.startswith("KBSERVER_"):
            monkeypatch.setenv(name, re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value))
    return read_settings()


def kubernetes() -> dict[str, dict]:
    """Return the objects of the manifest by kind."""
    text = (ROOT / "deploy" / "kubernetes.yaml").read_text()
    objects = [one for one in yaml.safe_load_all(text) if one is not None]
    by_kind = {one["kind"]: one for one in objects}
    assert len(by_kind) == len(objects)
    return by_kind


def test_the_objects_of_kubernetes_are_what_its_schemas_say():
    validate = pytest.importorskip("kubernetes_validate")
    for one in kubernetes().values():
        if one["kind"] != "ServiceMonitor":  # its schema is the operator's
            validate.validate(one, validate.latest_version(), strict=True)


def test_the_objects_of_kubernetes_belong_together(monkeypatch):
    objects = kubernetes()
    template = objects["Deployment"]["spec"]["template"]
    [labels] = template["metadata"]["labels"].items()
    for kind, one in objects.items():
        assert [*one["metadata"]["labels"].items()] == [labels], kind
    for kind in ("Deployment", "PodDisruptionBudget", "ServiceMonitor"):
        assert objects[kind]["spec"]["selector"] == {"matchLabels": dict([labels])}
    assert objects["Service"]["spec"]["selector"] == dict([labels])
    pod = template["spec"]
    [server] = pod["containers"]
    ports = {one["name"]: one["containerPort"] for one in server["ports"]}
    used = {one["targetPort"] for one in objects["Service"]["spec"]["ports"]}
    used |= {one["port"] for one in objects["ServiceMonitor"]["spec"]["endpoints"]}
    probes = [
        server[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")
    ]
    paths = [probe["httpGet"]["path"] for probe in probes]
    assert paths == ["/healthz", "/healthz", "/readyz"]
    assert used | {probe["httpGet"]["port"] for probe in probes} == set(ports)
    variables = {one["name"]: one["value"] for one in server["env"]}
    settings = settings_of(variables, monkeypatch)
    assert settings.follow.url == "s3://bucket/kb"
    assert settings.metrics.address == ("0.0.0.0", ports["metrics"])  # noqa: S104
    assert ports["http"] == 8080
    assert "KBSERVER_PORT=8080" in DOCKERFILE and "KBSERVER_STORE=/store" in DOCKERFILE
    mounts = {one["name"]: one["mountPath"] for one in server["volumeMounts"]}
    assert {one["name"] for one in pod["volumes"]} == set(mounts)
    assert str(settings.store) == mounts["store"]
    assert server["args"][-1].startswith(mounts["settings"])
    assert f"--uid {pod['securityContext']['runAsUser']} " in DOCKERFILE
    assert pod["enableServiceLinks"] is False
    longest_turns = GRACE_S + 5  # behind the pause before the server is told to stop
    assert pod["terminationGracePeriodSeconds"] > longest_turns


def test_the_autoscaler_reads_a_share_that_the_page_teaches_the_adapter():
    scaler = kubernetes()["HorizontalPodAutoscaler"]["spec"]
    assert (
        scaler["scaleTargetRef"]["name"]
        == kubernetes()["Deployment"]["metadata"]["name"]
    )
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    name = scaler["metrics"][0]["pods"]["metric"]["name"]
    assert f"name: {{ as: {name} }}" in (ROOT / "docs" / "scale.md").read_text()


def test_the_replicas_of_compose_follow_what_its_publisher_publishes(monkeypatch):
    text = (ROOT / "deploy" / "compose-replicas.yaml").read_text()
    composed: dict[str, Any] = yaml.safe_load(text)
    services = composed["services"]
    replicas = [name for name in services if name.startswith("kbserver-")]
    caddy = (ROOT / "deploy" / "Caddyfile").read_text()
    assert (
        re.findall(r"([\w-]+):8080", caddy)
        == replicas
        == services["caddy"]["depends_on"]
    )
    stores = set()
    for name in replicas:
        settings = settings_of(services[name]["environment"], monkeypatch)
        assert settings.follow.url == "file:///generations"
        store, shared = services[name]["volumes"]
        stores.add(store)
        assert shared == "generations:/generations:ro"
    assert len(stores) == 3
    publisher = services["publisher"]
    assert publisher["command"].endswith("${FOLLOW_URL:-file:///generations}")
    assert "generations:/generations" in publisher["volumes"]
    assert {store.split(":")[0] for store in stores} < set(composed["volumes"])


def test_the_image_can_follow_an_object_store():
    assert "install_without_torch.py s3 " in DOCKERFILE
    assert "pip install '.[s3]'" in DOCKERFILE
