"""Export the default model for ONNX Runtime into a folder, while an image is built."""

import sys
from pathlib import Path

from kbserver.embedding.models import open_encoder
from kbserver.settings import DEFAULT_MODEL

target = Path(sys.argv[1])
encoder = open_encoder(DEFAULT_MODEL, cache=target, device="cpu", for_queries=True)
with encoder:
    encoder.embed_queries(["does it answer"])
