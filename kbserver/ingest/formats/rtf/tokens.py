"""RTF to tokens: control words, text and groups, with the characters that they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

# Source: Rich Text Format specification 1.9.1 (Microsoft), "Control word".
_TOKEN = re.compile(
    rb"\\(?P<word>[A-Za-z]{1,32})(?P<number>-?\d{1,10})? ?"
    rb"|\\'(?P<byte>[0-9A-Fa-f]{2})"
    rb"|\\(?P<symbol>[^A-Za-z'])"
    rb"|(?P<group>[{}])"
    rb"|(?P<text>[^\\{}\r\n]+)"
    rb"|[\r\n]+|\\'?"
)
_WORDS = {
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "bullet": "•",
    "tab": " ",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "line": "\n",
    "lbr": "\n",
    "softline": "",
}
_SYMBOLS = {"~": "\u00a0", "_": "-", "-": "", "{": "{", "}": "}", "\\": "\\"}


class Token(NamedTuple):
    """One piece of an RTF file."""

    kind: str
    """`word`, `bytes`, `text`, `open`, `close`, or `star` for `\\*`."""
    word: str = ""
    """A control word; the characters of a `text`."""
    number: int | None = None
    data: bytes = b""
    """Characters in the code page of their font."""


def tokens(data: bytes) -> Iterator[Token]:
    """Yield the tokens of a file; binary data are left out."""
    at = 0
    while at < len(data):
        found = _TOKEN.match(data, at)
        if found is None:  # a lone backslash at the end
            return
        at = found.end()
        match found.lastgroup:
            case "group":
                yield Token("open" if found["group"] == b"{" else "close")
            case "text":
                yield Token("bytes", data=found["text"])
            case "byte":
                yield Token("bytes", "'", data=bytes.fromhex(found["byte"].decode()))
            case "symbol":
                yield _symbol(found["symbol"].decode("latin-1"))
            case "word" | "number":
                token = _word(found)
                if token.word == "bin":
                    at += max(token.number or 0, 0)
                else:
                    yield token


def _symbol(symbol: str) -> Token:
    if symbol == "*":
        return Token("star")
    if symbol in "\r\n":
        return Token("word", "par")
    if symbol == "\t":
        return Token("text", " ")
    return Token("text", _SYMBOLS.get(symbol, ""))


def _word(found: re.Match[bytes]) -> Token:
    word = found["word"].decode("ascii")
    if word in _WORDS:
        return Token("text", _WORDS[word])
    number = None
    if found["number"]:
        number = int(found["number"])
    return Token("word", word, number)
