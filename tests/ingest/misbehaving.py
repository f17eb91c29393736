"""A converter that does what its file says, for tests of what is done about it."""

import json
import os
import signal
import sys
import time
from pathlib import Path

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Block, Document

GREW_BYTES = 256 * 1024**2
KEPT: list[bytes] = []


def load(path: Path, source: str, ocr=None, going_on=None) -> list[Document]:
    order, _, text = path.read_text(encoding="utf-8").partition(" ")
    if order == "pages":
        for _ in range(int(text)):
            going_on()
        recognised = Block("paragraph", "page", confidence=0.5)
        return [Document(source, "Title", (recognised,))]
    ORDERS.get(order, say)(path, text)
    blocks = (Block("list_item", f"- {text}\ud800", 1, "lead"), Block("heading", ""))
    metadata = {"pid": os.getpid(), "tags": ["ä", 1.5, None]}
    return [Document(source, "Title", blocks, metadata, ("a note",))]


def say(path: Path, text: str) -> None:
    """Do nothing but convert."""


def spin(path: Path, text: str) -> None:
    while True:
        pass


def sleep(path: Path, text: str) -> None:
    path.with_suffix(".pid").write_text(f"{os.getpid()}")
    time.sleep(600)


def end(path: Path, text: str) -> None:
    os.kill(os.getpid(), signal.Signals[text])


def die_later(path: Path, text: str) -> None:
    """Die of this file when the next one is converted."""
    ORDERS["say"] = leave_now


def leave_now(path: Path, text: str) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def explain(path: Path, text: str) -> None:
    raise DocumentUnreadable(path.name, "why " * 1000)


def leave(path: Path, text: str) -> None:
    sys.exit(int(text))


def fail(path: Path, text: str) -> None:
    raise LookupError(text)


def allocate(path: Path, text: str) -> None:
    bytearray(int(text))


def grow(path: Path, text: str) -> None:
    KEPT.append(bytes(GREW_BYTES))


def write(path: Path, text: str) -> None:
    path.with_suffix(".out").write_bytes(bytes(int(text)))


def talk(path: Path, text: str) -> None:
    os.write(1, text.encode())
    os.write(2, text.encode())


def answer(path: Path, text: str) -> None:
    """Send what the protocol does not know."""
    os.write(json.loads(sys.argv[1])["socket"], bytes.fromhex(text))


ORDERS = {
    "say": say,
    "spin": spin,
    "sleep": sleep,
    "end": end,
    "die_later": die_later,
    "explain": explain,
    "leave": leave,
    "fail": fail,
    "allocate": allocate,
    "grow": grow,
    "write": write,
    "talk": talk,
    "answer": answer,
}
