"""Pairing with Omni: what a client sends, an engine simulator, and a doctor for endpoints."""
