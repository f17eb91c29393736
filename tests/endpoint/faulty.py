"""A server whose model can be made to fail, in process and on a real socket."""

import threading
import time
from datetime import date, timedelta

import numpy as np

from kbserver.embedding.models import open_encoder
from kbserver.endpoint.app import KBServer
from kbserver.endpoint.live import LiveCorpora
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import read_settings

from ..conftest import write_documents


class FaultyEncoder:
    """The real model, except for what `trouble` does before a call or instead of it."""

    def __init__(self, real):
        self.real = real
        self.identity = real.identity
        self.backend = real.backend
        self.queries_per_call = real.queries_per_call
        self.side_by_side = real.side_by_side
        self.trouble = None
        self.calls = 0

    def embed_queries(self, texts):
        self.calls += 1
        vectors = None
        if self.trouble is not None:
            vectors = self.trouble(texts)
        if vectors is None:
            vectors = self.real.embed_queries(texts)
        return vectors

    def embed_passages(self, texts, *, on_progress=None):
        return self.real.embed_passages(texts, on_progress=on_progress)

    def count_tokens(self, text):
        return self.real.count_tokens(text)

    def pieces(self, text):
        return self.real.pieces(text)

    def close(self):
        self.real.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close()


class FaultyModel:
    """What every opening of the model gives; its trouble outlives a reopening."""

    def __init__(self):
        self.opened: list[FaultyEncoder] = []
        self._trouble = None

    def __call__(self, *args, **kwargs):
        encoder = FaultyEncoder(open_encoder(*args, **kwargs))
        encoder.trouble = self._trouble
        self.opened.append(encoder)
        return encoder

    def suffer(self, trouble):
        self._trouble = trouble
        for encoder in self.opened:
            encoder.trouble = trouble


class Stall:
    """Holds every thread that calls it until it is released."""

    def __init__(self):
        self.entered = threading.Event()
        self.released = threading.Event()

    def __call__(self, *args):
        self.entered.set()
        self.released.wait(60.0)

    @property
    def holding(self):
        return self.entered.is_set() and not self.released.is_set()


def raising(texts):
    raise MemoryError("out of memory")


def killed(texts):
    raise SystemExit(9)  # what ends a thread


def not_a_number(texts):
    return np.full((len(texts), 384), np.nan, np.float32)


def slow(seconds):
    """A model that takes so long for every text."""

    def trouble(texts):
        time.sleep(seconds * len(texts))

    return trouble


def faulty_server(store, model, **settings):
    """A KBServer over a store whose model is opened by `model`."""
    known = {"open": True, "follow_up": False, "debug": True, "reload_s": 0.05}
    server = KBServer(read_settings(store=store, **(known | settings)))
    server.corpora = LiveCorpora(
        server.settings.store, server.settings, server.metrics, open_encoder=model
    )
    return server


def store_with_an_offer(folder, models):
    """A store with a passage that is valid only around today, and one that always is.

    Args:
        models: the folder of another store's models, which spares an export.
    """
    (folder / "store").mkdir()
    (folder / "store" / ".models").symlink_to(models)
    begins = date.today() - timedelta(days=30)
    ends = date.today() + timedelta(days=30)
    limits = f"valid_from: {begins}\nvalid_until: {ends}"
    spring = "# The offer\n\nThe spring offer costs 10 pounds a month.\n"
    always = "# The other offer\n\nThe always offer costs 20 pounds a month.\n"
    documents = {"spring.md": f"---\n{limits}\n---\n{spring}", "always.md": always}
    ingest(
        [write_documents(folder / "documents", documents)],
        store=Store(folder / "store"),
        corpus="offers",
    )
    return folder / "store"
