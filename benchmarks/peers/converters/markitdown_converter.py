"""markitdown, as it comes."""

from __future__ import annotations

from answering import answer
from markitdown import MarkItDown

CONVERTER = MarkItDown()

answer(lambda path: CONVERTER.convert(path).markdown)
