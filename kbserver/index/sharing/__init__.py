"""Generations in an object store, for servers on many machines."""
