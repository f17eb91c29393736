"""Searchable arrays and the immutable folders they live in."""
