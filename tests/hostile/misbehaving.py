"""A server whose handlers do what a handler must not: `python -m tests.hostile.misbehaving STORE`.

The session label says what is done: `raise-SystemExit`, `give-nan`, `hang-plain`, ….
"""

import asyncio
import itertools
import sys
import threading
from dataclasses import replace

import numpy as np

from kbserver import KBServer
from kbserver.types import Hit, Passage

FALLBACK = "Please hold."
PATIENT_MS = 10_000  # no answer is late on a busy machine
HANG_MS = 400

HIT = Hit(Passage("own", "The light is red.", title="Lights"), 0.9)
NEVER = threading.Event()


def some_hit(**changed):
    return replace(HIT, passage=replace(HIT.passage, **changed))


GOOD = {
    "float32": lambda: [replace(HIT, score=np.float32(0.5))],
    "single": lambda: HIT,
    "generator": lambda: (HIT for _ in range(3)),
    "surrogate": lambda: [some_hit(id="\ud800", text="It is red \ud83d now.")],
    "many": lambda: [some_hit(id=f"{n}", text=f"It is {n}.") for n in range(20_000)],
    "endless": lambda: itertools.repeat(HIT),
    "long-hit": lambda: [some_hit(text="It is red. " * 100_000)],
    "long-text": lambda: "It is red. " * 1_000_000,
    "marks": lambda: "It is red. " + "`_*[<" * 100_000,
    "long-names": lambda: [some_hit(title="t" * 10**6, heading_path=("h" * 10**6,))],
}
"""Answers that can be said, once they are cut."""

BAD = {
    "number": lambda: 42,
    "object": lambda: object(),
    "texts": lambda: ["a", "b"],
    "none-hit": lambda: [None],
    "nan": lambda: [replace(HIT, score=float("nan"))],
    "score-text": lambda: [replace(HIT, score="high")],
    "id-number": lambda: [some_hit(id=7)],
    "text-none": lambda: [some_hit(text=None)],
    "title-bytes": lambda: [some_hit(title=b"x")],
    "no-passage": lambda: [replace(HIT, passage="passage")],
    "arms": lambda: [replace(HIT, arms=7)],
    "broken": lambda: (1 // 0 for _ in range(3)),
}

ENDS = (
    *(RuntimeError, TimeoutError, StopIteration, asyncio.CancelledError, MemoryError),
    *(GeneratorExit, KeyboardInterrupt, SystemExit, RecursionError),
)


def raised(turn):
    name = turn.parameters["what"]
    raise next(error for error in ENDS if error.__name__ == name)


async def raised_later(turn):
    raised(turn)


def given(turn):
    return (GOOD | BAD)[turn.parameters["what"]]()


async def given_later(turn):
    return given(turn)


async def swallow(turn):
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


def hang(turn):
    NEVER.wait()


async def hang_in_loops_thread(turn):
    await asyncio.to_thread(NEVER.wait)


def plain(turn):
    return "from a plain one"


async def asynchronous(turn):
    return "from an async one"


async def support(turn):
    return await turn.retrieve(corpora=["support"])


HANDLERS = {
    "plain-raise-{what}": raised,
    "async-raise-{what}": raised_later,
    "plain-give-{what}": given,
    "async-give-{what}": given_later,
    "plain": plain,
    "async": asynchronous,
    "support": support,
}

HANGING = {
    "swallow": swallow,
    "hang": hang,
    "hang-in-loops-thread": hang_in_loops_thread,
}


def server_of(store):
    server = KBServer(
        store=store,
        port=0,
        open=True,
        follow_up=False,
        fallback=FALLBACK,
        deadline_ms=PATIENT_MS,
    )
    for label, handler in HANDLERS.items():
        server.route(label)(handler)
    for label, handler in HANGING.items():
        server.route(label, deadline_ms=HANG_MS)(handler)
    return server


if __name__ == "__main__":
    server_of(sys.argv[1]).run()
