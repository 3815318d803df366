"""Permissions to dig that the front database takes, and gives back the next morning for one of two causes (story 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import instant
from syncgate.sandbox.city.places import ROAD_ITEM, WINDOW_A
from syncgate.sandbox.city.roads import road_case
from syncgate.sandbox.city.script import CASES, ONE_CASE, Call, Gate, Life
from syncgate.sandbox.city.stages import Diary

FIRST_GIVEN_BACK = 2000
RETIRED_COUNT, EARLY_COUNT = 16, 10
RETIRED_VERSION = 2
"""Of the item: out of use from that morning on."""
RETIRED = ((ROAD_ITEM["task_code"], RETIRED_VERSION),)
GIVEN_BACK = (Gate("province", "basic_info"), Gate("province", "material"), Gate("frontdb", "accept", "parked"))


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What is given back: `retired` for the version of its item, which is mended here; `early` for what a street typed.

    The last call of each of `early` is the street's correction.
    """

    retired: tuple[Life, ...] = ()
    early: tuple[Life, ...] = ()

    @property
    def every_life(self) -> tuple[Life, ...]:
        """Both."""
        return (*self.retired, *self.early)


NOTHING_GIVEN_BACK = GivenBack()


def given_back_lives(seed: int, *, retired: int = RETIRED_COUNT, early: int = EARLY_COUNT) -> GivenBack:
    """As many of each."""
    random = Random(f"given-back-{seed}")
    serials = range(FIRST_GIVEN_BACK, FIRST_GIVEN_BACK + retired + early)
    return GivenBack(
        tuple(_retired(random, serial) for serial in serials[:retired]),
        tuple(_early(random, serial) for serial in serials[retired:]),
    )


def _retired(random: Random, serial: int) -> Life:
    case = _accepted(random, serial, hours=1)
    case["item"] |= {"version": RETIRED_VERSION}
    return Life(case["case_no"], frozenset({"given_back", "retired_version"}), (Call("POST", CASES, case),))


def _early(random: Random, serial: int) -> Life:
    """The street typed one time twice: accepted in the second in which it was applied for."""
    case = _accepted(random, serial, hours=0)
    _, applied_at = road_case(Random(serial), serial)
    right = {"applied_at": instant(applied_at - timedelta(minutes=40))}
    correct = Call("PATCH", ONE_CASE, right, after=GIVEN_BACK, source="street")
    first = Call("POST", CASES, case, source="street")
    return Life(case["case_no"], frozenset({"given_back", "accepted_early"}), (first, correct))


def _accepted(random: Random, serial: int, *, hours: float) -> dict[str, Any]:
    case, applied_at = road_case(random, serial)
    diary = Diary(now=applied_at)
    diary.add("applied", hours=0)
    diary.add("accepted", handler=WINDOW_A, hours=hours, opinion="材料齐全，予以受理")
    forms = [{"id": "M01", "name": "申请表", "get_type": "1"}]
    return case | {"materials": forms, "stages": diary.stages}
