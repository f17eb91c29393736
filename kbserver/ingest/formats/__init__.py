"""One module a format: each turns a file into documents; `ingest.load` chooses among them."""
