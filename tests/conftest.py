"""A store with the real model, built once for all test processes."""

import hashlib
import logging
import os
import signal
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
# Hundreds of processes would compile everything anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import hypothesis
import pytest
from filelock import FileLock
from httpx2._config import DEFAULT_TIMEOUT_CONFIG

from kbserver import cli
from kbserver.embedding.query_embedder import QueryEmbedder
from kbserver.index.store import Store
from kbserver.ingest.build import ingest

# A busy machine is no fault of an example, so none has a time of its own.
hypothesis.settings.register_profile("suite", deadline=None, max_examples=25)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS", "suite"))

# A client that a test gives no time of its own waits for a busy machine, too.
for phase in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, phase, 60.0)
# There, a model may take seconds for a query and does not hang.
QueryEmbedder.__init__.__kwdefaults__["hang_limit_s"] = 20.0

HAS_TORCH = find_spec("torch") is not None
OF_TORCH = {"torch", "sentence_transformers", "transformers"}

LARGE_BYTES = 10_000_000  # a model
SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
"""A command may handle or ignore them, and processes started later would inherit that."""

DOCUMENTS = {
    "support": {
        "router/reset.md": "# Reset the router\n\nHold the button at the back for ten seconds "
        "until the light turns white. Everything you changed is lost.\n",
        "router/lights.md": "# What the lights mean\n\nA red light means that there is no "
        "connection to the line.\n",
        "billing/dates.md": "---\ntags: [billing]\n---\n# Billing dates\n\nBills are made on the "
        "first working day of the month. A paper bill costs £2.25 a month.\n",
        "billing/cancel.txt": "Cancelling\n\nYou can cancel with 30 days of notice. "
        "Call 0800 555 0100.\n",
    },
    "hotels": {
        "hotels/7/pets.md": "# Pets\n\nDogs are welcome at the Adelaide for 15 dollars a night.\n",
        "hotels/7/breakfast.md": "# Breakfast\n\nBreakfast at the Adelaide is served "
        "from 7 to 10.\n",
        "hotels/8/pets.md": "# Pets\n\nThe Bellevue takes no pets.\n",
    },
}


@contextmanager
def skipped_without_torch() -> Iterator[None]:
    """Skip a test that fails since PyTorch is not installed: the default model does without it."""
    try:
        yield
    except Exception as exc:
        cause: BaseException | None = exc
        while cause is not None and not HAS_TORCH:
            if isinstance(cause, ModuleNotFoundError) and cause.name in OF_TORCH:
                pytest.skip(f"{cause.name} is not installed")
            cause = cause.__cause__ or cause.__context__
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with skipped_without_torch():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with skipped_without_torch():
        return (yield)


def write_documents(folder: Path, documents: dict[str, str]) -> Path:
    for source, text in documents.items():
        path = folder / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        return base.parent
    return base


@pytest.fixture(scope="session", autouse=True)
def user_cache(shared: Path) -> Path:
    """The cache folder of the user, for this run: exports are made once and found by every test."""
    folder = shared / "cache"
    os.environ["XDG_CACHE_HOME"] = str(folder)
    os.environ.pop("KBSERVER_MODELS", None)
    return folder


@pytest.fixture(scope="session", autouse=True)
def disk() -> Iterator[None]:
    """Nothing that is written here need outlive the machine, and a busy disk takes its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def digests() -> Iterator[None]:
    """A large file keeps its digest until it changes: models are opened hundreds of times."""
    digest_of = hashlib.file_digest
    known: dict[object, Any] = {}

    def file_digest(stream: Any, digest: Any) -> Any:
        facts = os.fstat(stream.fileno())
        if facts.st_size < LARGE_BYTES:
            return digest_of(stream, digest)
        changed = (facts.st_mtime_ns, facts.st_ctime_ns)
        file = (facts.st_dev, facts.st_ino, facts.st_size, *changed, digest)
        if file not in known:
            known[file] = digest_of(stream, digest)
        return known[file]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashlib, "file_digest", file_digest)
        yield


@pytest.fixture(scope="module")
def unmeasured() -> Iterator[None]:
    """Start processes without coverage: they do again and again what others do once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
        yield


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """Commands that run in this process set up logging; the next test finds it as it was."""
    names = (None, "kbserver", "kbserver.endpoint")
    before = [
        (logger, logger.level, logger.handlers[:])
        for logger in map(logging.getLogger, names)
    ]
    yield
    for logger, level, handlers in before:
        if logger.level != level:  # it goes through every logger there is
            logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(scope="session")
def store(shared: Path, user_cache: Path) -> Path:
    """A store with the corpora `support` and `hotels`; not to be changed."""
    path = shared / "store"
    with FileLock(shared / "store.lock"):
        if not (shared / "store.done").exists():
            models = user_cache / "kbserver" / "models"
            models.mkdir(parents=True, exist_ok=True)  # another test may have exported
            path.mkdir()
            (path / ".models").symlink_to(models)
            record = shared / "record"  # servers write there: not into what is copied
            record.mkdir()
            (path / ".record").symlink_to(record)
            for corpus, documents in DOCUMENTS.items():
                folder = write_documents(shared / "documents" / corpus, documents)
                ingest([folder], store=Store(path), corpus=corpus)
            (shared / "store.done").touch()
    return path


@pytest.fixture
def kbserver(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., CompletedProcess[str]]:
    """Run the whole program here, in `tmp_path` and with these variables, until it ends.

    No turn is late on a busy machine.
    """

    def invoke(*arguments: object, **environment: str) -> CompletedProcess[str]:
        for name in os.environ:
            if name.startswith("KB"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("KBSERVER_DEADLINE_MS", "10000")
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        command = ["kbserver", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
        try:
            with pytest.raises(SystemExit) as ended:
                cli.main()
        finally:
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
        out, err = capfd.readouterr()
        code = ended.value.code or 0
        return CompletedProcess(command, code, out, err)

    return invoke
