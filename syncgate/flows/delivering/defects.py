"""Defects of ours, told without quoting anything."""

from __future__ import annotations

import traceback


def place_of(error: BaseException) -> str:
    """Where an error arose, as files and lines, innermost first: its text may hold what a citizen wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    places = ("/".join(frame.filename.split("/")[-2:]) + f":{frame.lineno}" for frame in reversed(frames))
    return " < ".join(places)
