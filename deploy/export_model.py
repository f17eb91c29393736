"""Export the default model for ONNX Runtime into a folder, while an image is built."""

import sys
from pathlib import Path

from kbserver.embedding.models import open_encoder
from kbserver.settings import DEFAULT_MODEL

with open_encoder(
    DEFAULT_MODEL, cache=Path(sys.argv[1]), device="cpu", for_queries=True
) as encoder:
    encoder.embed_queries(["does it answer"])
