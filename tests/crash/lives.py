"""An endless city: cases that reach every system and that nothing but a fault keeps from being delivered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from syncgate.sandbox.city.applications import draft
from syncgate.sandbox.city.calls import first_calls
from syncgate.sandbox.city.hotline import hotline_life
from syncgate.sandbox.city.insurance import insurance_life
from syncgate.sandbox.city.roads import road_life
from syncgate.sandbox.city.script import Life
from syncgate.sandbox.city.stages import Turns, stages

FIRST = 300
"""Serial of the first: those before it are special in one way or another."""


def lives(seed: int) -> Iterator[Life]:
    """Lives without end, each call with an idempotency key; the same for the same seed."""
    random = Random(f"crash-{seed}")
    for serial in range(FIRST, 10_000):
        yield _keyed(_application(random, serial))
        yield _keyed(hotline_life(random, serial))
        if serial % 30 != 16:
            yield _keyed(road_life(random, serial))
        if serial % 30 != 11:
            yield _keyed(insurance_life(random, serial))


def _application(random: Random, serial: int) -> Life:
    """An application of item A that the window alone speaks of."""
    drafted = draft(random, serial)
    turns = Turns(has_supplement=serial % 5 == 1, is_refused=serial % 12 == 8, is_open=serial % 17 == 4)
    happened = stages(random, applied_at=drafted.applied_at, turns=turns, serial=serial)
    return Life(drafted.case["case_no"], frozenset(), tuple(first_calls(random, drafted.case, happened)))


def _keyed(life: Life) -> Life:
    calls = (
        replace(call, idempotency_key=f"{life.case_no}-{number}", times=1) for number, call in enumerate(life.calls)
    )
    return replace(life, calls=tuple(calls))
