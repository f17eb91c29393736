"""kbserver's conversion of documents beside docling, markitdown and unstructured.

    python -m benchmarks.documents --peers ENVIRONMENTS --cases FOLDER
    python -m benchmarks.documents --peers ENVIRONMENTS --files FOLDER --other CHECKOUT

Four tables; each comes if what it needs is given. *Facts* (--cases): of the questions about small
documents, how many each converter's text answers rightly. *Speed* (--files): documents a second of
each format. *Before* (--files, --other): the whole folder by this checkout and another. *Account*
(--files): whether an ingest speaks or names every page, table and picture that other tools count.

Each peer needs an environment of its own name; two GB of packages, no GPU, no model:

    for peer in docling markitdown unstructured; do
        python -m venv .converters/$peer
        .converters/$peer/bin/pip install -r benchmarks/peers/converters/$peer.txt
    done

`benchmarks.documents.collect` makes a folder of real files out of packages. The account needs
poppler-utils and `pip install beautifulsoup4 python-docx`. Other load on the machine moves every
figure: compare those of one run only.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from benchmarks.documents import before, facts, speed
from benchmarks.documents.converters import Converter, ours, peers


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, help="folder with their environments")
    parser.add_argument("--cases", type=Path, help="folder of `*/case.json` and `docs`")
    parser.add_argument("--files", type=Path, help="folder of real documents")
    parser.add_argument("--other", type=Path, help="another checkout of kbserver")
    parser.add_argument("--each", type=int, default=20, help="timed files of a format")
    parser.add_argument("--rounds", type=int, default=3, help="of every time")
    parser.add_argument("--account", action="store_true", help="count pages and tables")
    parser.add_argument("--out", type=Path, help="also write the page to this file")
    given = parser.parse_args()
    if not given.cases and not given.files:
        parser.error("--cases or --files: name what is read")
    if given.account and not given.files:
        parser.error("--account counts what is in --files; name that folder, too")
    with ExitStack() as stack:
        found = peers(given.peers) if given.peers else []
        everyone = [stack.enter_context(one) for one in (ours(), *found)]
        page = "\n\n".join(_parts(given, everyone)) + "\n"
    print(page)
    if given.out:
        given.out.write_text(page, encoding="utf-8")


def _parts(given: argparse.Namespace, everyone: list[Converter]) -> Iterator[str]:
    names = [one.name for one in everyone]
    versions = ", ".join(one.version() for one in everyone)
    yield (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; {versions}."
    )
    if given.cases:
        with tempfile.TemporaryDirectory() as scratch:
            verdicts = facts.facts(facts.cases_in(given.cases), everyone, Path(scratch))
        yield f"## Facts\n\n{facts.table(verdicts)}"
    if not given.files:
        return
    by_format = speed.by_format(given.files, given.each)
    if len(everyone) > 1:
        times = {
            form: speed.timed(files, everyone, given.rounds)
            for form, files in by_format.items()
        }
        yield f"## Speed\n\n{speed.table(times, names)}"
    if given.other:
        files = [file for found in by_format.values() for file in found]
        runs = before.whole(given.files, given.other, given.rounds)
        ratios = before.alone(files, given.other, given.rounds)
        yield f"## Before\n\n{before.table(runs, ratios)}"
    if given.account:
        from benchmarks.documents import account  # asks for tools of its own

        counts, unmentioned = account.account(given.files)
        lines = [
            f"* {one.file}: {one.seen.kind} {one.seen.where}" for one in unmentioned
        ]
        yield "\n".join(["## Account", "", account.table(counts), "", *lines])


if __name__ == "__main__":
    main()
