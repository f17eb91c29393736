"""Pairing with Omni: what a client sends, an engine to try it against, and a doctor for what lies between."""
