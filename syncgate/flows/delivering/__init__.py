"""What goes out: claim, map, send, confirm, settle, and what mends a broken claim."""
