"""Mutated real files against every converter: each is read or named, and no ingest is lost.

    python -m tests.hostile.documents --count 1000 [--also FOLDER …]

Takes real files of every format (the demo corpora, files written here, and any below the folders
given), damages each in a random way and ingests them. Prints by format how many were read and why
the others were not; ends with 1 if a file was neither read nor named.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import sys
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
from PIL import Image

from kbserver.errors import IngestError
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from kbserver.ingest.conversion import ConversionLimits
from kbserver.ingest.load import FORMATS
from kbserver.ingest.report import IngestReport
from tests.ingest.formats.odf.files import packed, style
from tests.ingest.formats.ole import container
from tests.ingest.stubs import StubEncoder

CORPORA = Path(__file__).parents[2] / "corpora"
LIMITS = ConversionLimits(seconds=20.0, memory_bytes=1024**3)
MOST_BYTES = 256 * 1024
"""Of a real file; mutations of larger ones find nothing more and take longer."""
FILES_AN_INGEST = 500

TEXT = "Hold the button for ten seconds until the light turns white."
RST = f"""Router
======

:title: Router
.. note:: {TEXT}
.. code-block:: sh

   reset --now

======  =====
Plan    Price
======  =====
Fibre   30
======  =====

See :ref:`the prices <prices>` and `a page <https://example.org>`_.
"""
XHTML = f"<html xmlns='http://www.w3.org/1999/xhtml'><body><p>{TEXT}</p></body></html>"
CONTAINER = (
    "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
    "<rootfile full-path='book.opf'/></rootfiles></container>"
)
BOOK = (
    "<package xmlns='http://www.idpf.org/2007/opf'><metadata/><manifest>"
    "<item id='a' href='a.xhtml' media-type='application/xhtml+xml'/></manifest>"
    "<spine><itemref idref='a'/></spine></package>"
)
ODF_STYLES = (
    '<number:currency-style style:name="N1"><number:number number:decimal-places="2"/>'
    "<number:currency-symbol>€</number:currency-symbol></number:currency-style>"
    + style("ce1", "table-cell", data_style_name="N1")
)
ROW = (
    "<table:table-row><table:table-cell><text:p>Fibre</text:p></table:table-cell>"
    '<table:table-cell table:style-name="ce1" office:value-type="currency" '
    'office:value="30"><text:p>30 €</text:p></table:table-cell></table:table-row>'
)
ODT = (
    f'<text:h text:outline-level="1">Router</text:h><text:p>{TEXT}<text:note><text:note-body>'
    "<text:p>At night.</text:p></text:note-body></text:note></text:p><text:list>"
    "<text:list-item><text:p>One</text:p></text:list-item></text:list>"
    f"<table:table>{ROW}{ROW}</table:table>"
)
ODS = f'<table:table table:name="Plans">{ROW}{ROW}</table:table>'
ODP = (
    '<draw:page><draw:frame svg:x="1cm" svg:y="1cm" presentation:class="title">'
    "<draw:text-box><text:p>Router</text:p></draw:text-box></draw:frame><draw:frame>"
    f"<draw:text-box><text:p>{TEXT}</text:p></draw:text-box></draw:frame></draw:page>"
)
RTF = (
    r"{\rtf1\ansi{\fonttbl{\f0\fcharset238 Arial;}}{\stylesheet{\s1 heading 1;}}"
    r"\pard\s1 Router\par\pard\f0 " + TEXT + r"{\footnote At night.}\par"
    r"{\listtext 1.\tab}\ls1\ilvl0 One\par\trowd\cellx900\cellx1900\pard\intbl "
    r"Fibre\cell \u8364?30\cell\row\pard{\v hidden}\'fc{\pict\bin2 xx}}"
)
MBOX_LINE = b"From a@example.org Mon May  4 10:00:00 2026\n"
TOKENS = (
    b"\0", b"\xff" * 8, b"-1", b"99999999999999999999", b"%s%n", b"<", b"]]>", b"&#0;",
    b'"', b"\r", b"\n\n\n", b"---\n", b"[^a]", b"..", b"\xe2\x80\xae", b"\xed\xa0\x80",
)  # fmt: skip


def written(folder: Path) -> None:
    """Write a file of each format that the demo corpora lack."""
    document = docx.Document()
    document.add_heading("Router", 1)
    document.add_paragraph(TEXT)
    document.add_table(2, 2).cell(0, 0).text = "Plan"
    document.save(str(folder / "a.docx"))
    workbook = openpyxl.Workbook()
    for row in (["Question", "Answer"], ["How long?", TEXT], ["Why?", 0.25]):
        workbook.active.append(row)
    workbook.create_sheet("Plans").append(["Fibre", 30])
    workbook.save(folder / "a.xlsx")
    slides = pptx.Presentation()
    slide = slides.slides.add_slide(slides.slide_layouts[1])
    slide.shapes.title.text = "Router"
    slide.placeholders[1].text = TEXT
    slides.save(str(folder / "a.pptx"))
    with zipfile.ZipFile(folder / "a.epub", "w") as book:
        book.writestr("META-INF/container.xml", CONTAINER)
        book.writestr("book.opf", BOOK)
        book.writestr("a.xhtml", XHTML)
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@example.org", "Re: Router"
    mail.set_content(TEXT)
    mail.add_alternative(XHTML, subtype="html")
    mail.add_attachment(b"\0" * 100, maintype="image", subtype="png", filename="a.png")
    (folder / "a.eml").write_bytes(bytes(mail))
    (folder / "wiki.xml").write_text(
        "<mediawiki><page><title>Fees</title><ns>0</ns><revision><text>It is $14 [[a|a day]]."
        "\n{|\n! Day !! Fee\n|-\n| Monday || {{fee}}\n|}</text></revision></page></mediawiki>"
    )
    (folder / "a.rst").write_text(RST)
    for suffix, kind, body in (
        (".odt", "text", ODT),
        (".ods", "spreadsheet", ODS),
        (".odp", "presentation", ODP),
    ):
        (folder / f"a{suffix}").write_bytes(packed(kind, body, automatic=ODF_STYLES))
    (folder / "a.rtf").write_text(RTF)
    (folder / "a.mbox").write_bytes(
        MBOX_LINE + bytes(mail) + b"\n" + MBOX_LINE + bytes(mail)
    )
    message = {
        "__properties_version1.0": bytes(32),
        "__substg1.0_0037001F": "Router".encode("utf-16-le"),
        "__substg1.0_10130102": XHTML.encode(),
    }
    (folder / "a.msg").write_bytes(container(message))
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.rst", "a.odt", "a.eml"):
            archive.write(folder / name, f"dir/{name}")
    picture = Image.new("RGB", (60, 30), "white")
    for suffix in ("png", "jpg", "tiff", "webp"):
        picture.save(folder / f"a.{suffix}")


def real_files(folders: Iterable[Path]) -> dict[str, list[bytes]]:
    """Return the bytes of all files below some folders, by suffix."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            suffix = path.suffix.lower()
            if suffix in FORMATS and path.is_file():
                if 0 < path.stat().st_size <= MOST_BYTES:
                    found[suffix].append(path.read_bytes())
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return a file with a few random damages, inside its archive if it is one."""
    if data.startswith(b"PK") and rng.random() < 0.8:
        return _repacked(data, rng)
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        rng.choice(DAMAGES)(damaged, rng)
    return bytes(damaged) or b"\n"


def _repacked(data: bytes, rng: random.Random) -> bytes:
    """Damage one member of an archive, or leave it out."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        chosen = rng.choice(names)
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as copy:
            for name in names:
                content = archive.read(name)
                if name == chosen:
                    if rng.random() < 0.1:
                        continue
                    content = mutated(content, rng)
                copy.writestr(name, content)
    return packed.getvalue()


def _flip(data: bytearray, rng: random.Random) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randint(0, len(data)) :]


def _delete(data: bytearray, rng: random.Random) -> None:
    start, end = _span(data, rng)
    del data[start:end]


def _repeat(data: bytearray, rng: random.Random) -> None:
    start, end = _span(data, rng)
    data[end:end] = bytes(data[start:end]) * rng.choice((1, 2, 50))


def _insert(data: bytearray, rng: random.Random) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 3, 200))


def _number(data: bytearray, rng: random.Random) -> None:
    """Replace a number by a surprising one."""
    numbers = list(re.finditer(rb"\d+", data))
    if numbers:
        start, end = rng.choice(numbers).span()
        data[start:end] = rng.choice((b"0", b"-1", b"65536", b"2147483648", b"1e999"))


DAMAGES: Sequence[Callable[[bytearray, random.Random], None]] = (
    _flip,
    _flip,
    _cut,
    _delete,
    _repeat,
    _insert,
    _number,
)


def _span(data: bytearray, rng: random.Random) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 8, 100, 5000)))


def ingested(folder: Path, store: Path) -> tuple[IngestReport, set[str]]:
    """Ingest a folder; return the report and the files that gave documents."""
    corpora = Store(store)
    options = IngestOptions(limits=LIMITS)
    encoder = StubEncoder()
    report = ingest(
        [folder], store=corpora, corpus="hostile", options=options, encoder=encoder
    )
    with corpora.open("hostile") as snapshot:
        files = {str(entry.extra["file"]) for entry in snapshot.documents()}
    return report, files


def unexplained(folder: Path, report: IngestReport, files: set[str]) -> set[str]:
    """Return the files that were neither read nor named."""
    named = {skipped.source for skipped in report.skipped}
    return {path.name for path in folder.iterdir()} - files - named


def write_mutations(
    folder: Path, real: Mapping[str, list[bytes]], numbers: Iterable[int], seed: int
) -> None:
    """Write one mutation of a file of each format for each number."""
    folder.mkdir(parents=True)
    for suffix, contents in real.items():
        for number in numbers:
            rng = random.Random(f"{seed} {suffix} {number}")
            path = folder / f"{suffix[1:]}-{number:06}{suffix}"
            path.write_bytes(mutated(rng.choice(contents), rng))
    (folder / "whole.md").write_text(TEXT)


def _kind(reason: str) -> str:
    """Return a reason without its particulars."""
    return re.sub(r"\(.*|\d+|'.*", "…", reason)[:60]


def main() -> int:
    """Run the mutations that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000, help="files a format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--also", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    started = time.monotonic()
    total: Counter[str] = Counter()
    read: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    lost: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        (work / "written").mkdir()
        written(work / "written")
        real = real_files([CORPORA, work / "written", *given.also])
        step = max(1, FILES_AN_INGEST // len(real))
        for first in range(0, given.count, step):
            folder = work / f"{first}"
            numbers = range(first, min(first + step, given.count))
            write_mutations(folder, real, numbers, given.seed)
            try:
                report, files = ingested(folder, work / f"store-{first}")
            except IngestError as exc:
                print(f"an ingest was lost: {exc}")
                return 1
            lost |= unexplained(folder, report, files)
            total.update(path.suffix for path in folder.iterdir())
            read.update(Path(file).suffix for file in files)
            for skipped in report.skipped:
                reasons[Path(skipped.source).suffix][_kind(skipped.reason)] += 1
    for suffix in sorted(total):
        print(f"{suffix:7} {read[suffix]:6} read of {total[suffix]}")
        for reason, count in reasons[suffix].most_common():
            print(f"        {count:6} {reason}")
    print(f"{total.total()} files in {time.monotonic() - started:.0f} s")
    print(f"neither read nor named: {sorted(lost) or 'none'}")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
