"""One module a format: each turns a file into documents made of blocks (`load.py` chooses among them)."""
