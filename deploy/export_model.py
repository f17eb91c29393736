"""Export a model for ONNX Runtime into a folder, while an image is built."""

import sys
from pathlib import Path

from kbserver.embedding.models import open_encoder
from kbserver.settings import DEFAULT_MODEL

target = Path(sys.argv[1])
model = DEFAULT_MODEL
if len(sys.argv) > 2:
    model = sys.argv[2]
encoder = open_encoder(model, cache=target, device="cpu", for_queries=True)
with encoder:
    encoder.embed_queries(["does it answer"])
