"""A Chroma server, and the application in front of it that embeds the query.

Chroma's own embedder pads every query to 256 tokens (57 instead of 6 ms here), so this one embeds
as well as it can be done with the same graph in ONNX Runtime.
"""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import chromadb
import numpy as np
import onnxruntime
from laid_out import EXPORT
from tokenizers import Tokenizer
from turn_app import turn_app

tokenizer = Tokenizer.from_file(str(EXPORT / "tokenizer.json"))
tokenizer.no_padding()
tokenizer.enable_truncation(256)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(
    str(EXPORT / "model.onnx"), options, providers=["CPUExecutionProvider"]
)
inputs = {given.name for given in session.get_inputs()}
collection = None


def embed(text):
    encoding = tokenizer.encode(text)
    ids = np.array([encoding.ids], np.int64)
    known = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }
    return session.run(None, {name: known[name] for name in inputs})[0]


def retrieve(query, top_k):
    found = collection.query(
        query_embeddings=embed(query),
        n_results=top_k,
        include=["documents", "distances"],
    )
    columns = zip(
        found["ids"][0], found["documents"][0], found["distances"][0], strict=True
    )
    return [(id, text, 1.0 - distance) for id, text, distance in columns]


@contextmanager
def chroma():
    """Run a Chroma server on a free port while the application runs."""
    global collection
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(Path(sys.executable).with_name("chroma")),
        "run",
        "--path",
        os.environ["PEERS_INDEX"],
    ]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while collection is None:
            try:
                client = chromadb.HttpClient("127.0.0.1", port)
                collection = client.get_collection("corpus", embedding_function=None)
            except ValueError:  # raised while nothing listens there
                if process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


app = turn_app(retrieve, around=chroma)
