"""Hostile input for every parser (`python -m tests.fuzz --minutes 60`), and for the REST interface (`api`)."""
