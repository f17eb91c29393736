"""What the caller says: offline there is no speech recognition, so the words come from a file."""

from __future__ import annotations

import json
from pathlib import Path

from kbserver.errors import OmniError


def read_script(path: Path) -> list[str]:
    """Return the utterances of a script, in order.

    A text file holds one utterance a line; blank lines and lines that begin with `#` are left out.
    A `.jsonl` file holds one object a line with the utterance as `text`, as the queries of a corpus
    do.

    Raises:
        OmniError: the file cannot be read, or holds no utterance.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise OmniError(f"the script {path} cannot be read: {exc}") from None
    if path.suffix == ".jsonl":
        utterances = [
            _text(path, number, line)
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
    else:
        stripped = [line.strip() for line in lines]
        utterances = [line for line in stripped if line and not line.startswith("#")]
    if not utterances:
        raise OmniError(f"the script {path} holds no utterance; write one a line")
    return utterances


def _text(path: Path, number: int, line: str) -> str:
    try:
        record = json.loads(line)
        text = record["text"]
    except (ValueError, KeyError, TypeError):
        text = None
    if not isinstance(text, str):
        raise OmniError(
            f'the script {path}, line {number}: not an object with a string "text"'
        )
    return text
