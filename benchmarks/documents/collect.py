"""A folder of real documents, out of packages: for `--files` of `benchmarks.documents`.

    python -m benchmarks.documents.collect FOLDER SOURCE… [--each 40]

A source is a folder, or an archive as a registry gives it: `.deb`, `.whl`, `.tgz`, `.tar.gz`. The
files of a format are drawn from its sources in turn, by the hash of their bytes, so the same
sources give the same folder everywhere. Copies count once. Nothing of it belongs in a repository.

    apt-get install git-doc postgresql-doc-15 python3-doc poppler-utils
    apt-get download r-cran-readxl r-cran-openxlsx debian-handbook developers-reference bash-doc
    pip download --no-deps --no-binary :all: python-docx python-pptx pypdf
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import itertools
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

SUFFIXES = (
    *(".pdf", ".docx", ".xlsx", ".pptx", ".html", ".md", ".csv", ".eml", ".epub"),
    *(".rst", ".odt", ".rtf"),
)
MOST_BYTES = 6 * 1024**2
"""Of a file: a few large ones would be all that is measured."""
_MAIL = re.compile(rb"(?:Return-Path|Received|Delivered-To|MIME-Version|From): ", re.I)
"""How a `.txt` begins that is a mail, as in the tests of Python's own `email`."""


def main() -> None:
    """Fill the folder and say what it holds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="made if it is not there")
    parser.add_argument("sources", type=Path, nargs="+")
    parser.add_argument("--each", type=int, default=40, help="most files of a format")
    given = parser.parse_args()
    by_suffix: dict[str, dict[Path, dict[str, Path]]] = defaultdict(dict)
    with tempfile.TemporaryDirectory() as scratch:
        for number, source in enumerate(given.sources):
            folder = _unpacked(source, Path(scratch) / str(number))
            for suffix, files in _documents(folder).items():
                by_suffix[suffix][source] = files
        for suffix, by_source in sorted(by_suffix.items()):
            written = _write(given.folder, suffix, by_source, given.each)
            print(f"{suffix}: {written} of {len(by_source)} sources")


def _unpacked(source: Path, into: Path) -> Path:
    """Return the folder of a source; an archive is unpacked."""
    if source.is_dir():
        return source
    into.mkdir()
    if source.suffix == ".deb":
        subprocess.run(["dpkg-deb", "--extract", source, into], check=True)
    elif source.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(source) as archive:
            archive.extractall(into)  # noqa: S202  a zip file's names stay inside
    else:
        with tarfile.open(source) as archive:
            archive.extractall(into, filter="data")
    return into


def _documents(folder: Path) -> dict[str, dict[str, Path]]:
    """Return a folder's files by suffix and the hash of their bytes."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(folder.rglob("*")):
        suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
        if path.is_symlink() or not path.is_file():
            continue
        if suffix not in (*SUFFIXES, ".txt"):
            continue
        data = _bytes(path)
        if suffix == ".txt":
            suffix = ".eml"
            if not _MAIL.match(data):
                continue
        if 0 < len(data) <= MOST_BYTES:
            found[suffix][hashlib.sha256(data).hexdigest()] = path
    return found


def _bytes(path: Path) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return path.read_bytes()


def _write(
    folder: Path, suffix: str, by_source: dict[Path, dict[str, Path]], most: int
) -> int:
    """Write files of one format, from each source in turn."""
    seen: set[str] = set()
    columns: Sequence[Iterator[tuple[str, Path]]] = [
        iter(sorted(files.items())) for files in by_source.values()
    ]
    for found in itertools.chain.from_iterable(itertools.zip_longest(*columns)):
        if found is None or found[0] in seen or len(seen) == most:
            continue
        digest, path = found
        name = Path(path.name.removesuffix(".gz")).with_suffix(suffix)
        out = folder / suffix.removeprefix(".") / f"{digest[:6]}-{name}"
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(_bytes(path))
        seen.add(digest)
    return len(seen)


if __name__ == "__main__":
    main()
