"""Measures what a corpus finds for judged questions, and calibrates its least score."""
