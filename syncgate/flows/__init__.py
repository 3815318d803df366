"""One use case per file: what happens, in which transaction, in which order. Nothing here speaks HTTP or SQL."""
