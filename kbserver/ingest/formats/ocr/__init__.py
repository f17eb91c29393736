"""Text on pictures: recognised, kept where it is sure, and named where it is not."""
