"""Cases of food's of which food says a stage before it says the case (story 6)."""

from __future__ import annotations

from random import Random

from syncgate.sandbox.city.applications import draft
from syncgate.sandbox.city.identities import is_in_gbk
from syncgate.sandbox.city.joining import food_number, said_by_food
from syncgate.sandbox.city.script import CASES, STAGES, Call, Life
from syncgate.sandbox.city.stages import Turns, stages

FIRST_EARLY, EARLY_COUNT = 930, 3


def early_lives(seed: int, *, count: int = EARLY_COUNT) -> tuple[Life, ...]:
    """The lives, as if nothing were early: the last call of each is made first."""
    random = Random(f"early-{seed}")
    return tuple(_early(random, serial) for serial in range(FIRST_EARLY, FIRST_EARLY + count))


def _early(random: Random, serial: int) -> Life:
    drafted = draft(random, serial)
    while not is_in_gbk(str(drafted.case)):
        drafted = draft(random, serial)
    happened = stages(random, applied_at=drafted.applied_at, turns=Turns(is_open=True), serial=serial)
    number = food_number(serial)
    case = drafted.case | {"case_no": number, "stages": happened[:-1]}
    calls = [Call("POST", CASES, case), Call("POST", STAGES, {"stages": happened[-1:]})]
    return Life(number, frozenset({"food_first", "stage_first"}), tuple(said_by_food(calls, serial)))
