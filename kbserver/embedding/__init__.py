"""Texts to unit vectors: the model, its light export for serving, and the embedder that stays calm under load."""
