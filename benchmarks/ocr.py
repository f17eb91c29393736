"""How rightly two engines read scanned pages, and how well their confidence tells.

    python -m benchmarks.ocr [--pdf FILE …] [--pages N] [--font FILE …] [--rows N] [--json FILE]

Pages whose text is known are made to look scanned: price lists, a page in two columns and a page
in German are drawn, pages of PDF files are rendered (their text layer is the truth). Each is read
as it comes off a good and a bad scanner, by RapidOCR as kbserver uses it and, where it is
installed, by Tesseract.

*Words* and *numbers*: the share of those written that were read. *Wrong*: read numbers that stand
nowhere on the page; at a floor only those count whose least sure character reaches it. One digit
that is wrong and sure is a wrong price, so the table of floors chooses ours.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import re
import resource
import shutil
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from PIL.ImageFont import FreeTypeFont
from rich.console import Console
from rich.table import Table

from kbserver.ingest.formats.ocr.engine import Engine

FONTS = Path("/usr/share/fonts/truetype/dejavu")
INCHES = (8.27, 11.69)
FLOORS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
SCANNERS = ("good, 300 dpi", "good, 150 dpi", "bad, 200 dpi", "fax, 150 dpi")
RAISED_DIGIT = re.compile("[⁰¹²³⁴-⁹]")
NUMBER = re.compile(r"[\d⁰¹²³⁴-⁹]+(?:[.,:/][\d]+)*")
PROSE = (
    "The fee for a lost card is £{0}.{1:02} and the new one arrives within {2} working days of "
    "the call. Guests who leave before {3}:30 pay {4} % of the price of a night, those with the "
    "number AQ-{5} pay nothing. A cot of {6} × {7} cm is free of charge. "
)


@dataclass(frozen=True)
class Page:
    """A page whose text is known."""

    kind: str
    image: Image.Image
    """As at 300 dpi, unspoilt."""
    lines: list[str]


@dataclass
class Score:
    """What one engine read of some pages."""

    words: int = 0
    words_read: int = 0
    numbers: int = 0
    numbers_read: int = 0
    right: list[float] = field(default_factory=list)
    """Confidence of each number that stands on its page."""
    wrong: list[float] = field(default_factory=list)
    examples: list[tuple[float, str]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Of processor time, by page."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--pdf", type=Path, nargs="*", default=[])
    parser.add_argument("--pages", type=int, default=3, help="of each PDF file")
    parser.add_argument("--font", type=Path, nargs="*", default=[])
    parser.add_argument("--rows", type=int, default=32, help="of a price list")
    parser.add_argument("--dpi", type=int, default=200, help="a page is read at")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    fonts = arguments.font or [
        FONTS / "DejaVuSans.ttf",
        FONTS / "DejaVuSerif.ttf",
        FONTS / "DejaVuSansMono.ttf",
    ]
    pages = [*drawn_pages(fonts, arguments.rows)]
    for file in arguments.pdf:
        pages += pdf_pages(file, arguments.pages)
    engines: dict[str, Rapid | Tesseract] = {"rapidocr": Rapid(arguments.dpi)}
    if shutil.which("tesseract"):
        engines["tesseract"] = Tesseract(arguments.dpi)
    scores = {(name, scanner): Score() for name in engines for scanner in SCANNERS}
    for page in pages:
        for scanner in SCANNERS:
            picture = scanned(page.image, scanner)
            for name, engine in engines.items():
                rate(page, engine, picture, scores[name, scanner])
    show(scores)
    if arguments.json:
        figures = {" ".join(key): vars(score) for key, score in scores.items()}
        arguments.json.write_text(json.dumps(figures, indent=1))


def drawn_pages(fonts: Sequence[Path], rows: int) -> Iterator[Page]:
    """Draw one page of each kind in each font."""
    chance = random.Random(7)
    for font in fonts:
        for kind, lines in (
            ("prices", price_list(chance, rows)),
            ("german", german(chance, rows)),
            ("columns", columns(chance)),
        ):
            yield drawn(kind, lines, font)


def price_list(chance: random.Random, rows: int) -> list[tuple[float, str]]:
    """Return (left edge as a share of the width, text) by line; equal lines follow."""
    lines: list[tuple[float, str]] = []
    for row in range(rows):
        cents = chance.randrange(100)
        lines += [
            (0.08, f"Room {chance.randrange(100, 700)} {chance.choice(NAMES)}"),
            (0.45, f"${chance.randrange(3, 900)}{chance.choice(RAISED)}"),
            (0.6, f"£{chance.randrange(3, 2000):,}.{cents:02}"),
            (0.78, f"{chance.randrange(3, 99)},{cents:02} €"),
        ]
        if row % 8 == 7:
            lines.append((0.08, f"Tel. +44 20 7946 {chance.randrange(9999):04}"))
    return lines


NAMES = ("single", "double", "family", "suite", "attic", "garden")
RAISED = ("⁹⁹", "⁵⁰", ".95", "", "¹")


def german(chance: random.Random, rows: int) -> list[tuple[float, str]]:
    """Return lines with umlauts, dates and codes."""
    patterns = (
        "Öffnungszeiten vom {a}. März bis {b}. Oktober: {c}:30 bis {d} Uhr",
        "Übernachtung für {a} Gäste kostet {c}{b},50 € zzgl. Kurtaxe {a},20 €",
        "Gerät WX-{c}{d}/{a}, Größe {b}{c} × {d}{a} mm, Prüfziffer {d}{c}{b}",
        "Rückgabe spätestens am {a}.{c}.2026, Gebühr {b} % (mind. {d},90 €)",
    )
    return [
        (
            0.08,
            patterns[row % 4].format(
                a=chance.randrange(1, 28),
                b=chance.randrange(1, 28),
                c=chance.randrange(10, 12),
                d=chance.randrange(13, 99),
            ),
        )
        for row in range(rows)
    ]


def columns(chance: random.Random) -> list[tuple[float, str]]:
    """Return prose set in two columns, line beside line."""
    text = "".join(
        PROSE.format(*(chance.randrange(10, 99) for _ in range(8))) for _ in range(9)
    )
    words = text.split()
    lines = [" ".join(words[at : at + 6]) for at in range(0, len(words), 6)]
    half = (len(lines) + 1) // 2
    beside: list[tuple[float, str]] = []
    for row in range(half):
        beside.append((0.06, lines[row]))
        if half + row < len(lines):
            beside.append((0.53, lines[half + row]))
    return beside


def drawn(kind: str, lines: Sequence[tuple[float, str]], font: Path) -> Page:
    """Draw lines on a sheet of A4; a piece further right than the last stays beside it."""
    width, height = (round(300 * inches) for inches in INCHES)
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    face = ImageFont.truetype(font, 36 if kind == "columns" else 42)
    if "Mono" in font.name and kind == "columns":
        face = ImageFont.truetype(font, 27)
    y, last = 100.0, 1.0
    for left, text in lines:
        if left <= last:
            y += 66
        _write(draw, left * width, y, text, face)
        last = left
    return Page(kind, image, [text for _, text in lines])


def _write(
    draw: ImageDraw.ImageDraw, x: float, y: float, text: str, face: FreeTypeFont
) -> None:
    """Write a text, its raised digits as typesetters make them: smaller, and higher."""
    small = face.font_variant(size=round(face.size * 0.6))
    for part in re.split(r"([⁰¹²³⁴-⁹]+)", text):
        if RAISED_DIGIT.fullmatch(part[:1]):
            part = unicodedata.normalize("NFKC", part)
            draw.text((x, y + 0.02 * face.size), part, font=small, fill=20)
            x += small.getlength(part)
        else:
            draw.text((x, y), part, font=face, fill=20)
            x += face.getlength(part)


def pdf_pages(file: Path, number: int) -> list[Page]:
    """Render the first pages of a file that hold some text."""
    pages: list[Page] = []
    with pdfium.PdfDocument(file) as pdf:
        for page in pdf:
            text = page.get_textpage().get_text_range()
            if len(text) > 600 and len(pages) < number:
                image = page.render(scale=300 / 72).to_pil().convert("L")
                pages.append(Page("manual", image, text.split("\n")))
    return pages


def numbers_of(lines: Iterable[str]) -> Counter[str]:
    """Count the numbers of some lines; raised digits are digits of their own."""
    return Counter(NUMBER.findall(" ".join(lines)))


def words_of(lines: Iterable[str]) -> Counter[str]:
    """Count the words of some lines, without the signs around them."""
    text = " ".join(lines).replace("\ufffe", "-")
    return Counter(filter(None, (bare(word) for word in text.split())))


def bare(word: str) -> str:
    """Return a word without punctuation at its ends."""
    return word.strip(".,;:()[]“”\"'‘’·•–—-")


def scanned(image: Image.Image, scanner: str) -> Image.Image:
    """Return a page as a scanner gives it."""
    dpi = int(scanner.split()[-2])
    chance = np.random.default_rng(3)
    size = [round(side * dpi / 300) for side in image.size]
    small = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    noise = 4.0
    if not scanner.startswith("good"):
        noise = 14.0
        small = small.rotate(0.7, Image.Resampling.BICUBIC, fillcolor=255)
        small = small.filter(ImageFilter.GaussianBlur(dpi / 250))
    pixels = np.asarray(small, np.float64)
    if scanner.startswith("bad"):
        pixels = 70 + pixels * 0.6  # pale print on grey paper
    pixels = pixels + chance.normal(0, noise, pixels.shape)
    if scanner.startswith("fax"):
        pixels = np.where(pixels > 150, 255, 0)
    spoilt = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    packed = io.BytesIO()
    spoilt.save(packed, "JPEG", quality=60)
    return Image.open(packed)


class Rapid:
    """RapidOCR as kbserver uses it."""

    def __init__(self, dpi: int) -> None:
        self._engine = Engine(1)
        self._dpi = dpi

    def __call__(self, picture: Image.Image) -> Iterator[tuple[str, float]]:
        """Yield each word with the confidence of its least sure character."""
        pixels = np.asarray(_at(picture, self._dpi).convert("RGB"))
        for found in self._engine.read(pixels):
            word: list[tuple[str, float]] = []
            for sign, sure in zip(
                f"{found.text} ", (*found.confidences, 0), strict=True
            ):
                if not sign.isspace():
                    word.append((sign, sure))
                elif word:
                    yield "".join(text for text, _ in word), min(c for _, c in word)
                    word = []


class Tesseract:
    """The command of Debian's package, with all the languages that are installed."""

    def __init__(self, dpi: int) -> None:
        self._dpi = dpi
        listed = subprocess.run(
            ["tesseract", "--list-langs"], capture_output=True, text=True, check=True
        )
        known = {"eng", "deu"} & set(listed.stdout.split())
        self._languages = "+".join(sorted(known, reverse=True))

    def __call__(self, picture: Image.Image) -> Iterator[tuple[str, float]]:
        """Yield each word with its confidence."""
        packed = io.BytesIO()
        _at(picture, self._dpi).save(packed, "PNG")
        command = ["tesseract", "-", "-", "-l", self._languages, "--dpi"]
        command += [str(self._dpi), "tsv"]
        done = subprocess.run(
            command,
            input=packed.getvalue(),
            capture_output=True,
            check=True,
            env={"OMP_THREAD_LIMIT": "1"},
        )
        rows = csv.DictReader(
            done.stdout.decode().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE
        )
        for row in rows:
            if row["text"] and row["text"].strip():
                yield row["text"], float(row["conf"]) / 100


def _at(picture: Image.Image, dpi: int) -> Image.Image:
    """Return a page as rendered for an engine."""
    height = round(dpi * INCHES[1])
    width = round(picture.width * height / picture.height)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def rate(
    page: Page, engine: Rapid | Tesseract, picture: Image.Image, score: Score
) -> None:
    """Read a page, and add what was right and wrong."""
    before = _cpu()
    words = list(engine(picture))
    score.seconds.append(_cpu() - before)
    written = words_of(page.lines)
    score.words += written.total()
    score.words_read += (written & words_of(word for word, _ in words)).total()
    left = numbers_of(page.lines)
    score.numbers += left.total()
    for word, sure in words:
        for number in NUMBER.findall(word):
            if left[number] > 0:
                left[number] -= 1
                score.right.append(sure)
            else:
                score.wrong.append(sure)
                score.examples.append((sure, f"{page.kind}: {word}"))
    score.numbers_read = len(score.right)


def _cpu() -> float:
    ours = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ours.ru_utime + ours.ru_stime + children.ru_utime + children.ru_stime


def show(scores: dict[tuple[str, str], Score]) -> None:
    """Print the two tables."""
    out = Console(width=130)
    table = Table("engine", "scanner", "words", "numbers", "wrong", "s a page")
    for (name, scanner), score in scores.items():
        table.add_row(
            name,
            scanner,
            f"{score.words_read / score.words:.3f}",
            f"{score.numbers_read / score.numbers:.3f}",
            f"{len(score.wrong)} of {score.numbers}",
            f"{np.median(score.seconds):.1f}",
        )
    out.print(table)
    table = Table(
        "engine", "floor", "numbers kept", "wrong and sure", "the surest wrong"
    )
    for name in dict.fromkeys(name for name, _ in scores):
        own = [score for (engine, _), score in scores.items() if engine == name]
        right = np.array([sure for score in own for sure in score.right])
        wrong = np.array([sure for score in own for sure in score.wrong])
        surest = sorted((one for score in own for one in score.examples), reverse=True)
        for floor in FLOORS:
            table.add_row(
                name,
                f"{floor:g}",
                f"{(right >= floor).mean():.3f}",
                f"{(wrong >= floor).sum()} of {len(right) + len(wrong)}",
                "; ".join(text for _, text in surest[:4]),
            )
            surest = []
    out.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    out.print(
        f"memory of this process, RapidOCR's and its models included: {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
