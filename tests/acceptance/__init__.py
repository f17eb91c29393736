"""The doors and clients against the real, pinned clients of others, each in its own environment."""
