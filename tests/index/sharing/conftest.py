"""Object stores: a folder, and a real S3 server where moto is at hand."""

import os
import socket
import subprocess
import sys
import time
from importlib.util import find_spec

import httpx2
import pytest

PYTHON = "MOTO_PYTHON"
"""Variable with the Python of an environment that has `moto[server]`."""


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def s3_server():
    """The URL of a real S3 server."""
    python = os.environ.get(PYTHON)
    if python is None and find_spec("moto") is not None:
        python = sys.executable
    if python is None:
        pytest.skip(f"no moto: name the Python of an environment that has it, {PYTHON}")
    port = _free_port()
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=-3, stderr=-3)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx2.get(f"{url}/moto-api/")
                break
            except httpx2.TransportError:
                assert server.poll() is None, "moto did not start"
                time.sleep(0.1)
        yield url
    finally:
        server.kill()
        server.wait()


@pytest.fixture(params=["file", "s3"])
def url(request, tmp_path, monkeypatch):
    """The URL of a place where nothing is yet."""
    if request.param == "file":
        return f"file://{tmp_path}/shared place"
    endpoint = request.getfixturevalue("s3_server")
    variables = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{time.time_ns()}"
    httpx2.put(f"{endpoint}/{bucket}").raise_for_status()
    return f"s3://{bucket}/some/prefix"
