"""Builds a txtai index of the corpus from embeddings that are there already.

python txtai_index.py OUT dense|hybrid
"""

import sys

import numpy as np
from laid_out import EXPORT, embeddings, passages
from txtai import Embeddings
from txtai.vectors.dense.onnx import ONNX

out, arms = sys.argv[1:]
rows = passages()
known = {row["text"]: vector for row, vector in zip(rows, embeddings(), strict=True)}

# Only while the index is built: the vector of a passage is looked up, not computed again.
ONNX.encode = lambda self, data, category=None: np.stack([known[text] for text in data])

index = Embeddings(
    path=str(EXPORT / "model.onnx"),
    maxlength=256,
    content=True,
    hybrid=arms == "hybrid",
)
index.index((row["id"], row["text"], None) for row in rows)
index.save(out)
