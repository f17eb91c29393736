"""Commands for servers on many machines."""
