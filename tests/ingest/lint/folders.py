"""Folders of documents for the linter."""

import datetime as dt
from pathlib import Path

from kbserver.ingest.lint.findings import Finding
from kbserver.ingest.lint.lint import lint_folder
from tests.conftest import write_documents

TODAY = dt.date(2026, 6, 1)


def lint(folder: Path, documents: dict[str, str]) -> list[Finding]:
    return lint_folder([write_documents(folder, documents)], TODAY)
