"""Who is compared: how each is built, started and asked, and which passages its answer holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from benchmarks.load import request_bytes
from benchmarks.peers.corpus import Laid
from benchmarks.served import Served, served, started
from kbserver.embedding.plan import Precision

OURS: dict[str, Precision] = {"kbserver": "auto", "kbserver, fp32": "fp32"}
"""Our own servers, with the precision of each."""
SERVERS = Path(__file__).parent / "servers"
_LISTENING = r"running on (http://\S+)"
_UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--port", "0", "--no-access-log")


@dataclass(frozen=True)
class Contender:
    """One way to serve a corpus."""

    name: str
    start: Callable[[Laid], AbstractContextManager[Served]]
    request: Callable[[str, str, int], bytes]
    """A server's URL, one question and how many passages are wanted, as HTTP/1.1."""
    ids: Callable[[bytes], list[str]]
    """The passages of an answer, best first."""
    build: Callable[[Laid], None] = lambda laid: None
    """Builds what it searches, unless that is there."""


def contenders(python: Path) -> list[Contender]:
    """kbserver first, then its peers, which run in the environment of `python`."""
    return [
        *(_kbserver(name, precision) for name, precision in OURS.items()),
        *(_txtai(python, arms) for arms in ("dense", "hybrid")),
        _chroma(python),
        *(_haystack(python, arms) for arms in ("dense", "hybrid")),
    ]


def _kbserver(name: str, precision: Precision) -> Contender:
    def start(laid: Laid) -> AbstractContextManager[Served]:
        return served(laid.store, ready=False, KBSERVER_PRECISION=precision)

    return Contender(name, start, _ours, _ids_of_results)


def floor() -> AbstractContextManager[Served]:
    """Start the keyword endpoint; needs Node."""
    return started(["node", os.fspath(SERVERS / "keyword.mjs")], _LISTENING, {})


def _txtai(python: Path, arms: str) -> Contender:
    """txtai's own API server, with ONNX on the graph that kbserver serves; FAISS on one thread."""

    def index(laid: Laid) -> Path:
        return laid.folder / f"txtai-{arms}"

    def start(laid: Laid) -> AbstractContextManager[Served]:
        config = laid.folder / f"txtai-{arms}.yml"
        # `embeddings` only asks for the route; the index itself says how it is searched.
        config.write_text(
            json.dumps({"path": os.fspath(index(laid).resolve()), "embeddings": {}}),
            encoding="utf-8",
        )
        environment = laid.environment | {
            "CONFIG": os.fspath(config.resolve()),
            "OMP_NUM_THREADS": "1",
        }
        return started(
            [os.fspath(python), *_UVICORN, "txtai.api:app"], _LISTENING, environment
        )

    def request(url: str, query: str, top_k: int) -> bytes:
        path = f"/search?query={quote(query)}&limit={top_k}"
        return f"GET {path} HTTP/1.1\r\nhost: {urlsplit(url).netloc}\r\n\r\n".encode()

    return Contender(
        f"txtai API server, {arms}",
        start,
        request,
        lambda body: [found["id"] for found in json.loads(body)],
        lambda laid: _build(python, laid, index(laid), "txtai_index.py", arms),
    )


def _chroma(python: Path) -> Contender:
    def index(laid: Laid) -> Path:
        return laid.folder / "chroma"

    return Contender(
        "Chroma server, dense",
        lambda laid: _app(
            python, laid, "chroma_app:app", PEERS_INDEX=os.fspath(index(laid).resolve())
        ),
        _turn,
        _ids_of_results,
        lambda laid: _build(python, laid, index(laid), "chroma_index.py"),
    )


def _haystack(python: Path, arms: str) -> Contender:
    return Contender(
        f"Haystack in memory, {arms}",
        lambda laid: _app(python, laid, "haystack_app:app", PEERS_ARMS=arms),
        _turn,
        _ids_of_results,
    )


def _app(
    python: Path, laid: Laid, app: str, **environment: str
) -> AbstractContextManager[Served]:
    command = [os.fspath(python), *_UVICORN, "--app-dir", os.fspath(SERVERS), app]
    return started(command, _LISTENING, laid.environment | environment)


def _build(python: Path, laid: Laid, out: Path, script: str, *more: str) -> None:
    if not out.exists():
        command = [
            os.fspath(python),
            os.fspath(SERVERS / script),
            os.fspath(out.resolve()),
            *more,
        ]
        done = subprocess.run(
            command, env=os.environ | laid.environment, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(
                f"{script} failed; is everything of {SERVERS / 'requirements.txt'} installed?\n"
                f"{done.stderr}"
            )


def _ours(url: str, query: str, top_k: int) -> bytes:
    return request_bytes(url, query)  # how many passages it answers with is a setting


def _turn(url: str, query: str, top_k: int) -> bytes:
    return request_bytes(f"{url}/kb?top_k={top_k}", query)


def _ids_of_results(body: bytes) -> list[str]:
    return [found["id"] for found in json.loads(body)["results"]]
