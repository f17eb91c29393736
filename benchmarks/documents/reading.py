"""Read a folder as an ingest of this code does, up to where documents are cut; print the time.

    python reading.py FOLDER

Run by `before` with one checkout or another first on the path. One that has no processes of its
own for the conversion reads file after file. No picture is recognised: the models that do so take
most of the time, and only one of the checkouts may have them.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    """Print seconds by the clock, seconds of processors, documents and blocks."""
    began = time.perf_counter()
    documents = blocks = 0
    for found in _documents(Path(sys.argv[1])):
        documents += len(found)
        blocks += sum(len(one.blocks) for one in found)
    seconds = time.perf_counter() - began
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu_s = sum(one.ru_utime + one.ru_stime for one in used)
    said = {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "documents": documents,
        "blocks": blocks,
    }
    print(json.dumps(said))


def _documents(folder: Path) -> Iterator[list]:
    from kbserver.ingest.walk import FoundFile, walk

    files = [found for found in walk([folder]) if isinstance(found, FoundFile)]
    try:
        from kbserver.ingest.conversion import Conversion, ConversionLimits, ahead
    except ImportError:
        yield from _one_by_one(files)
        return
    from kbserver.errors import IngestError

    with Conversion.of(files, ConversionLimits()) as conversion:
        begun = ((file, conversion.convert(file)) for file in files)
        for _, documents in ahead(begun, lambda one: one[0]):
            try:
                yield documents.result()
            except IngestError:
                continue


def _one_by_one(files: list) -> Iterator[list]:
    from kbserver.errors import IngestError
    from kbserver.ingest.load import load

    for file in files:
        try:
            yield load(file.path, file.source)
        except IngestError:
            continue


main()
