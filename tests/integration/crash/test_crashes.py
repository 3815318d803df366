"""A small `make crash`: real processes are killed under load, and every system is read in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.gates import ENGINES, Engine
from tests.crash.run import Asked, run

KILLS = 6


@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_lost_doubled_or_out_of_order_when_gates_networks_and_the_database_are_killed(
    tmp_path: Path, engine: Engine
) -> None:
    """Promises 1 to 5, 8 and 12: killed at six random instants; what is planted afterwards is found."""
    seen = run(Asked(engine, kills=KILLS, seed=7, rate=2.0), tmp_path / "run", lambda words: None)

    assert seen.wrong == []
    assert len(seen.kills) == KILLS
    assert seen.cases > 0
    assert seen.verdict.sends > seen.cases
