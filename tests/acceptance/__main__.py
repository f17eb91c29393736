"""Try the doors and clients with the real clients of others: minutes, and some 2 GB the first time.

    python -m tests.acceptance [--only mcp node] [--light] [--folder ~/.cache/kbserver-acceptance]

Builds an environment for each, serves a small corpus on this machine, and prints a line for each
check. Each script gets the URL, a token, and a port where nothing listens, and prints its checks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kbserver.endpoint.app import KBServer
from kbserver.endpoint.doors import DOORS
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import read_settings
from tests.acceptance.environments import CLIENTS, ENVIRONMENTS, HERE, Environment
from tests.conftest import DOCUMENTS, write_documents
from tests.endpoint.conftest import serving

TOKEN = "acceptance-token"
SECRET = "acceptance-secret"
PATIENCE_S = 600  # models of one client take a minute of the processor
QUERY = "how do i reset my router"
FACT = "for ten seconds"


def store_in(folder: Path) -> Path:
    """Ingest the documents of the tests."""
    store = folder / "store"
    for corpus, documents in DOCUMENTS.items():
        source = write_documents(folder / "documents" / corpus, documents)
        ingest([source], store=Store(store), corpus=corpus)
    return store


def server_of(store: Path, *, open_: bool) -> KBServer:
    """Return a server with all doors."""
    os.environ["ACCEPTANCE_SECRET"] = SECRET
    doors: dict[str, dict[str, object]] = {name: {} for name in DOORS}
    doors["tool"] = {"secret_env": "ACCEPTANCE_SECRET"}
    tokens = [{"value": TOKEN}]
    return KBServer(
        read_settings(
            store=store, deadline_ms=250, doors=doors, tokens=tokens, open=open_
        )
    )


def checks(
    environment: Environment, folder: Path, variables: dict[str, str]
) -> Iterator[dict[str, Any]]:
    """Run the scripts and examples of an environment and yield what they checked."""
    for script in environment.scripts:
        out, problem = run(environment, folder, HERE / "clients" / script, variables)
        for line in out.splitlines():
            if line.startswith('{"check"'):
                yield {"script": script} | json.loads(line)
        yield {
            "script": script,
            "check": "runs to its end",
            "ok": not problem,
            "found": problem,
        }
    for example in environment.examples:
        out, problem = run(environment, folder, CLIENTS / example, variables, QUERY)
        yield {
            "script": example,
            "check": "says the facts",
            "ok": not problem and QUERY in out and FACT in out,
            "found": problem or " ".join(out.split())[:200],
        }


def run(
    environment: Environment,
    folder: Path,
    script: Path,
    variables: dict[str, str],
    *arguments: str,
) -> tuple[str, str]:
    """Run a script; return what it printed, and what went wrong, or nothing."""
    command = [*environment.command(folder, script), *arguments]
    try:
        done = subprocess.run(
            command,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
    except subprocess.TimeoutExpired:
        return "", f"not done after {PATIENCE_S} s"
    if done.returncode:
        return done.stdout, f"exit {done.returncode}: {done.stderr[-1500:]}"
    return done.stdout, ""


def main() -> int:
    """Try all of them; the exit code is 1 if a check failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [environment.name for environment in ENVIRONMENTS]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--light", action="store_true", help="leave the heavy ones out")
    cache = Path.home() / ".cache/kbserver-acceptance"
    parser.add_argument("--folder", type=Path, default=cache)
    options = parser.parse_args()
    chosen = [
        environment
        for environment in ENVIRONMENTS
        if environment.name in options.only
        and not (options.light and environment.heavy)
    ]
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        store = store_in(Path(temporary))
        with (
            serving(server_of(store, open_=False)) as url,
            serving(server_of(store, open_=True)) as open_url,
        ):
            variables = {
                "URL": url,
                "OPEN_URL": open_url,
                "TOKEN": TOKEN,
                "SECRET": SECRET,
                "KB_URL": f"{url}/kb",
                "KB_TOKEN": TOKEN,
                "KB_LABEL": "support",
                "PYTHONPATH": str(CLIENTS),
                "OPENAI_AGENTS_DISABLE_TRACING": "1",
            }
            for environment in chosen:
                environment.build(options.folder)
                for check in checks(environment, options.folder, variables):
                    mark = "✓" if check["ok"] else "✗"
                    failed += not check["ok"]
                    name = f"{check['script']:<20} {check['check']:<52}"
                    print(f"{mark} {name} {check.get('found', '')}", flush=True)
    print(f"{failed} checks failed" if failed else "all checks held")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
