"""deploy/install_torch.sh: where torch comes from, against real servers on this machine.

A proxy that lets nothing through records the hosts pip asks for, in order.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import (
    BaseHTTPRequestHandler,
    SimpleHTTPRequestHandler,
    ThreadingHTTPServer,
)
from pathlib import Path

import pip
import pytest

SCRIPT = Path(__file__).parents[1] / "deploy" / "install_torch.sh"
PYTORCH, PYPI = "download.pytorch.org:443", "pypi.org:443"
HAS_DRIVER = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")

pytestmark = [
    pytest.mark.skipif(
        sys.platform != "linux", reason="elsewhere torch never brings CUDA"
    ),
    pytest.mark.skipif(bool(HAS_DRIVER), reason="this machine has an NVIDIA driver"),
]


class Proxy(ThreadingHTTPServer):
    """Refuses every connection, or leaves PyTorch's index hanging."""

    def __init__(self, *, pytorch_hangs: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Refusal)
        self.pytorch_hangs = pytorch_hangs
        self.hosts: list[str] = []
        self.closing = threading.Event()


class Refusal(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.hosts.append(self.path)
        if self.path == PYTORCH and self.server.pytorch_hangs:
            self.server.closing.wait(60)
        self.send_error(502)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def proxy(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    server = Proxy(pytorch_hangs=getattr(request, "param", False))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The Python of a new environment that holds pip alone."""
    environment = tmp_path / "environment"
    command = [sys.executable, "-m", "venv", "--without-pip", environment]
    subprocess.run(command, check=True)
    [packages] = environment.glob("lib/python*/site-packages")
    (packages / "pip").symlink_to(Path(pip.__file__).parent)
    return environment / "bin" / "python"


def write_wheel(folder: Path) -> Path:
    """A torch of three small files."""
    folder.mkdir()
    wheel = folder / "torch-2.13.0-py3-none-any.whl"
    info = "torch-2.13.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def install(
    python: Path, proxy: Proxy, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "https_proxy": f"http://127.0.0.1:{proxy.server_port}",
        **variables,
    }
    command = ["sh", SCRIPT, python, "torch==2.13.0"]
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def installed(python: Path) -> str:
    code = "from importlib.metadata import version; print(version('torch'))"
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "proxy", [False, True], ids=["refuses", "hangs"], indirect=True
)
def test_an_index_that_fails_is_named_and_pip_goes_on_without_it(python, proxy):
    done = install(python, proxy, TORCH_INDEX_TIMEOUT_S="1")
    assert proxy.hosts == [PYTORCH, PYPI]
    assert "https://download.pytorch.org/whl/cpu gave no torch==2.13.0" in done.stderr
    assert done.returncode != 0  # no index gave it


def test_a_named_index_is_asked_first_and_an_installed_torch_stays(
    python, proxy, tmp_path
):
    wheel = write_wheel(tmp_path / "torch")
    handler = partial(Quiet, directory=str(wheel.parent.parent))
    index = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=index.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{index.server_port}"
        done = install(python, proxy, TORCH_INDEX=address)
        assert (done.returncode, done.stderr, proxy.hosts) == (0, "", [])
        assert installed(python) == "2.13.0"
    finally:
        index.shutdown()
        thread.join()
        index.server_close()
    again = install(python, proxy, TORCH_INDEX=address)  # nothing listens there now
    assert (again.returncode, again.stderr, proxy.hosts) == (0, "", [])


def test_a_named_index_out_of_reach_is_left_at_once(python, proxy):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        done = install(python, proxy, TORCH_INDEX=address)
    assert f"{address} gave no torch==2.13.0" in done.stderr
    assert proxy.hosts == [PYPI]


def test_a_pip_with_sources_of_its_own_is_left_to_them(python, proxy, tmp_path):
    wheel = write_wheel(tmp_path / "wheels")
    done = install(python, proxy, PIP_FIND_LINKS=str(wheel.parent))
    assert done.returncode == 0, done.stderr
    assert installed(python) == "2.13.0"
    assert PYTORCH not in proxy.hosts


def test_with_a_driver_torch_comes_from_pips_own_index(python, proxy, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "nvidia-smi").write_text("#!/bin/sh\n")
    (tools / "nvidia-smi").chmod(0o755)
    install(python, proxy, PATH=f"{tools}:{os.environ['PATH']}")
    assert proxy.hosts == [PYPI]
