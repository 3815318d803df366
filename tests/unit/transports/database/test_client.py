"""Whoever ends a transaction and the thread that commits it never both believe that they were first."""

from __future__ import annotations

import pytest

from syncgate.transports.database.client import Progress, _Cut
from syncgate.transports.database.faults import Stage


def test_nothing_is_committed_once_the_time_was_up() -> None:
    """Crash point: the answer to the last statement comes just after the send was given up. Promise 4."""
    cut: list[object] = []
    progress = Progress(cut.append)
    progress.works_on("connection")
    progress.cut()
    with pytest.raises(_Cut):
        progress.commits()
    assert (progress.stage, cut) == (Stage.WORKING, ["connection"])


def test_a_commit_that_left_before_the_time_was_up_stays_begun() -> None:
    progress = Progress(lambda _: None)
    progress.works_on("connection")
    progress.commits()
    progress.cut()
    assert progress.stage is Stage.COMMITTING


def test_no_statement_leaves_once_the_time_was_up() -> None:
    progress = Progress(lambda _: None)
    progress.cut()
    with pytest.raises(_Cut):
        progress.works_on("connection")
    assert progress.stage is Stage.CONNECTING


def test_a_connection_that_was_put_back_is_not_cut() -> None:
    """Somebody else may be using it."""
    cut: list[object] = []
    progress = Progress(cut.append)
    progress.works_on("connection")
    progress.ends()
    progress.cut()
    assert cut == []


def test_cutting_is_never_in_the_way() -> None:
    def fails(_: object) -> None:
        raise RuntimeError("closed already")

    progress = Progress(fails)
    progress.works_on("connection")
    progress.cut()
    assert progress.is_cut
