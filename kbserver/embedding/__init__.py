"""Texts to unit vectors: the model, its export for serving, and the embedder of queries."""
