"""Taking in what systems give back by a list: each row matched, answered, grouped by its cause."""
