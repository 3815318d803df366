"""What is drawn from a seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.crash.gates import ENGINES, Engine
from tests.crash.kills import SHARES, Kill, plan


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_seed_kills_in_the_same_order(engine: Engine) -> None:
    assert plan(Random(5), engine, 250) == plan(Random(5), engine, 250)
    assert plan(Random(5), engine, 250) != plan(Random(6), engine, 250)


@pytest.mark.parametrize("engine", ENGINES)
def test_most_are_kill_9_and_no_kind_is_left_out_of_a_long_run(engine: Engine) -> None:
    drawn = Counter(plan(Random(1), engine, 250))

    assert drawn.total() == 250
    assert drawn.keys() == SHARES[engine].keys()
    assert sum(count for kind, count in drawn.items() if kind.startswith("kill -9")) > 125


@pytest.mark.parametrize("engine", ENGINES)
def test_a_short_run_kills_as_often_as_it_was_told(engine: Engine) -> None:
    drawn = Counter(plan(Random(1), engine, 6))

    assert drawn.total() == 6
    assert drawn["kill -9"] == 3


def test_what_had_left_a_gate_may_be_answered_after_its_death_but_not_for_long() -> None:
    killed = datetime(2026, 4, 1, tzinfo=UTC)
    kill = Kill("kill -9", killed, killed + timedelta(milliseconds=150), [])

    assert max(kill.lost_at) - killed == timedelta(milliseconds=1150)
