"""Applications that food is told a wrong promise of: calendar days for working days (story 11)."""

from __future__ import annotations

from random import Random

from syncgate.sandbox.city.applications import draft
from syncgate.sandbox.city.identities import is_in_gbk
from syncgate.sandbox.city.script import CASES, FOOD_HOLDS_IT, Call, Life
from syncgate.sandbox.city.stages import Turns, stages

FIRST_WRONG, WRONG_COUNT = 3000, 24
PROMISED, WRONG_DAYS = 5, 7
"""Working days, and what a mapping made of them for a while."""
HELD = FOOD_HOLDS_IT
TRAIT = "wrong_days"


def wrong_lives(seed: int, *, count: int = WRONG_COUNT, first: int = FIRST_WRONG) -> tuple[Life, ...]:
    """One post each; what is wrong is nothing that a source says."""
    random = Random(f"wrong-days-{seed}-{first}")
    return tuple(_wrong(random, serial) for serial in range(first, first + count))


def _wrong(random: Random, serial: int) -> Life:
    drafted = draft(random, serial)
    while not is_in_gbk(str(drafted.case)):
        drafted = draft(random, serial)
    happened = stages(random, applied_at=drafted.applied_at, turns=Turns(is_open=True), serial=serial)
    promised = {"limits": {"promise": {"value": PROMISED, "unit": "working_day"}}}
    post = Call("POST", CASES, drafted.case | promised | {"stages": happened[:2]})
    return Life(drafted.case["case_no"], frozenset({TRAIT}), (post,))
